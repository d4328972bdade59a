#!/bin/sh
# Policies of search compared: two landscapes of known structure, and the shipped problems at their reduced sizes.
# Runs are kept in compare.db (or EVOLVE_ARCHIVE): stopped, it goes on where it was. Pictures and JSON are written to
# compare/. Once the runs are made, another control costs nothing: see the second line of each part.
set -eu
EVOLVE=${EVOLVE:-.venv/bin/evolve}
SEEDS_LANDSCAPES=${SEEDS_LANDSCAPES:-40}
SEEDS_PROBLEMS=${SEEDS_PROBLEMS:-20}
ALL=${ALL:-independent,sequential,hill,clade,islands,pareto,portfolio}
SOME=${SOME:-independent,hill,clade,islands,portfolio}
export EVOLVE_ARCHIVE="${EVOLVE_ARCHIVE:-compare.db}"
# Whole runs stand side by side: numpy must not add threads of its own.
export OPENBLAS_NUM_THREADS=1
mkdir -p compare
began=$(date +%s)

part() { # name, problem, policies, seeds, minutes on two slow cores, other options
    name=$1 problem=$2 policies=$3 seeds=$4 minutes=$5
    shift 5
    started=$(date +%s)
    echo "== $problem: $policies; $seeds seeds; some $minutes minutes on two slow cores"
    "$EVOLVE" compare "$problem" --policies "$policies" --seeds "$seeds" "$@" -o "compare/$name.svg" --force
    "$EVOLVE" compare "$problem" --policies "$policies" --seeds "$seeds" "$@" --control clade
    "$EVOLVE" compare "$problem" --policies "$policies" --seeds "$seeds" "$@" --json >"compare/$name.json"
    echo "== $problem took $((($(date +%s) - started) / 60)) minutes"
}

echo "policies compared: some 55 minutes on two slow cores ($(nproc) here), into $EVOLVE_ARCHIVE and compare/"
part smooth landscape/smooth "$ALL" "$SEEDS_LANDSCAPES" 8 --evaluations 300
part deceptive landscape/deceptive "$ALL" "$SEEDS_LANDSCAPES" 8 --evaluations 300
part exp2 float32-exp2 "$SOME" "$SEEDS_PROBLEMS" 12 --profile compare
part cache cache-eviction "$SOME" "$SEEDS_PROBLEMS" 25 --profile compare
echo "all of it took $((($(date +%s) - began) / 60)) minutes"
