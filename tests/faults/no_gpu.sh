#!/usr/bin/env bash
# A GPU asked for where there is none: every computing program says so, exits with 2 within seconds and makes nothing.
source "$(dirname "${BASH_SOURCE[0]}")/../support/_pipeline.sh"
if [[ -e /dev/nvidiactl ]]; then
  echo "skipped: this host has a GPU"
  exit 77
fi

refuse() {
  local what=$1 code=0
  shift
  timeout -k 5 30 "$@" </dev/null >"$work/out" 2>&1 || code=$?
  if ((code != 2)) || ! grep -q -- '--device cuda' "$work/out" || grep -q 'undefined symbol' "$work/out" ||
    [[ -n $(ls -A "$work/run" | grep -v '^log$') ]]; then
    failed "$what: exit code $code, made $(ls -A "$work/run" | tr '\n' ' ')"
    sed 's/^/    /' "$work/out" >&2
  else
    echo "ok: $what: $(grep -m 1 -o -- '--device cuda.*' "$work/out")"
  fi
}

for program in train grow improve evaluate translate; do
  refuse "rest_$program" "$REST_BIN/rest_$program" "$experiment" --run "$work/run" --device cuda
done
refuse "two ranks" mpirun --oversubscribe --bind-to none --quiet -n 2 "$REST_BIN/rest_train" "$experiment" \
  --run "$work/run" --device cuda
refuse "by REST_DEVICE" env REST_DEVICE=cuda "$REST_BIN/rest_train" "$experiment" --run "$work/run"
finish "no GPU is never taken for a CPU"
