#!/usr/bin/env bash
# Compares what the modules export with the last version that was tagged. A
# change that breaks callers is a failure, unless CHANGELOG.md names what it
# changes (the last word of "(*Source).Suspect", say) under "API changes",
# above the heading of that version. Nested modules are compared if they were
# tagged with it.
#
#	scripts/api.sh             # the working tree with the last tag
#	scripts/api.sh --since     # says which tag that is
#	scripts/api.sh --self-test # tries itself on a tree it makes
set -euo pipefail
export GOWORK=off
top=$(cd "$(dirname "$0")/.." && pwd)

# last_tag prints the last version tag that HEAD comes after, or, if releases
# are made beside it, the highest; nothing if there is none.
last_tag() {
	[ -e .git ] || return 0 # a tree without its history
	git rev-parse --git-dir >/dev/null || return 1
	if [ "$(git rev-parse --is-shallow-repository)" = true ] && [ -z "$(git tag --list 'v[0-9]*')" ]; then
		git fetch --quiet --depth=1 origin 'refs/tags/*:refs/tags/*' || {
			echo "api: this clone is shallow and its origin does not answer: fetch the tags" >&2
			return 1
		}
	fi
	git describe --tags --abbrev=0 --match 'v[0-9]*' 2>/dev/null ||
		git tag --list 'v[0-9]*' --sort=-version:refname | head -1
}

# build builds the tool that compares, once for all that this script starts.
build() {
	APIDIFF=${APIDIFF:-$(cd "$top" && go tool -modfile=tools/go.mod -n apidiff)}
	export APIDIFF
}

# exports FILE DIRECTORY writes what the module there exports.
exports() {
	local file=$1
	(cd "$2" && "$APIDIFF" -m -w "$file" "$(sed -n 's/^module //p' go.mod)")
}

# alone DIRECTORY: the modules of a tagged tree require versions of each other
# that may be nowhere but in the tree.
alone() (
	cd "$1"
	while read -r file; do
		while read -r sibling; do
			path=$(sed -n 's/^module //p' "$sibling")
			if grep -qE "^(require )?[[:space:]]*$path v" "$file"; then
				go mod edit -replace="$path=$PWD/$(dirname "$sibling")" "$file"
			fi
		done < <(find . -name go.mod -not -path '*/testdata/*')
	done < <(find . -name go.mod -not -path '*/testdata/*')
)

# said TAG prints what CHANGELOG.md says of API changes since.
said() {
	grep -qF "## [${1#v}]" CHANGELOG.md || {
		echo "api: CHANGELOG.md has no heading \"## [${1#v}]\" for $1" >&2
		return 1
	}
	awk -v heading="## [${1#v}]" 'index($0, heading) == 1 { exit } /^##/ { on = /^### API changes/; next } on' CHANGELOG.md
}

# compare TAG, of the repository in the working directory.
compare() {
	local tag=$1 file dir unsaid=0 line name
	build
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
	mkdir "$work/old"
	git archive "$tag" | tar -x -C "$work/old"
	alone "$work/old"
	said "$tag" >"$work/said"
	while read -r file; do
		dir=$(dirname "${file#./}")
		if [ "$dir" != . ] && ! git rev-parse -q --verify "refs/tags/$dir/$tag" >/dev/null; then
			continue
		fi
		if [ ! -e "$dir/go.mod" ]; then
			echo "- package $dir: removed, the whole module" >>"$work/changes"
			continue
		fi
		exports "$work/old.export" "$work/old/$dir"
		exports "$work/new.export" "$dir"
		"$APIDIFF" -m -incompatible "$work/old.export" "$work/new.export" >>"$work/changes"
	done < <(cd "$work/old" && find . -name go.mod -not -path './tools/*' -not -path './examples/*' -not -path '*/testdata/*')
	while read -r line; do
		case $line in
		"- package "*/examples/*) continue ;;
		"- "*) ;;
		*) continue ;;
		esac
		name=$(sed -E 's/^- //; s/: .*//; s,.*[./ ],,' <<<"$line")
		if ! grep -qwF -- "$name" "$work/said"; then
			echo "api: breaks callers of $tag, and CHANGELOG.md does not name $name under \"API changes\": ${line#- }" >&2
			unsaid=$((unsaid + 1))
		fi
	done <"$work/changes"
	[ "$unsaid" -eq 0 ]
}

