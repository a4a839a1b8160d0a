#!/usr/bin/env bash
# Times training against Hugging Face with DDP and against a plain PyTorch loop, on the same weights and the same batches
# of real sentences, and against the speed of the machine's matrix products: train_peers.sh [OPTIONS], --help lists them.
#
#   tests/bench/train_peers.sh --quick                         tests the benchmark itself
#   tests/bench/train_peers.sh --data multi30k --json build/peers/training.json
#
# Takes about 45 minutes on two idle cores; data/README.md says how to fetch Multi30k.
# shellcheck source=jobs/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/../../jobs/common.sh"
# shellcheck source=tests/bench/peers/common.sh
source "$rest_root/tests/bench/peers/common.sh"
run_peers train_bench.py "$@"
