#!/usr/bin/env bash
# Ranks that compute with different instruction sets are refused unless that is allowed; threads and ranks that share
# cores are warned of.
source "$(dirname "${BASH_SOURCE[0]}")/../support/_pipeline.sh"
run=$work/run
chain 1 "$run" prepare
program=("$REST_BIN/rest_train" "$experiment" --run "$run" --set train.max_updates=4 --set train.warmup_updates=2)
launch=(mpirun --oversubscribe --bind-to none --quiet)

# expect CODE WORDS COMMAND...
expect() {
  local expected=$1 words=$2 code=0
  shift 2
  timeout -k 5 60 "$@" </dev/null >"$work/out" 2>&1 || code=$?
  ((code == expected)) || failed "exit code $code, not $expected: $*"
  if [[ $words == '' ]]; then
    ! grep -E 'warning|error' "$work/out" || failed "complaints: $*"
  else
    grep -qE -- "$words" "$work/out" || failed "no '$words': $*"
  fi
  ((failures == 0)) || cat "$work/out" >&2
}

expect 2 'rank 0 .*LibTorch DEFAULT.*rank 1 .*--allow-mixed-cpus' \
  "${launch[@]}" -n 1 env ATEN_CPU_CAPABILITY=default "${program[@]}" : -n 1 "${program[@]}"
[[ ! -e $run/policy ]] || failed "a refused program wrote"
expect 0 'complete' "${launch[@]}" -n 1 env ATEN_CPU_CAPABILITY=default "${program[@]}" --allow-mixed-cpus : \
  -n 1 "${program[@]}" --allow-mixed-cpus
command -v taskset >/dev/null || { echo "skipped: bound ranks (no taskset)"; finish "mixed processors are refused"; }
expect 0 '' "${launch[@]}" -n 1 taskset -c 0 "${program[@]}"
expect 0 'warning: the 2 threads of rank 0 .* share 1 core ' "${launch[@]}" -n 1 taskset -c 0 "${program[@]}" --threads 2
expect 0 'warning: 2 ranks with 2 threads share 1 core of host' "${launch[@]}" -n 2 taskset -c 0 "${program[@]}"

finish "processors of ranks are looked at"
