# The kernels that guests boot: Debian's cloud kernels, fetched with an apt configuration of their own so that the
# machine's apt (its sources, its lists, its locks) is not involved. Needs no root.

kernel_cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/trigon/kernels
kernel_names=(5.10 6.1 6.12 7.x)
declare -A kernel_suite=([5.10]=bullseye [6.1]=bookworm [6.12]=bookworm-backports [7.x]=sid)
debian_keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# kernel_name WORD: the canonical name, so that 7, 7.2 and sid mean 7.x.
kernel_name() {
  local name
  for name in "${kernel_names[@]}"; do
    if [[ $1 == "$name" || $1 == "${kernel_suite[$name]}" ]]; then echo "$name"; return; fi
  done
  if [[ $1 == 7 || $1 == 7.* ]]; then echo 7.x; return; fi
  usage_error "no kernel '$1'; did you mean '$(nearest "$1" "${kernel_names[@]}")'? (there are: ${kernel_names[*]})"
}

kernel_image() { echo "$kernel_cache/$1/vmlinuz"; }

# fetch_kernel NAME [refresh]: afterwards kernel_image NAME exists. Two callers at once wait for each other.
fetch_kernel() {
  local name=$1
  [[ ${2-} == refresh || ! -s $(kernel_image "$name") ]] || return 0
  mkdir -p "$kernel_cache"
  (
    flock 9
    [[ ${2-} == refresh || ! -s $(kernel_image "$name") ]] || exit 0
    download_kernel "$name" "${kernel_suite[$name]}"
  ) 9>"$kernel_cache/$name.lock"
}

download_kernel() (
  local name=$1 suite=$2 start=$SECONDS mirror package
  [[ -r $debian_keyring ]] ||
    die "cannot check the signatures of Debian's kernels: $debian_keyring is missing; install debian-archive-keyring"
  work=$(mktemp -d "$kernel_cache/fetch.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  # A release that left the mirrors lives on at archive.debian.org.
  for mirror in "$(debian_mirror)" http://deb.debian.org/debian http://archive.debian.org/debian; do
    write_apt_configuration "$work" "$mirror" "$suite"
    kernel_apt update && package=$(kernel_package linux-image-cloud-amd64) && break
  done
  [[ -n ${package-} ]] || {
    cat "$work/log" >&2
    die "no kernel for '$name': the package index of Debian $suite could not be read from $(debian_mirror) (see above)"
  }
  (cd "$work/debs" && kernel_apt download "$package") ||
    { cat "$work/log" >&2; die "could not download $package from $mirror (see above)"; }
  dpkg -x "$work"/debs/*.deb "$work/root"
  keep_image "$work/root" "$kernel_cache/$name" "$package"
  say "fetched the $name kernel ($package from Debian $suite) in $(seconds_since "$start")"
)

# write_apt_configuration DIR MIRROR SUITE: nothing below reads or writes outside DIR but the keyring.
write_apt_configuration() {
  local dir=$1
  mkdir -p "$dir"/{lists/partial,cache/archives/partial,etc/apt/apt.conf.d,debs,root}
  : >"$dir/status"
  echo "deb [arch=amd64 signed-by=$debian_keyring] $2 $3 main" >"$dir/sources.list"
  {
    # How this machine reaches the network (proxies) is the one thing taken over.
    apt-config dump 2>/dev/null | grep -E '^Acquire::(https?|Retries|Check-Date)' || true
    cat <<EOF
Dir "$dir";
Dir::State "$dir";
Dir::State::status "$dir/status";
Dir::State::lists "$dir/lists";
Dir::Cache "$dir/cache";
Dir::Etc::sourcelist "$dir/sources.list";
Dir::Etc::sourceparts "-";
Dir::Etc::parts "$dir/etc/apt/apt.conf.d";
Dir::Etc::main "-";
Dir::Etc::preferences "-";
Dir::Etc::preferencesparts "-";
APT::Architecture "amd64";
APT::Architectures { "amd64"; };
APT::Sandbox::User "";
Acquire::Languages "none";
// Signatures are checked all the same: an old index only means an older kernel, and mirrors that are snapshots
// or a machine without the right time are common.
Acquire::Check-Valid-Until "false";
EOF
  } >"$dir/apt.conf"
}

kernel_apt() { APT_CONFIG="$work/apt.conf" apt-get -qq "$@" >>"$work/log" 2>&1; }

# kernel_package META: follows the dependencies to the package that has the image; newer suites split it off.
kernel_package() {
  local package=$1 depends next
  while :; do
    depends=$(APT_CONFIG="$work/apt.conf" apt-cache show "$package" 2>>"$work/log" | sed -n '/^Depends: /{s///p;q}')
    next=$(grep -oE 'linux-(image|binary)-[0-9][^ ,]*-cloud-amd64' <<<"$depends" | sort | head -n 1) || true
    [[ -n $next ]] || break
    package=$next
  done
  [[ $package == linux-*-[0-9]* ]] && echo "$package"
}

keep_image() {
  local root=$1 target=$2 package=$3 image
  image=$(find "$root" -name 'vmlinuz*' -type f | head -n 1)
  [[ -n $image ]] || die "$package has no vmlinuz: Debian moved it; teach tools/dev/kernels.sh where it is now"
  mkdir -p "$target"
  echo "$package" >"$target/package"
  mv "$image" "$target/vmlinuz"
}