self_test() {
	build
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
	cd "$work"
	git init -q
	mkdir -p sub nested
	printf 'module example.test/m\n\ngo 1.26\n' >go.mod
	printf 'package m\n\ntype T struct{ A, B int }\n\nfunc (*T) Do() {}\n\nfunc F() {}\n' >m.go
	printf 'package sub\n\nfunc G() {}\n' >sub/sub.go
	printf 'module example.test/m/nested\n\ngo 1.26\n\nrequire example.test/m v0.1.0\n' >nested/go.mod
	printf 'package nested\n\nimport "example.test/m"\n\nfunc H(m.T) {}\n' >nested/nested.go
	printf '# Changelog\n\n## [0.1.0]\n\n### API changes\n\n- `F`, `Do`, `B`, `G` and `H` are new.\n' >CHANGELOG.md
	expect "no tag" "$(last_tag)" ""
	git add -A
	git -c user.name=self -c user.email=self@example.test -c commit.gpgsign=false commit -q -m first
	git tag v0.1.0
	git tag nested/v0.1.0
	expect "the tag" "$(last_tag)" v0.1.0
	go mod edit -replace=example.test/m=.. nested/go.mod
	tries succeed "nothing changed"
	printf '\nfunc New() {}\n' >>m.go
	tries succeed "a name was added"
	sed -i '/^func F/d' m.go
	tries fail "a func was removed" F
	sed -i 's/A, B int/A int/; s/^func (.*Do.*/func (*T) Do(int) {}/' m.go
	rm sub/sub.go
	sed -i 's/^func H(m.T)/func H(*m.T)/' nested/nested.go
	tries fail "a field, a method, a package and a nested module's func were changed" F B Do sub H
	sed -i 's/^## \[0.1.0\]/## [Unreleased]\n\n### API changes\n\n- `F` and `T.B` are gone, and so is `sub`.\n\n### Fixed\n\n- `Do`\n\n&/' CHANGELOG.md
	tries fail "some of them are not said" Do H
	sed -i 's/^- `F`.*gone/& `T.Do` takes a number, `nested.H` a pointer/' CHANGELOG.md
	tries succeed "all of them are said"
	sed -i 's/^## \[0.1.0\]/## [0.1]/' CHANGELOG.md
	tries fail "the version has no heading"
}

# tries HOW WHAT NAME…: compare fails and names these, or it does not fail.
tries() {
	local how=$1 what=$2 out got=succeed
	shift 2
	out=$(bash "$top/scripts/api.sh" --compare v0.1.0 2>&1) || got=fail
	expect "$what ($out)" "$got" "$how"
	if [ $# -gt 0 ]; then
		expect "$what: names" "$(sed -nE 's/.*does not name ([^ ]*) under.*/\1/p' <<<"$out" | sort | xargs)" "$(printf '%s\n' "$@" | sort | xargs)"
	fi
}

expect() {
	if [ "$2" != "$3" ]; then
		echo "api: $1: $2, want $3" >&2
		return 1
	fi
}

case ${1:-} in
--self-test) self_test ;;
--compare) compare "$2" ;; # of the working directory, for the self-test
"" | --since)
	cd "$top"
	tag=$(last_tag)
	if [ "${1:-}" = --since ] || [ -z "$tag" ]; then
		echo "${tag:-no tag to compare with yet}"
	else
		compare "$tag"
	fi
	;;
*)
	echo "usage: scripts/api.sh [--since | --self-test]" >&2
	exit 2
	;;
esac
