#!/usr/bin/env bash
# From a fresh clone to a finished ReST run on the synthetic corpus, on 2 ranks: set-up, build, run, results. Started
# again, it goes on from what is complete. Arguments go to jobs/run_local.sh (--set improve.steps=2).
# shellcheck source=jobs/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$rest_root"

case ${1:-} in
  -h | --help)
    sed -n '2,3s/^# //p' "${BASH_SOURCE[0]}"
    exit
    ;;
esac
run=run/quickstart

timed "set-up" bash jobs/setup.sh
timed "build" build_preset release programs
REST_BIN='' timed "run" bash jobs/run_local.sh data/experiments/synthetic.toml --run "$run" --ranks 2 "$@"

header "results"
figure=$("$rest_python" data/analysis/reward_by_step.py "$run")
"$rest_python" data/analysis/grow_summary.py "$run" >/dev/null
"$rest_python" data/analysis/run_table.py "$run"
cat <<TEXT

reward by step      $figure
tables, all sets    $run/report/table.md
Grow step           $run/report/grow_summary.g1.chrf.txt, .png
wall times          $run/report/stages.tsv
policies            $run/policy/g0-i0, $run/improve/bc/
candidates          $run/grow/g1/ (data/README.md describes the files)
metrics             $run/metrics/
logs                $run/log/
TEXT
