# Messages. Everything but a verb's result goes to stderr, so that results can be piped.

say() { echo "dev: $*" >&2; }

die() {
  echo "dev: $*" >&2
  exit 1
}

usage_error() {
  echo "dev: $*" >&2
  exit 2
}

# nearest WORD CANDIDATE…: the candidate with the smallest edit distance.
nearest() {
  local word=$1 best='' best_distance=99 candidate
  shift
  for candidate in "$@"; do
    local distance
    distance=$(edit_distance "$word" "$candidate")
    if ((distance < best_distance)); then best=$candidate best_distance=$distance; fi
  done
  echo "$best"
}

edit_distance() {
  local a=$1 b=$2 i j above left cost
  local -a row
  for ((j = 0; j <= ${#b}; j++)); do row[j]=$j; done
  for ((i = 1; i <= ${#a}; i++)); do
    local diagonal=${row[0]}
    row[0]=$i
    for ((j = 1; j <= ${#b}; j++)); do
      above=${row[j]} left=${row[j - 1]} cost=$diagonal
      [[ ${a:i-1:1} == "${b:j-1:1}" ]] || cost=$((diagonal + 1))
      diagonal=$above
      row[j]=$((above + 1 < left + 1 ? above + 1 : left + 1))
      ((row[j] <= cost)) || row[j]=$cost
    done
  done
  echo "${row[${#b}]}"
}

# seconds_since START: for progress lines; START is a value of $SECONDS.
seconds_since() { echo "$((SECONDS - $1)) s"; }
