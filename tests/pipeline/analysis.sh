#!/usr/bin/env bash
# The analysis scripts on a small run: their figures are those of plain loops and of the programs, the comparison page is
# sound and needs nothing else, blinded sheets come back as they were filled in, exports read back as what is stored.
source "$(dirname "${BASH_SOURCE[0]}")/../support/_pipeline.sh"
"$python" -c 'import h5py, numpy, matplotlib, sentencepiece' 2>"$work/out" ||
  { echo "skipped: $(tail -n 1 "$work/out")"; exit 77; }
analysis=$repository/data/analysis
oracles=$repository/tests/support/analysis
run=$work/run
export MPLCONFIGDIR=$work/tmp MPLBACKEND=Agg PYTHONDONTWRITEBYTECODE=1

# script NAME ARGUMENT...: it must succeed.
script() {
  local name=$1
  shift
  "$python" "$analysis/$name.py" "$@" >"$work/$name.out" 2>&1 || { failed "$name.py $*"; cat "$work/$name.out" >&2; }
}
oracle() {
  local name=$1
  shift
  "$python" "$oracles/$name.py" "$@" || failed "$name.py"
}

chain 2 "$run" prepare train grow score improve
for policy in g0-i0 bc/g1-i2; do
  for corpus in valid test; do must 2 evaluate "$run" --policy $policy --corpus $corpus; done
done

# One of the thresholds is a reward that occurs: it is not above itself, whatever its decimals are in float64.
reward=$("$python" - "$run" <<'PYTHON'
import sys, h5py, numpy as np
rewards = np.unique(h5py.File(f"{sys.argv[1]}/grow/g1/index.h5")["rewards/chrf"][()])
print(next(str(r) for r in rewards[len(rewards) // 2:] if float(r) > float(str(r))))
PYTHON
)
script kept_by_threshold "$run" --thresholds 0.1 0.2 "$reward" 1
script spread "$run"
oracle check_figures "$run" "$run"/report/kept_by_threshold.g1.chrf.json "$run"/report/spread.g1.chrf.json
script kept_by_threshold "$run" --out "$work/default"
grep -q '^R > 0.1 ' "$work/default/kept_by_threshold.g1.chrf.txt" || failed "the experiment's thresholds are not the default"

# A policy that says what a page must not take for its own.
"$python" - "$run/metrics" <<'PYTHON'
import json, sys
metrics = json.load(open(f"{sys.argv[1]}/g0-i0.test.json"))
metrics["policy"] = "nasty"
texts = metrics["per_source"]["greedy"]
texts[0] = "</article><script>alert(1)</script> {{items}} \\1 &amp; \"a\" 'b' <b"
texts[1] = "=1+1"
json.dump(metrics, open(f"{sys.argv[1]}/nasty.test.json", "w"))
PYTHON
script compare_policies "$run" --policies g0-i0 bc/g1-i2 nasty --corpus test
oracle check_page "$run" test "$run"/report/compare.g0-i0-bc_g1-i2-nasty.test.html g0-i0 bc/g1-i2 nasty
script compare_policies "$run" --corpus valid
oracle check_page "$run" valid "$run"/report/compare.valid.html g0-i0 bc/g1-i2
script compare_policies "$run" --grow-step 1 --sources 50
(($(grep -c '<article' "$run"/report/compare.g1.chrf.html) == 50)) || failed "not 50 sources on the page of the Grow step"

oracle check_statistics
oracle check_sheets "$run" test "$work/blind" g0-i0 bc/g1-i2
find "$run/report" "$work/blind" -name '*.png' -size +4k >"$work/figures"
(($(wc -l <"$work/figures") == 3)) || { failed "pictures are missing"; cat "$work/figures" >&2; }
oracle check_export "$run" "$work/export"  # spoils the run: the last

for name in kept_by_threshold spread compare_policies grow_summary export run_table reward_by_step; do
  "$python" "$analysis/$name.py" --help >"$work/help" 2>&1 || failed "$name.py --help"
  code=0 options=()
  [[ $name != export ]] || options=(--format tsv)
  "$python" "$analysis/$name.py" "$work/nothing" "${options[@]}" >"$work/out" 2>&1 || code=$?
  [[ $code == 1 ]] && grep -q "^error: there is no run directory $work/nothing" "$work/out" ||
    { failed "$name.py on no run gives $code"; cat "$work/out" >&2; }
done

finish "the analysis scripts say what the files hold"
