#!/usr/bin/env bash
# Makes every table again: the benchmarks of the hot path and all scenarios, into
# results/*.txt and, as Markdown, results/*.md. With DOCUMENT=1 all of them, and the
# plot, are put into ../docs/performance.md.
# Takes more than half an hour on a machine that does nothing else, as it should.
#
#   ./run.sh                    all of it
#   ROUNDS=1 RUNS=1 ./run.sh    once through, to see that it works
#   ONLY="hot expiry" ./run.sh  some of it
#
# ROUNDS  rounds of the hot path, each with all peers           10
# RUNS    runs of each case of a scenario; twice as many of     3
#         the stampede, which is short and varies, and a third
#         as many of outages, tenants and growth, which take
#         minutes
# CPUS    numbers of cores for the hot path                     1,2
# GOGC    the collector's setting for the hot path              800
# ONLY    which: hot and the names of programs in cmd           all
# DOCUMENT  1: into the document; not with ONLY, for all its    none
#         tables are of one run
#
# GOGC=800 stands for a service with a live heap of some tens of MB. At the
# default the collector runs every 4 MB here, and its share, which in a service
# is smaller, drowns what is measured: GOGC=100 shows that.
set -euo pipefail
cd "$(dirname "$0")"
export GOWORK=off
rounds=${ROUNDS:-10}
runs=${RUNS:-3}
cpus=${CPUS:-1,2}
scenarios="stampede expiry revoke body outage tenants growth"
only=${ONLY:-hot $scenarios}
mkdir -p bin results

for name in $only; do
	case " hot $scenarios " in
	*" $name "*) ;;
	*)
		echo "ONLY: there is no $name; there are: hot $scenarios" >&2
		exit 2
		;;
	esac
done
if [ -n "${ONLY:-}" ] && [ "${DOCUMENT:-}" = 1 ]; then
	echo "DOCUMENT=1 needs all tables of one run: leave ONLY out" >&2
	exit 2
fi
gogc=${GOGC:-800}
unset GOGC # the scenarios have the default

wanted() { [[ " $only " == *" $1 "* ]]; }

# bench PATTERN CPUS TIME: one round of a benchmark, all peers in turn.
bench() {
	GOGC=$gogc bin/hot.test -test.run '^$' -test.bench "^Benchmark$1\$" -test.cpu "$2" -test.benchtime "$3"
}

hot() {
	go test -c -o bin/hot.test ./hot
	local out=results/hotpath.raw.txt
	: >"$out"
	for ((i = 1; i <= rounds; i++)); do
		echo "hot path, round $i of $rounds" >&2
		{
			bench Serial 1 200ms
			bench Parallel "${cpus#1,}" 200ms # on one core it is Serial
			bench Lookup "$cpus" 100ms
			bench Envelope "$cpus" 200ms
			bench Features 1 200ms
			bench Headers 1 100ms
			bench Resty 1 200ms
			bench Loopback "${cpus##*,}" 200ms
		} >>"$out"
	done
	go run ./cmd/hottable -md results/hotpath.md "$out" >results/hotpath.txt
	cat results/hotpath.txt
}

scenario() {
	local name=$1 n=$runs flags=()
	if [ "$name" = growth ]; then flags=(-out results/bench.svg); fi
	case $name in
	stampede) n=$((2 * runs)) ;;
	outage | tenants | growth) n=$(((runs + 2) / 3)) ;;
	esac
	go build -o "bin/$name" "./cmd/$name" &&
		"bin/$name" -runs "$n" "${flags[@]}" -md "results/$name.md" >"results/$name.txt"
}

# document NAME: puts the tables of that name into the document, between its
# marks, with headings a level lower.
document() {
	[ "${DOCUMENT:-}" = 1 ] || return 0
	local doc=../docs/performance.md
	awk -v name="$1" -v tables="results/$1.md" '
		!inside { print }
		$0 == "<!-- " name " -->" { inside = 1; print ""; while ((getline line < tables) > 0) { if (line ~ /^#/) line = "#" line; print line }; print "" }
		inside && $0 == "<!-- end -->" { inside = 0; print }
	' "$doc" >results/document && cat results/document >"$doc"
}

machine() {
	local cpu
	cpu=$(awk -F': *' '/^model name/ { print $2; exit }' /proc/cpuinfo 2>/dev/null || true)
	echo "This machine: $(nproc 2>/dev/null || echo some) cores${cpu:+ of $cpu}, $(go version | cut -d' ' -f3,4); hot path: GOGC=$gogc, $rounds rounds; scenarios: GOGC=100, $runs runs of most; $(date -u +%Y-%m-%d)."
}

made=()
failed=
machine >results/machine.md
if wanted hot; then
	hot
	made+=(results/hotpath.txt)
fi
for name in $scenarios; do
	wanted "$name" || continue
	echo "== $name" >&2
	if scenario "$name"; then
		cat "results/$name.txt"
		made+=("results/$name.txt")
	else
		failed+=" $name"
	fi
done
echo
if [ -n "$failed" ]; then
	echo "not made:$failed" >&2
	exit 1
fi
for name in machine hotpath $scenarios; do # all of one run, or none
	document "$name"
done
[ "${DOCUMENT:-}" != 1 ] || cp results/bench.svg ../docs/bench.svg
grep -H MISSED "${made[@]}" || echo "every goal is met"
