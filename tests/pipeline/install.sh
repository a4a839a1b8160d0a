#!/usr/bin/env bash
# An installed tree, moved after its installation, runs the chain by its own job script with neither the build tree nor
# the environment of LibTorch in reach.
source "$(dirname "${BASH_SOURCE[0]}")/../support/_pipeline.sh"
build=$(cd "$REST_BIN/.." && pwd)

mkdir "$work/first place" "$work/second place"
cmake --install "$build" --prefix "$work/first place/rest" >"$work/out" 2>&1 || { cat "$work/out" >&2; failed "cmake --install"; finish; }
mv "$work/first place/rest" "$work/second place/rest"
tree="$work/second place/rest"
scripts=$tree/share/rest

# Every program of the build, with all its libraries, none of them from the build or the place of installation.
torch=$(ldd "$REST_BIN/rest_train" | awk '$1 == "libtorch_cpu.so" { print $3 }')
torch=$(dirname "$(readlink -f "$torch")")
for program in "$REST_BIN"/rest_*; do
  installed=$tree/bin/${program##*/}
  [[ -x $installed ]] || { failed "${program##*/} is not installed"; continue; }
  ldd "$installed" >"$work/libraries" 2>&1
  for bad in 'not found' "$repository" "$build" "$torch" "$work/first place"; do
    ! grep -F -- "$bad" "$work/libraries" >&2 || failed "${program##*/} loads from '$bad'"
  done
done

# With root's rights the build and LibTorch are out of sight for all that follows.
alone=()
if unshare --mount true 2>"$work/out"; then
  # shellcheck disable=SC2016
  alone=(unshare --mount bash -c 'mount -t tmpfs none "$1" && mount -t tmpfs none "$2" && exec "${@:3}"' hide
    "$torch" "$build")
  ! "${alone[@]}" "$REST_BIN/rest_train" --version 2>"$work/out" || failed "the build is still in sight"
else
  echo "note: no right to mount, so the build stays in sight; that nothing is loaded from it was seen by ldd alone"
fi

sed -i "/^test_/d" "$experiment"  # one evaluation a policy is enough here
cd "$work" || exit
"${alone[@]}" env -u REST_BIN -u REST_PYTHON bash "$scripts/jobs/run_local.sh" "$experiment" --run run/tiny --ranks 2 \
  --set train.max_updates=40 --set improve.steps=1 --set improve.max_updates=5 >"$work/out" 2>&1 ||
  { cat "$work/out" >&2; failed "run_local.sh of the installed tree"; }
for file in policy/g0-i0/model.safetensors grow/g1/index.h5 improve/bc/g1-i1/model.safetensors metrics; do
  [[ -s $work/run/tiny/$file ]] || failed "the chain made no $file"
done
"${alone[@]}" "$tree/bin/rest_prepare" "$scripts/data/experiments/synthetic.toml" --run run/synthetic >"$work/out" 2>&1 ||
  { cat "$work/out" >&2; failed "the installed experiment"; }
[[ -s $work/run/synthetic/corpus/train.h5 ]] || failed "the installed experiment made no corpus"

if "$python" -c 'import h5py, numpy' 2>"$work/out"; then
  "$python" "$scripts/data/analysis/run_table.py" run/tiny >"$work/table" || failed "the installed run_table.py"
  grep -q g1-i1 "$work/table" || { failed "run_table.py leaves out g1-i1"; cat "$work/table" >&2; }
fi

finish "an installed tree runs from elsewhere"
