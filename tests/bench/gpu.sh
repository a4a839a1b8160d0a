#!/usr/bin/env bash
# On a machine with GPUs, their driver and a CUDA toolkit: builds, runs the tests that need a GPU, then the Multi30k
# experiment with one rank a GPU, in float32 and in bfloat16. What is complete is not made again.
#
#   tests/bench/gpu.sh            all of it (data/README.md says how to fetch Multi30k)
#   tests/bench/gpu.sh tests      the tests only
#   tests/bench/gpu.sh grow       sampling alone: candidate tokens a second of random base and big models in bfloat16
# shellcheck source=jobs/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/../../jobs/common.sh"
cd "$rest_root"
mpi_environment
export PATH=$PATH:/usr/local/cuda/bin
command -v nvidia-smi >/dev/null || die "nvidia-smi is missing: this needs a GPU and its driver"
gpus=$(nvidia-smi -L | grep -c '^GPU ')
((gpus > 0)) || die "nvidia-smi lists no GPU"
nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv

timed "set-up" bash jobs/setup.sh
timed "build" build_preset cuda
export REST_BIN=$rest_root/build/cuda/bin REST_DEVICE=cuda

# Random weights and sources; the first Grow step of a fresh run each time, as rest_grow states its rate.
grow_rates() {
  local work=$rest_root/build/cuda/grow name
  mkdir -p "$work"
  printf '[model]\npreset = "base"\n' >"$work/experiment.toml"
  for name in base big; do
    "$rest_python" tests/bench/peers/random_run.py "$work/$name" "$name" --sentences 512 --pieces 24
    "$REST_BIN/rest_grow" "$work/experiment.toml" --run "$work/$name" --device cuda --set grow.precision=bfloat16 \
      --set grow.samples=100 --set grow.max_length=24 --set grow.max_rows=4096 --set grow.sources_per_shard=512 2>&1 |
      tee "$work/$name.log"
  done
  grep -H 'candidate tokens' "$work"/*.log
}
if [[ ${1:-} == grow ]]; then
  timed "sampling" grow_rates
  exit 0
fi

# Skipped tests pass: none may be.
check_gpu_tests() {
  local out=build/cuda/gpu_tests.log
  mpirun --bind-to none --quiet -n "$1" build/cuda/tests/gpu_tests --gtest_filter="$2" | tee "$out"
  ! grep -qE 'SKIPPED|FAILED' "$out"
}
timed "tests on one GPU" check_gpu_tests 1 '*' || die "a test failed, or was skipped"
((gpus < 2)) || timed "the reducer on $gpus GPUs" check_gpu_tests "$gpus" 'CudaReducer*' || die "a test failed, or was skipped"
[[ ${1:-} != tests ]] || exit 0

leaves=(--set "train.leaves=$gpus" --set "improve.leaves=$gpus")
timed "Multi30k, float32" bash jobs/run_local.sh data/experiments/multi30k.toml --ranks "$gpus" --run run/multi30k-gpu "${leaves[@]}"
timed "Multi30k, bfloat16" bash jobs/run_local.sh data/experiments/multi30k.toml --ranks "$gpus" --run run/multi30k-gpu-bf16 \
  "${leaves[@]}" --set train.precision=bfloat16 --set grow.precision=bfloat16 --set improve.precision=bfloat16
for run in run/multi30k-gpu run/multi30k-gpu-bf16; do
  "$rest_python" data/analysis/run_table.py "$run"
  cat "$run/report/stages.tsv"
done
