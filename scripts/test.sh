#!/usr/bin/env bash
# Runs every check: format, vet, lint, all tests of all modules under the race
# detector, the examples, the release script. Ends in "N passed, N failed".
#
# Needs Go and a C compiler. As root on Debian it installs a compiler that is
# missing; elsewhere it installs nothing, says NOT RUN for what it cannot do,
# and with CI=true fails for it.
set -uo pipefail
cd "$(dirname "$0")/.."
export GOWORK=off
root=$PWD
log=$(mktemp -d)
trap 'rm -rf "$log"' EXIT

passed=0
failed=0
pass() { passed=$((passed + $1)); }
fail() { failed=$((failed + $1)); }

# check NAME COMMAND…: one check; its output is shown when it fails.
check() {
	local name=$1
	shift
	if "$@" >"$log/out" 2>&1; then
		echo "ok    $name"
		pass 1
	else
		echo "FAIL  $name"
		sed 's/^/      /' "$log/out"
		fail 1
	fi
}

not_run() {
	echo "NOT RUN: $1"
	if [ "${CI:-}" = true ]; then fail 1; fi
}

modules() {
	find . -name go.mod -not -path './tools/*' -not -path '*/testdata/*' -exec dirname {} \; | sort
}

formatted() {
	local wrong
	wrong=$(gofmt -l .)
	[ -z "$wrong" ] || { echo "gofmt would change: $wrong"; return 1; }
}

tidy() { go mod tidy -diff; }

# A binary that slips in is in every tag and every clone.
small() {
	[ -e .git ] || return 0
	git ls-files -z | xargs -0 ls -l | awk '$5 > 500000 { print; found = 1 } END { exit found }'
}

in_module() { # in_module DIR COMMAND…
	local dir=$1
	shift
	(cd "$dir" && "$@")
}

# tests DIR FLAGS…: all tests of a module, counted.
tests() {
	local dir=$1 name=${1#./}
	shift
	(cd "$dir" && go test -v "$@" ./...) >"$log/test" 2>&1
	local status=$? p f
	p=$(grep -cE '^ *--- PASS' "$log/test")
	f=$(grep -cE '^ *--- FAIL' "$log/test")
	if [ $status -ne 0 ] && [ "$f" -eq 0 ]; then f=1; fi # did not build, or died
	if [ $((p + f)) -eq 0 ]; then f=1; fi                # nothing ran
	pass "$p"
	fail "$f"
	grep -E '^ *--- SKIP' "$log/test"
	if [ "$f" -gt 0 ]; then
		echo "FAIL  tests of $name"
		grep -vE '^ *(=== |--- PASS)' "$log/test" | sed 's/^/      /'
	else
		echo "ok    tests of $name: $p"
	fi
}

has_compiler() { command -v "${CC:-gcc}" >/dev/null || command -v cc >/dev/null; }

install_compiler() {
	[ "$(id -u)" = 0 ] && command -v apt-get >/dev/null &&
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq gcc libc6-dev
}


race=-race
if ! has_compiler && ! { install_compiler && has_compiler; } >"$log/apt" 2>&1; then
	race=
	not_run "the race detector (install a C compiler, such as Debian's gcc)"
fi

all=$(modules)
if [ -z "$all" ]; then
	echo "FAIL  no go.mod found"
	fail 1
fi

check "gofmt" formatted
check "no large files" small
for m in $all; do
	name=${m#./}
	check "go mod tidy: $name" in_module "$m" tidy
	check "go vet: $name" in_module "$m" go vet ./...
	check "staticcheck: $name" in_module "$m" go tool -modfile="$root/tools/go.mod" staticcheck ./...
	tests "$m" ${race:+"$race"}
done
check "100,000 principals" go test -run TestAHundredThousandPrincipals .
for example in quickstart prism tenants resty; do
	check "examples/$example" go run "./examples/$example"
done
check "examples/sdk" in_module examples/sdk go run .
check "release script" scripts/release.sh --self-test

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
