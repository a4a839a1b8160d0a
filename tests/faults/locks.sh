#!/usr/bin/env bash
# Two programs on the same work: the second is refused and told who holds it, the first goes on. A killed one leaves its
# lock free.
source "$(dirname "${BASH_SOURCE[0]}")/../support/_pipeline.sh"
run=$work/run
chain 2 "$run" prepare
long_training=(--set train.max_updates=1000000 --set train.validate_every=1000000)
long_growing=(--set grow.samples=3000)

# wait_for FILE TEXT: until the status file says so.
wait_for() {
  local waited=0
  until grep -qF -- "$2" "$run/locks/$1" 2>/dev/null; do
    sleep 0.05
    ((++waited < 1200)) && runs "$child" || { failed "$1 never said $2"; cat "$work/out" >&2; return 1; }
  done
}

# refused PROGRAM NAME ARGUMENT...: with exit code 2, in words that name the holder, without noise, on all ranks.
refused() {
  local program=$1 name=$2 code=0 word begin=$SECONDS
  shift 2
  cp "$work/out" "$work/out.first"
  timeout -k 5 30 mpirun --oversubscribe --bind-to none --quiet -n 2 "$REST_BIN/rest_$program" "$experiment" --run "$run" "$@" \
    </dev/null >"$work/refused" 2>&1 || code=$?
  ((code == 2)) || failed "a second rest_$program: exit code $code, not 2"
  for word in "works on $name" "rest_$program" "$(uname -n)" "process " "since 20"; do
    grep -qF -- "$word" "$work/refused" || failed "a second rest_$program: no '$word' in its words"
  done
  [[ $(grep -c 'error:' "$work/refused") == 1 ]] || failed "a second rest_$program: not one line of error"
  ! grep -q MPI_ABORT "$work/refused" || failed "a second rest_$program: MPI's noise"
  ((failures == 0)) || cat "$work/refused" >&2
  runs "$child" || failed "rest_$program ended when a second one was refused"
  echo "rest_$program: the second is refused after $((SECONDS - begin)) s"
}

# check PROGRAM NAME ARGUMENT...: refused while one works; after SIGKILL the next one starts, and ends in order on USR1.
check() {
  local program=$1 name=$2 label=$3
  shift 3
  start 2 "$program" "$run" "$@"
  wait_for "$name.json" "\"label\":\"$label\"" || return
  refused "$program" "$name" "$@"
  kill_all
  [[ -e $run/locks/$name.json ]] || failed "a killed rest_$program took its status with it"
  local killed
  killed=$(grep -o '"pid":[0-9]*' "$run/locks/$name.json")
  start 2 "$program" "$run" "$@"
  while grep -qF "$killed," "$run/locks/$name.json" && runs "$child"; do sleep 0.05; done
  wait_for "$name.json" "\"label\":\"$label\"" || return
  kill -USR1 "$child"
  code=0
  wait "$child" || code=$?
  ((code == 75)) || { failed "rest_$program after a kill: exit code $code, not 75"; cat "$work/out" >&2; }
  [[ ! -e $run/locks/$name.json ]] || failed "rest_$program leaves its status behind"
}

check train train "train g0-i0" "${long_training[@]}"
rm -r "$run/policy"
must 2 train "$run"
check grow grow-g1 grow "${long_growing[@]}"
find "$run/locks" -name '*.lock' -size +0c | grep . >&2 && failed "a lock file is not empty"
find "$run/locks" -name '*.ranks' | grep . >&2 && failed "the watchdog leaves files behind after an orderly end"

finish "one program at a time works on a thing"
