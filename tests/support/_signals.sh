# shellcheck shell=bash
# Stopping programs by USR1 in each of their phases; to be sourced after _pipeline.sh. The caller's experiment has work for
# a while in each phase; $base is a run that is prepared, trained, grown and scored with it.
ranks=${REST_RANKS:-2}
# While the libraries of a program are loaded nobody handles the signal: it waits, blocked, until the program begins.
# REST_LAUNCHER, which may be empty, stands in its place.
read -ra launcher <<<"${REST_LAUNCHER-env --block-signal=USR1}"

# phase NAME: sets program, folder (what it makes: removed before), arguments and begun (words of its output, or
# commit:GLOB, after which the phase is on).
phase() {
  arguments=()
  case $1 in
    load) program=grow folder=grow begun='' ;;
    prepare) program=prepare folder=corpus begun='training a tokenizer' ;;
    train) program=train folder=policy begun='training g0-i0' arguments=(--set train.validate_every=100000) ;;
    validate) program=train folder=policy begun='validation_perplexity' arguments=(--set train.validate_every=1) ;;
    save)
      program=train folder=policy begun='commit:policy/g0-i0/checkpoints/update-*.commit.json'
      arguments=(--set train.checkpoint_every=1 --set train.validate_every=100000)
      ;;
    grow) program=grow folder=grow begun='shards to sample' ;;
    score) program=score folder=grow/g1/rewards begun='scoring Grow step' ;;
    improve) program=improve folder=improve begun='all of D_g keeps' ;;
    evaluate) program=evaluate folder=metrics begun='evaluating' ;;
    *) return 1 ;;
  esac
  [[ $program == prepare ]] && arguments+=(--set data.vocabulary_size=600)
}

has_begun() {
  case $begun in
    '') [[ -n $(ranks_of_child) ]] ;;
    commit:*) compgen -G "$1/${begun#commit:}" >/dev/null ;;
    *) grep -qF -- "$begun" "$work/out" 2>/dev/null ;;
  esac
}

now() { echo "${EPOCHREALTIME/[.,]/}"; }

# stop_once PHASE SECONDS: USR1 so long after the phase has begun. Gives the exit code in $code and the milliseconds
# from the signal to the end of mpirun in $latency; nothing ("") when the program had ended before.
stop_once() {
  local after=$2 begin
  phase "$1"
  local run=$work/stopped
  rm -rf "$run"
  cp -r "$base" "$run"
  if [[ $program == prepare ]]; then rm -r "${run:?}"/*; else rm -rf "${run:?}/$folder"; fi
  : >"$work/out"
  start "$ranks" "$program" "$run" "${arguments[@]}"
  while ! has_begun "$run" && kill -0 "$child" 2>/dev/null; do sleep 0.01; done
  sleep "$after"
  latency='' code=0
  if kill -0 "$child" 2>/dev/null; then
    begin=$(now)
    kill -USR1 "$child" 2>/dev/null
    until ! runs "$child" || (($(now) - begin > 60000000)); do sleep 0.01; done
    if runs "$child"; then kill_all; else wait "$child" || code=$?; fi
    latency=$((($(now) - begin) / 1000))
  else
    wait "$child" || code=$?
  fi
}
