# A command in a guest with another kernel, under QEMU's software emulation.
#
# The guest has four serial ports, because that is the one device that all four kernels have built in (virtio is
# modules in 5.10 and 6.1): the console, the command's stdout, its stderr, and its exit code with the files asked for.

vm_usage="usage: ./dev vm KERNEL [OPTIONS] -- COMMAND…
Boots Debian's cloud kernel (5.10, 6.1, 6.12 or 7.x) with an initramfs that has busybox, trigon, the triggers and the
host tests, runs COMMAND there as root and exits with its exit code (124 timeout, 125 the guest died).
  --icount              one emulated nanosecond is one instruction: a clock difference counts instructions (starts 10 s later,
                        when the kernel has settled: that makes it repeat to three digits and more)
  --file SRC[:DST]      put a file or folder (with its shared libraries) into the guest; repeatable
  --out GUEST:HOST      bring a file or folder out afterwards; repeatable
  --append \"WORDS\"      more for the kernel's command line
  --timeout SECONDS     default 300
  --memory MB           default 1024
  --preset NAME         which build goes in (default release; it is built first)
  --no-build            put in what is built, do not build
  --bare                nothing but busybox and --file
  --console             show the kernel's console on stderr
  --refresh             look for a newer version of the kernel first
Inside: TRIGON_BIN, TRIGON_TRIGGERS and PATH are set; /proc, /sys, /dev, /tmp and cgroup2 are mounted, bpffs and
tracefs are not; the root is in memory. Example: ./dev vm 6.12 -- trigon doctor"

