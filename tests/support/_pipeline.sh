# shellcheck shell=bash disable=SC2034
# Shared by the tests of whole runs; to be sourced. Makes a work folder with the experiment of tests/support/tiny.toml on
# the head of the synthetic corpus, and starts the programs of REST_BIN there.
set -u
: "${REST_BIN:?folder of the programs}"
python=${REST_PYTHON:-python3}
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/rest.XXXXXX")
experiment=$work/tests/support/tiny.toml
failures=0

# Killed mpiruns leave session folders and segments: here they go with the work folder.
mkdir -p "$work/tmp" "$work/tests/support" "$work/data/synthetic"
export TMPDIR=$work/tmp OMPI_MCA_btl_vader_backing_directory=$work/tmp
export OMP_NUM_THREADS=1 OMPI_MCA_mpi_yield_when_idle=1
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1

clean_up() {
  local left
  left=$(jobs -p)
  # shellcheck disable=SC2086
  [[ -z $left ]] || { kill -TERM $left; wait; } 2>/dev/null
  mountpoint -q "$work/disk" 2>/dev/null && umount "$work/disk"
  if [[ -n ${REST_KEEP:-} ]]; then echo "kept: $work"; else rm -rf "$work"; fi
}
trap clean_up EXIT

cp "$repository/tests/support/tiny.toml" "$experiment"
for language in src tgt; do
  head -n 600 "$repository/data/synthetic/train.$language" >"$work/data/synthetic/train.$language"
  for corpus in valid test; do
    head -n 40 "$repository/data/synthetic/$corpus.$language" >"$work/data/synthetic/$corpus.$language"
  done
done

failed() {
  echo "FAILED: $*" >&2
  failures=$((failures + 1))
}

# Ends the test: 0 when nothing failed.
finish() {
  ((failures)) || echo "passed: $*"
  exit $((failures > 0))
}

# rest RANKS PROGRAM RUN [ARGUMENT...]: output in $work/out; gives the exit code.
rest() {
  local ranks=$1 program=$2 run=$3
  shift 3
  mpirun --oversubscribe --bind-to none --quiet -n "$ranks" "$REST_BIN/rest_$program" "$experiment" --run "$run" "$@" \
    </dev/null >"$work/out" 2>&1
}

# The same, and the test ends here when it fails.
must() {
  local code=0
  rest "$@" || code=$?
  ((code == 0)) && return
  cat "$work/out" >&2
  echo "FAILED: exit code $code of $*" >&2
  exit 1
}

# chain RANKS RUN PROGRAM...
chain() {
  local ranks=$1 run=$2 program
  shift 2
  for program in "$@"; do must "$ranks" "$program" "$run"; done
}

# Digests of what must not depend on ranks, stops and kills, by path in the run: digests RUN [FOLDER...]. Of the
# checkpoints the newest: older ones are where stops and kills left them.
digests() {
  (
    cd "$1" || exit
    shift
    (($#)) || set -- tokenizer corpus policy grow improve metrics
    {
      find "$@" -path '*/checkpoints' -prune -o -type f ! -name '*.commit.json' -print
      find "$@" -type d -name checkpoints | while read -r folder; do
        find "$(find "$folder" -type d -name 'update-*' | LC_ALL=C sort | tail -n 1)" -type f
      done
    } 2>/dev/null | LC_ALL=C sort | xargs -r sha256sum
  )
}

# same WHAT RUN REFERENCE [FOLDER...]: both runs hold the same files with the same bytes.
same() {
  local what=$1 run=$2 reference=$3
  shift 3
  local expected
  expected=$(digests "$reference" "$@")
  [[ -n $expected ]] || failed "$what: the reference $reference has no files in $*"
  diff <(echo "$expected") <(digests "$run" "$@") >"$work/diff" || { failed "$what: other bytes"; cat "$work/diff" >&2; }
}

# start RANKS PROGRAM RUN [ARGUMENT...]: in the background; its mpirun's process id in $child. What is in the array
# $launcher stands before the program.
launcher=()
start() {
  local ranks=$1 program=$2 run=$3
  shift 3
  mpirun --oversubscribe --bind-to none --quiet -n "$ranks" "${launcher[@]}" "$REST_BIN/rest_$program" "$experiment" \
    --run "$run" "$@" </dev/null >"$work/out" 2>&1 &
  child=$!
}

# The commit records of a run, checkpoints' too.
records() { find "$1" -name '*.commit.json' 2>/dev/null | LC_ALL=C sort; }

# progress RUN CHANGES: waits until what is committed has changed so often since the call, or the program has ended.
progress() {
  local before now left=$2
  before=$(records "$1")
  while ((left > 0)) && kill -0 "$child" 2>/dev/null; do
    sleep 0.005
    now=$(records "$1")
    [[ $now == "$before" ]] || { left=$((left - 1)) before=$now; }
  done
}

# The ranks of the mpirun in $child.
ranks_of_child() { cat "/proc/$child/task/$child/children" 2>/dev/null; }

# 0 as long as a process runs; a zombie does not.
runs() {
  local state=''
  { read -r _ _ state _ <"/proc/$1/stat"; } 2>/dev/null
  [[ -n $state && $state != Z ]]
}

# SIGKILL for mpirun and all its ranks at once; waits until they are gone and gives the exit code in $code.
kill_all() {
  local ranks rank
  ranks=$(ranks_of_child)
  # shellcheck disable=SC2086
  kill -KILL "$child" $ranks 2>/dev/null
  code=0
  wait "$child" 2>/dev/null || code=$?
  for rank in $ranks; do
    while runs "$rank"; do sleep 0.01; done
  done
}
