# A guest's whole file system: busybox, what is under test, and the shared libraries that needs.
# Everything is in the initramfs because block devices and 9p are modules or absent in the kernels we boot.

guest_triggers=/usr/lib/trigon/triggers
guest_tests=/usr/lib/trigon/tests

# make_guest_root DIR: busybox and the init.
make_guest_root() {
  local dir=$1 busybox
  busybox=$(command -v busybox) || die "busybox is missing, the guests' root is made of it: install busybox-static"
  mkdir -p "$dir"/{bin,sbin,dev,proc,sys,tmp,run,root,etc,usr/bin,usr/sbin,vm}
  add_program "$dir" "$(readlink -f "$busybox")" /bin/busybox
  install -m 755 "$TRIGON_ROOT/tests/vm/init" "$dir/init"
  printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n' >"$dir/etc/passwd"
  printf 'root:x:0:\nnogroup:x:65534:\n' >"$dir/etc/group"
  printf '127.0.0.1 localhost\n::1 localhost\n' >"$dir/etc/hosts"
}

# add_build DIR PRESET: the binary, the triggers, the host tests and the policies of a build.
add_build() {
  local dir=$1 build=$TRIGON_ROOT/build/$2 program
  [[ -x $build/trigon ]] || die "$build/trigon is not built: ./dev build --preset $2 (or --bare for a guest without it)"
  add_program "$dir" "$build/trigon" /usr/bin/trigon
  if [[ -x $build/tests/host/trigon_host_tests ]]; then
    add_program "$dir" "$build/tests/host/trigon_host_tests" "$guest_tests/trigon_host_tests"
  fi
  if [[ -d $build/tests/triggers ]]; then
    while read -r program; do
      add_program "$dir" "$program" "$guest_triggers/${program##*/}"
    done < <(find "$build/tests/triggers" -maxdepth 1 -type f -executable)
  fi
  if [[ -d policies ]]; then
    mkdir -p "$dir/etc/trigon"
    cp -rL policies "$dir/etc/trigon/"
  fi
}

# add_program DIR FILE DESTINATION: without debug information (the kernel unpacks the archive under emulation).
add_program() {
  local dir=$1 file=$2 destination=$3
  mkdir -p "$(dirname "$dir$destination")"
  cp -L "$file" "$dir$destination"
  strip -g "$dir$destination" 2>/dev/null || true
  chmod +x "$dir$destination"
  add_libraries "$dir" "$file"
}

# add_file DIR SRC DST: a file or a folder as it is, and the libraries of the programs in it.
add_file() {
  local dir=$1 source=$2 destination=$3 file
  [[ -e $source ]] || die "--file $source: there is no such file"
  [[ $destination == /* ]] || usage_error "--file $source:$destination: the place in the guest must be an absolute path"
  mkdir -p "$(dirname "$dir$destination")"
  cp -aL -T "$source" "$dir$destination"
  while read -r file; do add_libraries "$dir" "$file"; done < <(find -L "$source" -type f -executable)
}

add_libraries() {
  local dir=$1 library
  while read -r library; do
    [[ -e $dir$library ]] || (cd / && cp -L --parents "$library" "$dir")
  done < <({ ldd "$2" 2>/dev/null || true; } | grep -oE '/[^ ]+ \(0x' | sed 's/ (0x$//')
}

# pack_root DIR IMAGE: uncompressed, since copying is cheaper than decompressing under emulation.
pack_root() { (cd "$1" && find . -print0 | cpio -0 -o -H newc -R 0:0 --quiet) >"$2"; }
