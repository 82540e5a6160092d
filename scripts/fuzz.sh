#!/usr/bin/env bash
# Runs every fuzz target of every module, one after the other, and keeps what
# the fuzzer found interesting, so that the tests try it from then on.
#
#	scripts/fuzz.sh               # 10 minutes each
#	scripts/fuzz.sh 30s Retry     # 30 s for those with Retry in their name
#	scripts/fuzz.sh 0 Retry       # only keeps what earlier runs found
#	FUZZFLAGS=-parallel=1 nice scripts/fuzz.sh
#
# What is kept goes to testdata/fuzz of the target's package, under the fuzzer's
# own names, until the target has 150: none above 4 KiB, and of the others a
# choice that is spread evenly from the smallest to the largest.
# What is there already stays, above all inputs that failed once, which go test
# puts there itself. To choose anew, remove the target's directory first. When
# the arguments of a target have changed, do go clean -fuzzcache first.
set -uo pipefail
cd "$(dirname "$0")/.."
export GOWORK=off
time=${1:-10m}
names=${2:-.}
most=150
longest=4096

# targets: module directory, package, its directory and the target, one a line.
targets() {
	find . -name go.mod -not -path './tools/*' -not -path '*/testdata/*' -exec dirname {} \; | sort | while read -r module; do
		(cd "$module" && go list -f '{{.ImportPath}} {{.Dir}}' ./...) | while read -r package dir; do
			cat "$dir"/*_test.go 2>/dev/null | sed -nE 's/^func (Fuzz[A-Za-z0-9_]*)\(.*/\1/p' | sort | while read -r name; do
				echo "$module $package $dir $name"
			done
		done
	done
}

# keep PACKAGE DIR NAME
keep() {
	local from to=$2/testdata/fuzz/$3
	from=$(go env GOCACHE)/fuzz/$1/$3
	[ -d "$from" ] || return 0
	mkdir -p "$to"
	find "$from" -type f -size -$((longest + 1))c -printf '%s %f\n' | sort -n -k1,1 -k2,2 | cut -d' ' -f2 >"$list"
	find "$to" -type f -printf '%f\n' | grep -vxFf - "$list" |
		awk -v room=$((most - $(find "$to" -type f | wc -l))) '{ line[NR] = $0 }
			END { for (i = 1; i <= NR && room > 0; i++) if (room >= NR || int(i * room / NR) > int((i - 1) * room / NR)) print line[i] }' |
		while read -r file; do install -m 644 "$from/$file" "$to/$file"; done
	echo "      kept $(find "$to" -type f | wc -l), of $(wc -l <"$list") that the fuzzer has"
}

list=$(mktemp)
trap 'rm -f "$list"' EXIT
failed=0
tried=0
while read -r module package dir name; do
	[[ $name =~ $names ]] || continue
	tried=$((tried + 1))
	echo "===== $name in $package"
	if [ "$time" != 0 ] &&
		# Minimizing would otherwise take a minute for each find.
		! (cd "$module" && go test -run '^$' -fuzz "^$name\$" -fuzztime "$time" -fuzzminimizetime 2s ${FUZZFLAGS:-} "$package"); then
		failed=$((failed + 1))
	fi
	keep "$package" "$dir" "$name"
	if ! (cd "$module" && go test -run "^$name\$" "$package"); then
		failed=$((failed + 1))
	fi
done < <(targets)

echo "$tried targets, $failed failures"
[ "$tried" -gt 0 ] && [ "$failed" -eq 0 ]
