# package: a Debian package of the release build, reproducible from the commit.

verb_package() {
  if [[ ${1-} == -h || ${1-} == --help ]]; then
    echo "usage: ./dev package"
    echo "Builds the release preset and a .deb of it in build/package; the last line is its path."
    return
  fi
  (($# == 0)) || usage_error "package: unexpected '$1' (it takes no arguments)"
  build_preset release
  command -v dpkg-deb >/dev/null || die "packages are made with dpkg-deb, which this machine lacks: install dpkg"
  local version architecture root package
  version=$(sed -n 's/^project(trigon VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)
  architecture=$(dpkg --print-architecture)
  root=build/package/root
  package=$TRIGON_ROOT/build/package/trigon_${version}_$architecture.deb
  rm -rf build/package
  install -D -m 755 "$(binary_path release)" "$root/usr/bin/trigon"
  strip "$root/usr/bin/trigon"
  install -D -m 644 -t "$root/usr/share/doc/trigon" LICENSE
  [[ ! -f README.md ]] || install -m 644 -t "$root/usr/share/doc/trigon" README.md
  mkdir -p "$root/usr/share/trigon"
  [[ ! -d policies ]] || cp -r policies "$root/usr/share/trigon/"
  mkdir "$root/DEBIAN"
  cat >"$root/DEBIAN/control" <<EOF
Package: trigon
Version: $version
Architecture: $architecture
Section: admin
Priority: optional
Maintainer: The Trigon authors <trigon@localhost>
Depends: $(package_depends "$root/usr/bin/trigon")
Recommends: libcurl4, libssl3
Installed-Size: $(du -sk "$root/usr" | cut -f 1)
Description: eBPF security and observability agent
 Sees what processes, containers and connections do, decides in the kernel
 against YAML policies and stops what a policy forbids.
EOF
  SOURCE_DATE_EPOCH=$(git log -1 --format=%ct 2>/dev/null || echo 0)
  export SOURCE_DATE_EPOCH
  find "$root" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
  find "$root" -type d -exec chmod 755 {} +
  dpkg-deb --root-owner-group -b "$root" "$package" >&2
  rm -rf "$root"
  echo "$package"
}

# package_depends FILE: the packages of the libraries it is linked with; glibc with the version its symbols ask for.
package_depends() {
  local library path owner glibc
  glibc=$(objdump -T "$1" | grep -oE 'GLIBC_[0-9.]+' | sort -uV | tail -n 1)
  {
    echo "libc6 (>= ${glibc#GLIBC_})"
    while read -r library; do
      path=$(ldd "$1" | awk -v name="$library" '$1 == name { print $3 }')
      # dpkg knows a file by the path it was shipped with, /usr merged or not.
      owner=$({ dpkg -S "$path" || dpkg -S "$(readlink -f "$path")"; } 2>/dev/null | head -n 1 | cut -d : -f 1) || true
      [[ -z $owner || $owner == libc6 ]] || echo "$owner"
    done < <(objdump -p "$1" | awk '$1 == "NEEDED" { print $2 }')
  } | sort -u | paste -sd , | sed 's/,/, /g'
}
