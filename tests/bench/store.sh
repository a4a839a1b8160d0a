#!/usr/bin/env bash
# Times writing, reading, filtering and percentiles of a synthetic scored Grow step, against the disk itself and against
# h5py and Parquet (pyarrow) doing the same: store.sh [OPTIONS], --help lists them. The peers come from PyPI into
# WORK/venv; the step is removed afterwards.
#
#   tests/bench/store.sh --quick                          tests the benchmark itself
#   tests/bench/store.sh --json build/store/figures.json
#
# 50 million candidates take about five minutes on two idle cores and 3 GB of disk. STORE_RATES names the program,
# PEERS_PYTHON a Python that has the packages.
# shellcheck source=jobs/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/../../jobs/common.sh"
: "${STORE_RATES:=$rest_root/build/release/tests/store_rates}"
[[ -x $STORE_RATES ]] || die "no $STORE_RATES; build it (ninja -C build/release store_rates), or name it in STORE_RATES"

work=$rest_root/build/store
wheels=(h5py numpy pyarrow)

install_peers() {
  local stamp=$work/venv/peers.stamp
  if [[ -f $stamp && $(<"$stamp") == "${wheels[*]}" ]]; then return 0; fi
  say "installing the peers into $work/venv"
  rm -rf "$work/venv"
  mkdir -p "$work"
  python3 -m venv "$work/venv"
  "$work/venv/bin/python3" -m pip install --quiet --disable-pip-version-check --retries 10 "${wheels[@]}"
  echo "${wheels[*]}" >"$stamp"
}

if [[ -z ${PEERS_PYTHON:-} ]]; then
  install_peers
  PEERS_PYTHON=$work/venv/bin/python3
fi
exec "$PEERS_PYTHON" "$rest_root/tests/bench/store/bench.py" --program "$STORE_RATES" --work "$work/step" "$@"
