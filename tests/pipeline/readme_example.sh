#!/usr/bin/env bash
# The h5py example of data/README.md works as printed, and the analysis scripts draw what they promise.
source "$(dirname "${BASH_SOURCE[0]}")/../support/_pipeline.sh"
"$python" -c 'import h5py, numpy' 2>"$work/out" || { echo "skipped: no h5py"; exit 77; }
run=$work/run/quickstart  # the path in the example

chain 2 "$run" prepare train grow score improve
for policy in g0-i0 bc/g1-i0 bc/g1-i1 bc/g1-i2; do must 2 evaluate "$run" --policy $policy; done

# The example: the Python block after its mark.
awk '/<!-- example:/ { marked = 1 } marked && /^```$/ { exit } inside { print } marked && /^```python$/ { inside = 1 }' \
  "$repository/data/README.md" >"$work/example.py"
lines=$(wc -l <"$work/example.py")
((lines >= 5 && lines <= 10)) || failed "the example of data/README.md has $lines lines"
(cd "$work" && "$python" example.py) >"$work/example.out" 2>&1 || { failed "the example"; cat "$work/example.out" >&2; }
for line in 'mean reward of samples: 0\.[0-9]' 'best sample: source [0-9]* reward 0\.[0-9]' 'pieces: \['; do
  grep -q "^$line" "$work/example.out" || { failed "the example does not print '$line'"; cat "$work/example.out" >&2; }
done

if ! "$python" -c 'import matplotlib' 2>"$work/out"; then
  echo "skipped: figures (no matplotlib)"
  finish "the example works"
fi
analysis=$repository/data/analysis
export MPLCONFIGDIR=$work/tmp MPLBACKEND=Agg PYTHONDONTWRITEBYTECODE=1
for script in grow_summary reward_by_step run_table; do
  "$python" "$analysis/$script.py" "$run" >"$work/$script.out" 2>&1 || { failed "$script.py"; cat "$work/$script.out" >&2; }
  [[ -s $work/$script.out ]] || failed "$script.py says nothing"
done
find "$run/report" -name '*.png' -size +4k >"$work/figures"
(($(wc -l <"$work/figures") >= 2)) || { failed "figures are missing"; ls -l "$run/report" >&2; }
for policy in g0-i0 g1-i0 g1-i1 g1-i2; do
  grep -q -- "$policy" "$work/run_table.out" || { failed "run_table.py leaves out $policy"; cat "$work/run_table.out" >&2; }
done

finish "the example and the analysis scripts work"
