#!/usr/bin/env bash
# Times sampling against CTranslate2 and Hugging Face `generate` on the same weights, and against the speed of the
# machine's matrix products: grow_peers.sh [OPTIONS], --help lists them.
#
#   tests/bench/grow_peers.sh --quick                          tests the benchmark itself
#   tests/bench/grow_peers.sh --trained run/multi30k --json build/peers/figures.json
#
# Takes about half an hour on two idle cores; --parts chooses.
# shellcheck source=jobs/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/../../jobs/common.sh"
# shellcheck source=tests/bench/peers/common.sh
source "$rest_root/tests/bench/peers/common.sh"
run_peers bench.py "$@"
