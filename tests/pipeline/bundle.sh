#!/usr/bin/env bash
# The offline bundle, as far as it goes without a network: what it would collect, and that its installer refuses a bundle
# that is damaged, incomplete or has more in it than it was made with.
source "$(dirname "${BASH_SOURCE[0]}")/../support/_pipeline.sh"

run() {
  code=0
  "$@" </dev/null >"$work/out" 2>&1 || code=$?
}
expect() {  # expect CODE TEXT WHAT
  ((code == $1)) || { failed "$3: exit code $code, not $1"; cat "$work/out" >&2; }
  grep -qF -- "$2" "$work/out" || { failed "$3: does not say '$2'"; cat "$work/out" >&2; }
}

run bash "$repository/jobs/bundle.sh" "$work/new" --dry-run
for need in g++ libopenmpi-dev torch== nvidia-cuda-runtime h5py; do expect 0 "$need" "dry run"; done
! grep -q cublas "$work/out" || failed "CUDA libraries unasked"
run bash "$repository/jobs/bundle.sh" "$work/new" --dry-run --cuda
expect 0 nvidia-cublas "dry run with CUDA"
[[ ! -e $work/new && ! -e $work/new.part ]] || failed "a dry run makes files"
run bash "$repository/jobs/bundle.sh"
expect 2 "no folder given" "no folder"
run bash "$repository/jobs/bundle.sh" "$work"
expect 1 "is there already" "an existing folder"

bundle=$work/bundle
make_bundle() {
  rm -rf "$bundle"
  mkdir -p "$bundle/packages" "$bundle/wheels"
  cp "$repository/jobs/bundle_install.sh" "$bundle/install.sh"
  echo wheel >"$bundle/wheels/a wheel.whl"
  echo package >"$bundle/packages/a.deb"
  (cd "$bundle" && find . -type f ! -name SHA256SUMS | LC_ALL=C sort | xargs -d '\n' sha256sum >"$work/sums")
  mv "$work/sums" "$bundle/SHA256SUMS"
}
make_bundle
run bash "$bundle/install.sh" --check
expect 0 "bundle verified" "a good bundle"
for damage in "echo X >>'$bundle/wheels/a wheel.whl'" "rm '$bundle/packages/a.deb'" "echo more >'$bundle/wheels/more.whl'" \
  "rm '$bundle/SHA256SUMS'"; do
  make_bundle
  eval "$damage"
  run bash "$bundle/install.sh" "$work/target"
  expect 1 "differs from its SHA256SUMS" "after $damage"
  [[ ! -e $work/target ]] || failed "after $damage: installs all the same"
done

# setup.sh takes nothing but a bundle for one.
mkdir -p "$work/clone"
cp -r "$repository/jobs" "$repository/CMakeLists.txt" "$work/clone"
mkdir -p "$work/clone/data/analysis"
cd "$work" || exit
for named in "$bundle" bundle target; do
  run env REST_BUNDLE="$named" bash "$work/clone/jobs/setup.sh"
  expect 1 "REST_BUNDLE=$work/${named##*/} holds no packages/Packages" "REST_BUNDLE=$named"
done

finish "the bundle says what it holds and refuses what it was not made with"