verb_vm() {
  local icount='' append='' timeout=300 memory=1024 preset=release build=yes bare='' console='' refresh='' kernel=''
  local files=() outs=()
  while (($#)) && [[ $1 != -- ]]; do
    case "$1" in
      -h | --help) echo "$vm_usage"; return ;;
      --icount) icount=yes ;;
      --no-build) build='' ;;
      --bare) bare=yes ;;
      --console) console=yes ;;
      --refresh) refresh=refresh ;;
      --file | --out | --append | --timeout | --memory | --preset)
        (($# > 1)) || usage_error "vm: $1 needs a value"
        case "$1" in
          --file) files+=("$2") ;;
          --out)
            [[ $2 == /*:?* ]] || usage_error "vm: --out '$2' should be /PATH/IN/GUEST:HOSTPATH"
            outs+=("$2")
            ;;
          --append) append=$2 ;;
          --timeout) timeout=$2 ;;
          --memory) memory=$2 ;;
          --preset) preset=$2 ;;
        esac
        shift
        ;;
      -*) usage_error "vm: no option '$1'"$'\n'"$vm_usage" ;;
      *)
        [[ -z $kernel ]] || usage_error "vm: unexpected '$1': put the command after --"
        kernel=$1
        ;;
    esac
    shift
  done
  [[ ${1-} != -- ]] || shift
  [[ -n $kernel ]] || usage_error "vm: which kernel? (${kernel_names[*]})"$'\n'"$vm_usage"
  (($#)) || usage_error "vm: no command; for example: ./dev vm $kernel -- trigon doctor"
  kernel=$(kernel_name "$kernel")
  [[ $timeout =~ ^[0-9]+$ && $memory =~ ^[0-9]+$ ]] || usage_error "vm: --timeout and --memory are whole numbers"

  ensure_packages "${vm_packages[@]}"
  fetch_kernel "$kernel" "$refresh"
  [[ -z $build || -n $bare ]] || build_preset "$preset"
  boot_guest "$@"
}

# boot_guest COMMAND…: uses the variables of verb_vm, and exits. Not in a subshell: a signal to this script must reach
# the trap below.
boot_guest() {
  dir=$(mktemp -d "${TMPDIR:-/tmp}/trigon-vm.XXXXXX")
  qemu='' pids=()
  trap end_guest EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP

  fill_guest "$dir/root" "$@"
  pack_root "$dir/root" "$dir/initramfs"
  rm -rf "$dir/root"
  mkfifo "$dir/stdout" "$dir/stderr"
  # Both ends are held here until QEMU is gone: no open waits for the other side, and the readers then see an end.
  exec 6<>"$dir/stdout" 7<>"$dir/stderr" 8<"$dir/stdout" 9<"$dir/stderr"
  cat <&8 6>&- 7>&- 9>&- & pids+=($!)
  cat <&9 >&2 6>&- 7>&- 8>&- & pids+=($!)
  : >"$dir/console"

  # KVM is never used: where a nested one exists it may hang, and emulation is the same everywhere.
  # cmpxchg16b is masked because QEMU 7.2's makes a 6.12 kernel double-fault.
  local machine=(-cpu max,-cx16 -accel tcg,thread=multi -smp 2)
  [[ -z $icount ]] || machine=(-cpu max,-cx16 -accel tcg,thread=single -icount shift=0,sleep=off -smp 1)
  timeout -k 5 "$timeout" qemu-system-x86_64 -nodefaults -no-user-config -display none -no-reboot \
    "${machine[@]}" -m "$memory" -kernel "$(kernel_image "$kernel")" -initrd "$dir/initramfs" \
    -append "lsm=lockdown,capability,bpf console=ttyS0 quiet panic=-1 $append" \
    -serial "file:$dir/console" -serial "file:$dir/stdout" -serial "file:$dir/stderr" -serial "file:$dir/control" \
    </dev/null >"$dir/qemu" 2>&1 6>&- 7>&- 8>&- 9>&- &
  qemu=$!
  [[ -z $console ]] || { tail -n +1 -s 0.2 -f --pid="$qemu" "$dir/console" >&2 6>&- 7>&- 8>&- 9>&- & pids+=($!); }
  local status=0
  wait "$qemu" || status=$?
  qemu=''
  exec 6>&- 7>&- 8>&- 9>&-
  wait "${pids[@]}" || true
  pids=()
  finish_guest "$status"
}

# Ends only what boot_guest started. `timeout` passes the signal on to its QEMU.
end_guest() {
  local pid
  for pid in $qemu "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  [[ -z $qemu ]] || wait "$qemu" 2>/dev/null || true
  rm -rf "$dir"
}

# fill_guest DIR COMMAND…
fill_guest() {
  local root=$1 file out
  shift
  make_guest_root "$root"
  [[ -n $bare ]] || add_build "$root" "$preset"
  for file in ${files[@]+"${files[@]}"}; do
    if [[ $file == *:* ]]; then add_file "$root" "${file%%:*}" "${file#*:}"
    else add_file "$root" "$file" "$(readlink -f "$file")"; fi
  done
  {
    printf 'export TRIGON_BIN=/usr/bin/trigon TRIGON_TRIGGERS=%s\n' "$guest_triggers"
    printf 'export PATH=/usr/bin:/usr/sbin:/bin:/sbin:%s:%s\n' "$guest_tests" "$guest_triggers"
    printf 'set --'
    local word
    for word in "$@"; do printf " '%s'" "${word//\'/\'\\\'\'}"; done
    echo
  } >"$root/vm/command"
  [[ -z $icount ]] || : >"$root/vm/settle"
  for out in ${outs[@]+"${outs[@]}"}; do echo "${out%%:*}"; done >"$root/vm/outs"
}

# finish_guest STATUS: the command's exit code, or why there is none.
finish_guest() {
  local status=$1 code out
  code=$(head -n 1 "$dir/control" 2>/dev/null | tr -d '\0' | sed -n 's/^trigon-exit \([0-9]*\)$/\1/p') || true
  if [[ -z $code ]]; then
    tail -n 20 "$dir/console" "$dir/qemu" >&2 2>/dev/null || true
    if ((status == 124 || status == 137)); then
      echo "dev: vm $kernel: not finished after $timeout s; its last words are above (--timeout gives it more)" >&2
      exit 124
    fi
    echo "dev: vm $kernel: the guest ended without an exit code (QEMU's was $status); its last words are above" >&2
    exit 125
  fi
  if ((${#outs[@]})); then
    mkdir "$dir/out"
    tail -n +2 "$dir/control" | tar -xz -C "$dir/out" ||
      { echo "dev: vm $kernel: the files asked for with --out came out damaged" >&2; exit 125; }
    for out in "${outs[@]}"; do
      if [[ -e $dir/out/${out%%:*} ]]; then
        mkdir -p "$(dirname "${out#*:}")"
        cp -r -T "$dir/out/${out%%:*}" "${out#*:}"
      else
        echo "dev: vm $kernel: the guest has no ${out%%:*} to bring out" >&2
        ((code)) || code=1
      fi
    done
  fi
  exit "$code"
}
