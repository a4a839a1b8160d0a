#!/usr/bin/env bash
# How long from USR1 to the end of all ranks, in every phase, on a model of preset mini: signal_latency.sh [REPETITIONS]
# Reports p50 and maximum in milliseconds and the exit codes. REST_BIN names the programs, REST_RANKS how many ranks,
# REST_PHASES some of the phases.
: "${REST_BIN:=$(dirname "${BASH_SOURCE[0]}")/../../build/release/bin}"
source "$(dirname "${BASH_SOURCE[0]}")/../support/_pipeline.sh"
source "$repository/tests/support/_signals.sh"
repetitions=${1:-20}

cp "$repository"/data/synthetic/*.src "$repository"/data/synthetic/*.tgt "$work/data/synthetic"
sed -i -e '/^hidden\|^feed_forward\|^heads\|^encoder_layers\|^decoder_layers/d' \
  -e 's/^tokens_per_update = 1024/tokens_per_update = 4096/' -e 's/^max_updates = 120/max_updates = 30/' "$experiment"
base=$work/base
chain "$ranks" "$base" prepare train grow score
sed -i -e 's/^max_updates = .*/max_updates = 100000/' -e 's/^samples = 4/samples = 100/' \
  -e 's/^\(evaluate_\)*samples = 2/\1samples = 100/' "$experiment"

echo "$(env -u OMP_NUM_THREADS nproc) cores, $ranks ranks, preset mini, $repetitions signals a phase"
printf '%-10s %8s %8s %8s   %s\n' phase signals 'p50 ms' 'max ms' 'exit codes'
for name in ${REST_PHASES:-load prepare train validate save grow score improve evaluate}; do
  latencies=() codes=()
  for ((i = 0; i < repetitions; ++i)); do
    case $name in
      score) most=500 ;;
      load) most=1500 ;;
      *) most=3000 ;;
    esac
    stop_once "$name" "$(printf '%d.%03d' $((most = RANDOM % most, most / 1000)) $((most % 1000)))"
    [[ -n $latency ]] || continue
    latencies+=("$latency")
    codes+=("$code")
  done
  sorted=$(printf '%s\n' "${latencies[@]:-0}" | sort -n)
  printf '%-10s %8d %8d %8d   %s\n' "$name" "${#latencies[@]}" \
    "$(sed -n "$(((${#latencies[@]} + 1) / 2 > 0 ? (${#latencies[@]} + 1) / 2 : 1))p" <<<"$sorted")" "$(tail -n 1 <<<"$sorted")" \
    "$(printf '%s\n' "${codes[@]:-none}" | sort | uniq -c | awk '{ printf "%s x %s  ", $1, $2 }')"
done
