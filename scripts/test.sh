#!/usr/bin/env bash
# Runs every check: format, vet, lint, all tests of all modules under the race
# detector, other processors, the API since the last tag, the examples, the
# scripts. Ends in "N passed, N failed".
#
# Needs Go, a C compiler, redis-server, PostgreSQL and Chromium; tests and examples
# start servers of their own. As root on Debian it installs what is missing; elsewhere
# it installs nothing, says NOT RUN for what it cannot do, and with CI=true fails
# for it.
set -uo pipefail
cd "$(dirname "$0")/.."
export GOWORK=off
export GOFLAGS="${GOFLAGS:+$GOFLAGS }-mod=readonly" # every go.mod says all that it needs
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
	# The detector itself may die of bubbles: https://go.dev/issue/78156.
	if [ $status -ne 0 ] && grep -q 'ThreadSanitizer: CHECK failed' "$log/test" && ! grep -qE '^ *--- FAIL|DATA RACE' "$log/test"; then
		echo "      the race detector died in $name; once more"
		(cd "$dir" && go test -v "$@" ./...) >"$log/test" 2>&1
		status=$?
	fi
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

# other ARCH COMMAND…: for another processor. On 386 an int has 32 bits, and 64
# bits are aligned for atomic use only where the code sees to it.
other() {
	local arch=$1
	shift
	GOFLAGS=-mod=readonly GOARCH=$arch CGO_ENABLED=0 "$@"
}

# runs_386 reports whether this machine runs what is built for 386.
runs_386() {
	[ "$(go env GOHOSTOS)/$(go env GOHOSTARCH)" = linux/amd64 ] && other 386 go test -run '^$' .
}

has_compiler() { command -v "${CC:-gcc}" >/dev/null || command -v cc >/dev/null; }

has_redis() { command -v redis-server >/dev/null; }

# Debian keeps PostgreSQL's programs out of the PATH.
has_postgresql() { command -v postgres >/dev/null || compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null; }

# install_packages PACKAGE…: as root on Debian. They start no service, for they
# ask policy-rc.d first, and 101 is no.
install_packages() (
	[ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || exit 1
	policy=/usr/sbin/policy-rc.d
	if [ ! -e $policy ]; then
		trap 'rm -f $policy' EXIT
		printf '#!/bin/sh\nexit 101\n' >$policy && chmod 755 $policy
	fi
	apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$@"
)

# present HAS PACKAGE…: installs the packages if HAS fails, and says whether it
# succeeds then.
present() {
	local has=$1
	shift
	$has || { install_packages "$@" >"$log/apt" 2>&1 && $has; }
}

has_chromium() { command -v chromium || command -v chromium-browser || command -v google-chrome; } >/dev/null

has_curl() { command -v curl >/dev/null; }

# lacking DIR prints which program the module's tests want to start and
# is not there.
lacking() {
	case $1 in
	./contrib/redisstore | ./examples/fleet) present has_redis redis-server || echo "redis-server, such as Debian's redis-server" ;;
	./contrib/pgstore) present has_postgresql postgresql || echo "PostgreSQL, such as Debian's postgresql" ;;
	./contrib/cli) present has_curl curl || echo "curl" ;;
	./contrib/cli/browsertest) present has_chromium chromium || echo "Chromium, such as Debian's chromium" ;;
	esac
}

race=-race
if ! present has_compiler gcc libc6-dev; then
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
	check "go build: $name" in_module "$m" go build ./...
	check "go vet: $name" in_module "$m" go vet ./...
	case $name in
	bench | contrib/clients | contrib/interop) ;; # over much that would have to be built, for what no user imports
	*)
		for arch in 386 arm64; do
			check "go vet for $arch: $name" in_module "$m" other $arch go vet ./...
		done
		;;
	esac
	check "staticcheck: $name" in_module "$m" go tool -modfile="$root/tools/go.mod" staticcheck ./...
	server=$(lacking "$m")
	if [ -n "$server" ]; then
		not_run "tests of $name (install $server)"
	else
		tests "$m" ${race:+"$race"}
	fi
done
if runs_386 >"$log/386" 2>&1; then
	check "tests of . on 386" other 386 go test .
else
	not_run "tests on 386 (this machine does not run them)"
fi
check "100,000 principals" go test -run TestAHundredThousandPrincipals .
check "fault matrix" go test ./internal/faultmatrix
check "a fleet of 1,000" go test -count=1 -run TestAFleetKeepsItsBounds ./internal/fleetsim
check "hot path" in_module bench go test -count=1 -run TestHotPath ./hot
check "5,000 random schedules" in_module internal/modeltest go test -run TestEverySchedule -rapid.checks=5000 .
for example in quickstart prism tenants resty; do
	check "examples/$example" go run "./examples/$example"
done
check "examples/sdk" in_module examples/sdk go run .
if present has_redis redis-server; then
	check "examples/fleet" in_module examples/fleet go run .
else
	not_run "examples/fleet (install redis-server, such as Debian's redis-server)"
fi
check "release script" scripts/release.sh --self-test
check "API script" scripts/api.sh --self-test
if since=$(scripts/api.sh --since 2>"$log/since"); then
	check "API: $since" scripts/api.sh
else
	not_run "the API since the last tag ($(tail -1 "$log/since"))"
fi

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
