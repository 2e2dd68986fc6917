#!/usr/bin/env bash
# run.sh [--record] [spawn|calls|policies|start|getppid|open …]: measures, prints each number beside its goal, and fails when a
# measurement failed, when the books of events did not add up, or when an instruction count is more than 5 % worse than
# in docs/reference/benchmarks.md. A missed goal is printed, not a failure. --record writes the numbers into that table.
# Called by ./dev bench, which sets TRIGON_ROOT, TRIGON_BUILD, TRIGON_BIN and TRIGON_TRIGGERS.
set -euo pipefail

: "${TRIGON_ROOT:=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.." && pwd)}"
: "${TRIGON_BUILD:=$TRIGON_ROOT/build/release}"
: "${TRIGON_BIN:=$TRIGON_BUILD/trigon}"
: "${TRIGON_TRIGGERS:=$TRIGON_BUILD/tests/triggers}"
export TRIGON_BIN TRIGON_TRIGGERS

bench=$TRIGON_BUILD/tests/bench/trigon_bench
table=$TRIGON_ROOT/docs/reference/benchmarks.md
all=(spawn calls policies start getppid open)
record=()
names=()
for word in "$@"; do
  case "$word" in
    --record) record=(--record) ;;
    spawn | calls | open | getppid | start) names+=("$word") ;;
    # The same question in the guest and on this machine.
    policies) names+=(policies policy-calls) ;;
    *) echo "bench: no measurement '$word' (there are: ${all[*]}; --record)" >&2; exit 2 ;;
  esac
done
((${#names[@]})) || names=(spawn calls policies policy-calls start getppid open)
[[ -x $bench ]] || { echo "bench: $bench is not built" >&2; exit 1; }

results=$(mktemp)
trap 'rm -f "$results"' EXIT
status=0
for name in "${names[@]}"; do
  echo "bench: measuring $name" >&2
  if [[ $name == spawn || $name == calls || $name == policies ]]; then
    # One instruction is one nanosecond there, whatever this machine is busy with.
    "$TRIGON_ROOT/dev" vm 6.12 --icount --no-build --preset "$(basename "$TRIGON_BUILD")" --timeout 1500 \
      --file "$bench:/usr/bin/trigon_bench" -- trigon_bench "$name" >>"$results" || status=1
  elif [[ $(id -u) != 0 ]]; then
    echo "failure $name: loading BPF programs needs root" >>"$results"
    status=1
  else
    "$bench" "$name" >>"$results" || status=1
  fi
done
python3 "$TRIGON_ROOT/tests/bench/report.py" "${record[@]}" "$table" "$results" || status=1
exit "$status"
