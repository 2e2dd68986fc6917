# fmt, lint.

# More files than this go through clang-tidy only on demand (TRIGON_TIDY_ALL=1): it takes seconds for each.
tidy_limit=40

# repository_files GLOB…: tracked files and new ones that nobody ignores.
repository_files() {
  local file
  git ls-files --cached --others --exclude-standard --deduplicate -- "$@" |
    while read -r file; do [[ ! -e $file ]] || echo "$file"; done
}

cxx_files() { repository_files '*.c' '*.h' '*.cc' '*.cpp' '*.hpp'; }

verb_fmt() {
  if [[ ${1-} == -h || ${1-} == --help ]]; then
    echo "usage: ./dev fmt"
    echo "Formats every C and C++ file of the repository with clang-format."
    return
  fi
  (($# == 0)) || usage_error "fmt: unexpected '$1' (it takes no arguments)"
  ensure_packages "${style_packages[@]}" git
  cxx_files | xargs -r -d '\n' clang-format -i
}

verb_lint() {
  if [[ ${1-} == -h || ${1-} == --help ]]; then
    echo "usage: ./dev lint [--no-tidy]"
    echo "Checks format, include directions, scripts, stray files and, on the files changed against the main branch"
    echo "(all with TRIGON_TIDY_ALL=1), clang-tidy. Exit 1 when one of them complains."
    return
  fi
  local tidy=yes failed=()
  [[ ${1-} != --no-tidy ]] || { tidy=''; shift; }
  (($# == 0)) || usage_error "lint: unexpected '$1'"
  ensure_packages "${style_packages[@]}" git
  lint_step "format (./dev fmt corrects it)" lint_format
  lint_step "include directions" python3 tools/check_includes.py
  lint_step "include check's own test" python3 tools/check_includes_test.py
  lint_step "stray files, marks without context" python3 tools/check_tree.py
  lint_step "shell scripts" lint_shell
  [[ -z $tidy ]] || lint_step "clang-tidy" lint_tidy
  # After clang-tidy, which builds: a page can only be compared with a current binary.
  lint_step "docs/reference/command-line.md" python3 tools/gen_command_line.py --check
  ((${#failed[@]} == 0)) || die "lint: ${#failed[@]} of the checks complain: $(printf '%s; ' "${failed[@]}")"
}

lint_step() {
  local name=$1
  shift
  if "$@"; then echo "ok    $name"; else
    echo "FAIL  $name"
    failed+=("$name")
  fi
}

# Names only: `./dev fmt` shows the rest.
lint_format() {
  cxx_files | xargs -r -d '\n' -P 2 -n 8 sh -c \
    'status=0; for f; do clang-format --dry-run -Werror "$f" 2>/dev/null || { echo "$f: not formatted"; status=1; }; done
     exit $status' sh
}

shell_files() {
  local file line
  repository_files '*.sh'
  repository_files | while read -r file; do
    # Without a suffix, the first line tells.
    [[ ${file##*/} != *.* && -f $file ]] || continue
    line=$(head -c 64 "$file" | head -n 1 | tr -d '\0')
    [[ $line != '#!'*sh ]] || echo "$file"
  done
}

lint_shell() {
  local file status=0
  while read -r file; do bash -n "$file" || status=1; done < <(shell_files)
  command -v shellcheck >/dev/null || return $status
  # The parts of ./dev use each other's variables, which a check of one file at a time cannot see (SC2034, SC2154);
  # the commas in QEMU's arguments are QEMU's (SC2054).
  shell_files | xargs -r -d '\n' shellcheck --severity=warning --shell=bash --exclude=SC2034,SC2054,SC2154 || status=1
  return $status
}

lint_tidy() {
  local base files=() file
  base=$(tidy_base)
  while read -r file; do
    [[ $file == userspace/*.cc || $file == tests/*.cc ]] && files+=("$file")
  done < <(if [[ -n $base && ${TRIGON_TIDY_ALL-} != 1 ]]; then
    { git diff --name-only --diff-filter=d "$base"; git ls-files --others --exclude-standard; } | sort -u
  else
    cxx_files
  fi)
  if ((${#files[@]} > tidy_limit)) && [[ ${TRIGON_TIDY_ALL-} != 1 ]]; then
    say "clang-tidy: ${#files[@]} files changed, the first $tidy_limit are checked (TRIGON_TIDY_ALL=1 checks all)"
    files=("${files[@]:0:tidy_limit}")
  fi
  ((${#files[@]})) || return 0
  # The build makes the compile commands and the skeleton headers that the sources include.
  build_preset release
  mapfile -t files < <(printf '%s\n' "${files[@]}" | only_compiled)
  ((${#files[@]})) || return 0
  printf '%s\n' "${files[@]}" | xargs -r -d '\n' -P 2 -n 4 clang-tidy -p build/release --quiet 2> >(grep -v 'warnings generated\|^Suppressed\|^Use -header' >&2)
}

# What to compare with: where this branch left main; on main itself the commit before; nothing in a new repository.
tidy_base() {
  local main base
  for main in origin/main main; do
    base=$(git merge-base HEAD "$main" 2>/dev/null) || continue
    if [[ $base != $(git rev-parse HEAD) ]]; then echo "$base"; return; fi
  done
  git rev-parse -q --verify HEAD~ 2>/dev/null || true
}

# Keeps the files that the release build compiles: clang-tidy guesses badly for others.
only_compiled() {
  python3 -c '
import json, os, sys
known = {os.path.relpath(c["file"]) for c in json.load(open("build/release/compile_commands.json"))}
print(*(f for f in sys.stdin.read().split("\n") if f in known), sep="\n", end="")'
}
