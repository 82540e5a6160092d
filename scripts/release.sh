#!/usr/bin/env bash
# Makes a tree that can be tagged: a copy of HEAD in which the nested modules
# require this version of their siblings instead of replacing them by relative
# paths.
#
#	scripts/release.sh v0.1.0 /tmp/release    # a directory that is not there yet
#	scripts/release.sh --self-test            # tries itself on a tree it makes
set -euo pipefail

# strip DIR VERSION: every go.mod below DIR.
strip() (
	cd "$1"
	version=$2
	ours=$(find . -name go.mod -not -path '*/testdata/*' -exec sed -n 's/^module //p' {} +)
	while read -r file; do
		for path in $ours; do
			if grep -qE "^(require )?[[:space:]]*$path v" "$file"; then
				go mod edit -require="$path@$version" "$file"
			fi
			go mod edit -dropreplace="$path" "$file"
		done
		if grep -qE '^replace|=>' "$file"; then
			echo "release: $file still replaces something:" >&2
			grep -nE '^replace|=>' "$file" >&2
			exit 1
		fi
	done < <(find . -name go.mod -not -path '*/testdata/*')
)

self_test() {
	local dir
	dir=$(mktemp -d)
	trap 'rm -rf "$dir"' RETURN
	mkdir -p "$dir/contrib/one" "$dir/contrib/two"
	printf 'module example.test/m\n\ngo 1.26\n' >"$dir/go.mod"
	printf 'module example.test/m/contrib/one\n\ngo 1.26\n\nrequire example.test/m v0.0.0\n\nreplace example.test/m => ../..\n' >"$dir/contrib/one/go.mod"
	printf 'module example.test/m/contrib/two\n\ngo 1.26\n\nrequire (\n\texample.test/m v0.0.0\n\texample.test/m/contrib/one v0.0.0\n)\n\nreplace (\n\texample.test/m => ../..\n\texample.test/m/contrib/one => ../one\n)\n' >"$dir/contrib/two/go.mod"
	strip "$dir" v1.2.3
	diff "$dir/contrib/one/go.mod" <(printf 'module example.test/m/contrib/one\n\ngo 1.26\n\nrequire example.test/m v1.2.3\n')
	diff "$dir/contrib/two/go.mod" <(printf 'module example.test/m/contrib/two\n\ngo 1.26\n\nrequire (\n\texample.test/m v1.2.3\n\texample.test/m/contrib/one v1.2.3\n)\n')
	printf '\nreplace example.org/other => ../other\n' >>"$dir/contrib/one/go.mod"
	if strip "$dir" v1.2.3 2>/dev/null; then
		echo "release: a replace of somebody else's module was not noticed" >&2
		return 1
	fi
}

if [ "${1:-}" = --self-test ]; then
	self_test
	exit
fi
if [ $# -ne 2 ] || ! [[ $1 =~ ^v[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$ ]] || [ -e "$2" ]; then
	echo "usage: scripts/release.sh vX.Y.Z NEW-DIRECTORY" >&2
	exit 2
fi
top=$(git rev-parse --show-toplevel)
mkdir -p "$2"
git -C "$top" archive HEAD | tar -x -C "$2"
strip "$2" "$1"
echo "the tree is in $2; tags:"
(cd "$2" && find . -name go.mod -not -path './tools/*' -not -path '*/testdata/*' | sed -E "s,^\./,,; s,go\.mod\$,$1," | sort)
