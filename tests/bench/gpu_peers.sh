#!/usr/bin/env bash
# On a machine with a GPU: times sampling and training on one against Hugging Face and CTranslate2, and against the GPU's
# matrix products: gpu_peers.sh --data multi30k [OPTIONS], --help lists them. Needs the programs of preset cuda:
# tests/bench/gpu.sh tests builds them.
# shellcheck source=jobs/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/../../jobs/common.sh"
command -v nvidia-smi >/dev/null || die "nvidia-smi is missing: this needs a GPU and its driver"
: "${REST_BIN:=$rest_root/build/cuda/bin}"
# shellcheck source=tests/bench/peers/common.sh
source "$rest_root/tests/bench/peers/common.sh"
run_peers gpu_bench.py "$@"
