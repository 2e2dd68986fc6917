# What a verb needs from the distribution, installed when it is missing and never touched when it is there.

# Alternatives are separated by '|'; the first is the one that is installed.
build_packages=(cmake ninja-build g++ clang-19 libcli11-dev libyaml-cpp-dev libfmt-dev libelf-dev zlib1g-dev
  libzstd-dev libssl-dev libcurl4-openssl-dev libgtest-dev libgmock-dev "pkgconf|pkg-config" ccache
  nlohmann-json3-dev libbpf-dev bpftool)
# The guests' root is made of busybox; Debian's two busybox packages exclude each other and either will do.
vm_packages=(qemu-system-x86 cpio "busybox-static|busybox" xz-utils zstd python3 jq debian-archive-keyring)
style_packages=(clang-format clang-tidy python3)

# Packages that bookworm has too old: the least version that is enough, and why.
#   libbpf-dev 1.4: `bpf_program__attach_*_opts` and the token-free defaults the loader relies on
#   bpftool 7.4:    `gen object` with the same BTF deduplication as that libbpf
declare -A least_version=([libbpf-dev]=1.4 [bpftool]=7.4)

backports_file=/etc/apt/sources.list.d/bookworm-backports.sources

# ensure_packages SPEC…: returns when all are installed, installs them when that is possible, otherwise one sentence.
ensure_packages() {
  [[ ${TRIGON_SETUP-} != skip ]] || return 0
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    die "this machine has no apt, so nothing was installed: install ${*%%|*} (libbpf 1.4 or later) with its own package" \
      "manager and run this again with TRIGON_SETUP=skip"
  fi
  local missing=()
  find_missing "$@"
  ((${#missing[@]})) || return 0
  [[ $(id -u) == 0 ]] ||
    die "these packages are missing and installing them needs root: ${missing[*]}; run this verb once as root" \
      "(sudo ./dev …) or install them with apt"
  install_packages "${missing[@]}"
  find_missing "$@"
  ((${#missing[@]} == 0)) ||
    die "this distribution's packages are too old or missing: ${missing[*]} (needed: libbpf-dev >= 1.4, bpftool >= 7.4);" \
      "use Debian 12 with backports or later"
}

# Fills the caller's `missing` with the first alternative of each unsatisfied SPEC.
find_missing() {
  local -A installed=()
  local name version status spec alternative found names
  mapfile -t names < <(printf '%s\n' "$@" | tr '|' '\n')
  while read -r status name version; do
    [[ $status == installed ]] && installed[${name%%:*}]=$version
  done < <(dpkg-query -W -f '${db:Status-Status} ${Package} ${Version}\n' "${names[@]}" 2>/dev/null)
  missing=()
  for spec in "$@"; do
    found=
    for alternative in ${spec//|/ }; do
      version=${installed[$alternative]-}
      [[ -n $version ]] && new_enough "$alternative" "${version#*:}" && found=yes
    done
    [[ -n $found ]] || missing+=("${spec%%|*}")
  done
}

new_enough() { [[ -z ${least_version[$1]-} ]] || dpkg --compare-versions "$2" ge "${least_version[$1]}"; }

install_packages() {
  local names=("$@") specs=() name log start=$SECONDS
  log=$(mktemp)
  say "installing ${names[*]}"
  apt_quietly "$log" update
  for name in "${names[@]}"; do
    if [[ -n ${least_version[$name]-} ]] && needs_backports "$name"; then
      enable_backports "$log"
      specs+=("$name/bookworm-backports")
    else
      specs+=("$name")
    fi
  done
  apt_quietly "$log" install -y --no-install-recommends "${specs[@]}"
  rm -f "$log"
  say "installed in $(seconds_since "$start")"
}

# apt_quietly LOG ARGS…: apt's own words are shown only when it fails.
apt_quietly() {
  local log=$1
  shift
  DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 "$@" >"$log" 2>&1 </dev/null &&
    return 0
  # An unreachable third-party source must not stop us: the install that follows decides.
  [[ $1 != update ]] || return 0
  cat "$log" >&2
  rm -f "$log"
  die "apt could not install what is missing (its words are above): check the network and /etc/apt, then run this again"
}

needs_backports() {
  local candidate
  [[ $(. /etc/os-release && echo "${VERSION_CODENAME-}") == bookworm ]] || return 1
  candidate=$(apt-cache policy "$1" | sed -n 's/^  Candidate: //p')
  ! new_enough "$1" "${candidate#*:}"
}

enable_backports() {
  local log=$1 mirror
  if apt_suites | grep -q ' bookworm-backports$'; then return; fi
  mirror=$(debian_mirror)
  # The keyring is a dependency of apt itself on Debian, so it is there.
  printf 'Types: deb\nURIs: %s\nSuites: bookworm-backports\nComponents: main\nSigned-By: %s\n' \
    "$mirror" /usr/share/keyrings/debian-archive-keyring.gpg >"$backports_file"
  say "bookworm has libbpf and bpftool too old: enabled bookworm-backports in $backports_file ($mirror)"
  apt_quietly "$log" update
}

# "URI SUITE" of every Debian main index that the machine's own apt is configured for.
apt_suites() {
  apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' 'Component: main' 2>/dev/null | sort -u
}

# The mirror this machine gets Debian from; deb.debian.org where it is not a Debian.
debian_mirror() {
  local mirror
  mirror=$(apt_suites | awk '$2 !~ /security|updates|backports/ && $1 ~ /\/debian\/?$/ { print $1; exit }')
  mirror=${mirror:-http://deb.debian.org/debian}
  echo "${mirror%/}"
}
