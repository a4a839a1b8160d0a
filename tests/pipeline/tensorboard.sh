#!/usr/bin/env bash
# Event files say what metrics.jsonl, the speed log and the evaluations say, read back by TensorBoard itself. Skipped where
# TensorBoard is not installed; REST_TENSORBOARD_PYTHON names a Python that has it.
source "$(dirname "${BASH_SOURCE[0]}")/../support/_pipeline.sh"
python=${REST_TENSORBOARD_PYTHON:-$python}
"$python" -c 'import tensorboard, tensorboardX, h5py' 2>/dev/null || {
  echo "skipped: $python has no tensorboard, tensorboardX and h5py"
  exit 77
}
run=$work/run
chain 2 "$run" prepare train grow score
must 2 improve "$run" --step 0
must 2 evaluate "$run" --policy g0-i0
must 2 evaluate "$run" --policy bc/g1-i0
echo '{"update": 9' >>"$run/policy/g0-i0/metrics.jsonl"  # as a kill leaves it
for _ in first again; do
  "$python" "$repository/data/analysis/to_tensorboard.py" "$run" >"$work/out" 2>&1 || { cat "$work/out" >&2; failed "to_tensorboard.py"; }
done
"$python" "$repository/tests/support/check_tensorboard.py" "$run" || failed "the event files"
mkdir -p "$work/empty"
"$python" "$repository/data/analysis/to_tensorboard.py" "$work/empty" >"$work/out" 2>&1 && failed "an empty run is accepted"
grep -q 'run rest_train' "$work/out" || failed "no words for an empty run"

finish "event files say what the run says"
