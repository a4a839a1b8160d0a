# shellcheck shell=bash
# Shared by the tests of rest_reward; to be sourced. Its run is $run, to be named by the test.
source "$(dirname "${BASH_SOURCE[0]}")/_pipeline.sh"

# reward RANKS WHAT ARGUMENT...: output in $work/out; gives the exit code.
reward() {
  local ranks=$1 what=$2
  shift 2
  mpirun --oversubscribe --bind-to none --quiet -n "$ranks" "$REST_BIN/rest_reward" "$what" "$experiment" \
    --run "$run" "$@" </dev/null >"$work/out" 2>&1
}
# expect CODE WORDS RANKS WHAT ARGUMENT...: every one of WORDS (separated by |) has to be in the output.
expect() {
  local expected=$1 words word code=0
  IFS='|' read -ra words <<<"$2"
  shift 2
  reward "$@" || code=$?
  ((code == expected)) || { failed "rest_reward $2: exit code $code, not $expected"; cat "$work/out" >&2; }
  for word in "${words[@]}"; do
    grep -qF -- "$word" "$work/out" || failed "rest_reward $2: no '$word' in the output"
  done
}
