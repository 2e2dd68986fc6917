# build, run, bench, clean.

presets=(debug release asan)

build_usage="usage: ./dev build [--preset debug|release|asan]
Configures if needed and builds into build/<preset> (default: release).
Progress goes to stderr; the last line on stdout is the path of the trigon binary."

verb_build() {
  local preset=release
  while (($#)); do
    case "$1" in
      -h | --help) echo "$build_usage"; return ;;
      --preset) preset=${2-}; shift 2 || usage_error "--preset needs a name: ${presets[*]}" ;;
      --preset=*) preset=${1#*=}; shift ;;
      *) usage_error "build: unexpected '$1'"$'\n'"$build_usage" ;;
    esac
  done
  build_preset "$preset"
  binary_path "$preset"
}

binary_path() { echo "$TRIGON_ROOT/build/$1/trigon"; }

check_preset() {
  [[ " ${presets[*]} " == *" $1 "* ]] ||
    usage_error "no preset '$1'; did you mean '$(nearest "$1" "${presets[@]}")'? (CMakePresets.json has: ${presets[*]})"
}

# configure_preset PRESET: only when it was never done; ninja redoes it by itself when a CMake file changes.
configure_preset() {
  check_preset "$1"
  ensure_packages "${build_packages[@]}"
  [[ -f build/$1/build.ninja ]] || cmake --preset "$1" >&2 ||
    die "configuring preset '$1' failed (see above); after a fix, ./dev clean starts over"
}

build_preset() {
  configure_preset "$1"
  cmake --build --preset "$1" -j2 >&2 || die "the build of preset '$1' failed (see above)"
}

verb_run() {
  if [[ ${1-} == -h || ${1-} == --help ]]; then
    echo "usage: ./dev run [-- ARGS]"
    echo "Builds and runs trigon with ARGS; without ARGS the agent with the policies in policies/, events on stdout."
    return
  fi
  [[ ${1-} != -- ]] || shift
  if (($#)); then
    build_preset release
    exec "$(binary_path release)" "$@"
  fi
  [[ $(id -u) == 0 ]] || die "the agent loads BPF programs, which needs root: sudo ./dev run"
  [[ -r /sys/kernel/btf/vmlinux ]] ||
    die "this kernel ($(uname -r)) has no /sys/kernel/btf/vmlinux, which the agent needs: boot one built with" \
      "CONFIG_DEBUG_INFO_BTF=y, or see it run in a guest: ./dev vm 6.12 -- trigon trace exec -- ls"
  build_preset release
  say "events follow; Ctrl-C ends it"
  exec "$(binary_path release)" agent --tracing-policy-dir "$TRIGON_ROOT/policies" -o compact
}

verb_bench() {
  if [[ ${1-} == -h || ${1-} == --help ]]; then
    echo "usage: ./dev bench [NAME…]"
    echo "Builds and runs tests/bench/run.sh; cost is printed against the same work without an agent."
    return
  fi
  [[ -f tests/bench/run.sh ]] || die "tests/bench/run.sh is not in this tree, so there is nothing to measure"
  ensure_packages "${build_packages[@]}" "${vm_packages[@]}"
  build_preset release
  export TRIGON_ROOT TRIGON_BUILD="$TRIGON_ROOT/build/release"
  export TRIGON_BIN="$TRIGON_BUILD/trigon" TRIGON_TRIGGERS="$TRIGON_BUILD/tests/triggers"
  exec bash tests/bench/run.sh "$@"
}

verb_clean() {
  if [[ ${1-} == -h || ${1-} == --help ]]; then
    echo "usage: ./dev clean"
    echo "Removes build/. The kernels of the guests stay in $kernel_cache."
    return
  fi
  (($# == 0)) || usage_error "clean: unexpected '$1' (it takes no arguments)"
  rm -rf build
}
