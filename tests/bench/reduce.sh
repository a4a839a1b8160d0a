#!/usr/bin/env bash
# The reduction of gradients against MPI_Allreduce, alone and with computation beside it, at 2 and 4 ranks of this host:
# reduce.sh [--rounds N] [--json FILE] [MEGABYTES...], 1, 10, 100 and 400 unless told otherwise.
#
#   tests/bench/reduce.sh --json build/reduce.json
#
# Takes about 2 minutes on two idle cores. REST_BUILD names the build, MPI_OPTIONS more options of mpirun.
# Figure: reproducible_vs_mpi, the time of MPI_Allreduce over ours, 100 MB, 2 ranks.
# shellcheck source=jobs/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/../../jobs/common.sh"
mpi_environment
program=${REST_BUILD:-$rest_root/build/release}/tests/reduce_bench
[[ -x $program ]] || die "$program is missing: cmake --build --preset release --target reduce_bench"

rounds=9
json=
megabytes=()
while (($#)); do
  case $1 in
    --rounds)
      rounds=${2:?--rounds needs a number}
      shift
      ;;
    --json)
      json=${2:?--json needs a file}
      shift
      ;;
    *) megabytes+=("$1") ;;
  esac
  shift
done
((${#megabytes[@]})) || megabytes=(1 10 100 400)

lines=$(mktemp)
trap 'rm -f "$lines"' EXIT
# MPI at its best: copies by system call, which containers may deny, and no yielding of a core that no other rank wants.
unset OMPI_MCA_btl_vader_single_copy_mechanism
for ranks in 2 4; do
  if ((ranks <= $(nproc))); then
    placing=(--bind-to core)
    export OMPI_MCA_mpi_yield_when_idle=0
  else
    placing=(--bind-to none --oversubscribe)
    export OMPI_MCA_mpi_yield_when_idle=1
  fi
  # shellcheck disable=SC2086
  mpirun --quiet "${placing[@]}" -n "$ranks" ${MPI_OPTIONS:-} "$program" "$rounds" \
    "${megabytes[@]}" >>"$lines"
done

python3 - "$lines" "$json" <<'PYTHON'
import json, os, sys

rows = [json.loads(line) for line in open(sys.argv[1])]
print(f"{'MB':>5} {'ranks':>5} {'ours ms':>9} {'MPI ms':>9} {'MPI/ours':>8}   beside computation: ours adds, MPI adds (ms)")
for row in rows:
    row["mpi_over_ours"] = row["mpi"] / row["ours"]
    for which in ("ours", "mpi"):
        row[which + "_added"] = row[which + "_beside"] - row["compute"]
    print(f"{row['megabytes']:>5} {row['ranks']:>5} {1e3 * row['ours']:>9.2f} {1e3 * row['mpi']:>9.2f} "
          f"{row['mpi_over_ours']:>8.2f} {1e3 * row['ours_added']:>34.2f} {1e3 * row['mpi_added']:>9.2f}")
figures = {"cores": os.cpu_count(), "rows": rows}
for row in rows:
    if (row["megabytes"], row["ranks"]) == (100, 2):
        figures["reproducible_vs_mpi"] = row["mpi_over_ours"]
        print(f"reproducible_vs_mpi {row['mpi_over_ours']:.2f}")
if sys.argv[2]:
    with open(sys.argv[2], "w") as out:
        json.dump(figures, out, indent=1)
        out.write("\n")
PYTHON
