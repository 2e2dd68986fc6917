# Every test, with one count at the end: unit (no privilege), host (this kernel), vm (the same host tests inside
# Debian kernels). TRIGON_REQUIRE="unit host vm" names the suites whose absence is a failure, not a skip.

test_suites=(unit host vm)
test_usage="usage: ./dev test [--preset NAME] [unit|host|vm|KERNEL …]
Builds once and runs the named suites (default: all; a kernel such as 6.1 means vm on that kernel only).
Environment: TRIGON_REQUIRE=\"unit host vm\"  a suite named here that did not run fails the whole
             TRIGON_VM_JOBS=2              guests at once
             TRIGON_VM_TIMEOUT=900         seconds for the tests in one guest
Full logs and results are in build/<preset>/results."

verb_test() {
  local preset=release kernels=() wanted=() suite results
  while (($#)); do
    case "$1" in
      -h | --help) echo "$test_usage"; return ;;
      --preset) preset=${2-}; shift 2 || usage_error "--preset needs a name: ${presets[*]}"; continue ;;
      unit | host) wanted+=("$1") ;;
      vm) wanted+=(vm) kernels=("${kernel_names[@]}") ;;
      [0-9]*) wanted+=(vm) kernels+=("$(kernel_name "$1")") || exit 2 ;;
      *) usage_error "test: no suite '$1'; did you mean '$(nearest "$1" "${test_suites[@]}")'?"$'\n'"$test_usage" ;;
    esac
    shift
  done
  if ((${#wanted[@]} == 0)); then wanted=("${test_suites[@]}") kernels=("${kernel_names[@]}"); fi
  check_preset "$preset"
  results=$TRIGON_ROOT/build/$preset/results
  test_pids=()
  trap 'kill "${test_pids[@]}" 2>/dev/null || true' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP

  ensure_packages "${build_packages[@]}" python3
  if wants vm; then fetch_kernels_beside_the_build; fi
  build_preset "$preset"
  rm -rf "$results"
  mkdir -p "$results"

  if wants unit; then run_ctest unit -j2; fi
  # One after another: host tests share one kernel, whose events they all see.
  if wants host; then run_host; fi
  if wants vm; then run_guests; fi
  python3 tools/test_summary.py --require "${TRIGON_REQUIRE-}" "$results"
}

wants() { [[ " ${wanted[*]} " == *" $1 "* ]]; }

# skip_suite NAME REASON: shows up in the summary.
skip_suite() {
  say "$1: SKIPPED: $2"
  echo "$2" >"$results/$1.skipped"
}

# run_ctest LABEL ARGS…: the counts come from JUnit XML; ctest's exit code says no more than they do.
run_ctest() {
  local label=$1 start=$SECONDS
  shift
  if ctest --test-dir "build/$preset" -N -L "^$label\$" 2>/dev/null | grep -q '^Total Tests: 0'; then
    skip_suite "$label" "this build has no tests with the label '$label'"
    return
  fi
  ctest --test-dir "build/$preset" -L "^$label\$" --timeout 300 --no-tests=error --output-on-failure \
    --output-junit "$results/$label.xml" "$@" >"$results/$label.log" 2>&1 </dev/null ||
    # The failed tests' own words; a log without such a section is shown whole.
    sed -n '/\*\*\*\|FAILED\|Failure/,$p' "$results/$label.log" | head -n 200 >&2
  say "$label: ran in $(seconds_since "$start")"
}

run_host() {
  if [[ $(id -u) != 0 ]]; then
    skip_suite host "needs root, to load BPF programs: sudo ./dev test host"
  elif [[ ! -r /sys/kernel/btf/vmlinux ]]; then
    skip_suite host "this kernel ($(uname -r)) has no BTF (CONFIG_DEBUG_INFO_BTF=y)"
  else
    export TRIGON_BIN="$TRIGON_ROOT/build/$preset/trigon" TRIGON_TRIGGERS="$TRIGON_ROOT/build/$preset/tests/triggers"
    run_ctest host
  fi
}

# The download waits for the network, the build for the processor.
fetch_kernels_beside_the_build() {
  ensure_packages "${vm_packages[@]}"
  local kernel
  (for kernel in "${kernels[@]}"; do fetch_kernel "$kernel" || true; done) &
  test_pids+=($!)
}

run_guests() {
  local kernel running=0 start=$SECONDS
  wait "${test_pids[@]}" || true
  test_pids=()
  if [[ ! -x build/$preset/tests/host/trigon_host_tests ]]; then
    for kernel in "${kernels[@]}"; do skip_suite "vm-$kernel" "this build has no host tests"; done
    return
  fi
  for kernel in "${kernels[@]}"; do
    if [[ ! -s $(kernel_image "$kernel") ]]; then
      skip_suite "vm-$kernel" "its kernel could not be fetched (see above)"
      continue
    fi
    if ((running >= ${TRIGON_VM_JOBS:-2})); then wait -n || true; else running=$((running + 1)); fi
    run_guest "$kernel" &
    test_pids+=($!)
  done
  wait "${test_pids[@]}" || true
  test_pids=()
  say "vm: ran in $(seconds_since "$start")"
}

# run_guest KERNEL: boots once. A guest that dies leaves no result file, which the summary counts as a failure.
run_guest() {
  local kernel=$1 status=0 log=$results/vm-$1.log start=$SECONDS guest
  "$TRIGON_ROOT/dev" vm "$kernel" --no-build --preset "$preset" --timeout "${TRIGON_VM_TIMEOUT:-900}" \
    --out "/tmp/results.json:$results/vm-$kernel.json" -- \
    trigon_host_tests --gtest_output=json:/tmp/results.json >"$log" 2>&1 </dev/null &
  guest=$!
  # Its parent may end us: the guest must not outlive that.
  trap 'kill "$guest" 2>/dev/null || true; exit 143' TERM
  wait "$guest" || status=$?
  if [[ ! -s $results/vm-$kernel.json ]]; then
    echo "exit code $status, no results; the end of the log: $(tail -n 3 "$log" | tr '\n' ' ')" >"$results/vm-$kernel.broken"
  fi
  say "vm-$kernel: ran in $(seconds_since "$start")"
}
