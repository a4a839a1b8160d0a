#!/usr/bin/env bash
# USR1 in every phase of every program: all ranks end within 10 s with exit code 75 (or 0, when it was just done).
source "$(dirname "${BASH_SOURCE[0]}")/../support/_pipeline.sh"
source "$repository/tests/support/_signals.sh"
base=$work/base
chain 2 "$base" prepare train grow score
# More than seconds of work from here on.
sed -i -e 's/^max_updates = 120/max_updates = 100000/' -e 's/^samples = 4/samples = 500/' \
  -e 's/^\(evaluate_\)*samples = 2/\1samples = 500/' "$experiment"

for name in load prepare train validate save grow score improve evaluate; do
  slowest=0
  for after in 0 0.4; do
    [[ $name != load ]] || after=0.$((RANDOM % 4 + 3))
    stop_once "$name" "$after"
    if ((code != 75 && code != 0)); then
      failed "USR1 in $name after $after s: exit code $code"
      cat "$work/out" >&2
    fi
    ((${latency:-0} < 10000)) || failed "USR1 in $name after $after s: ended $latency ms later"
    ((${latency:-0} <= slowest)) || slowest=$latency
  done
  echo "$name: at most $slowest ms, exit code $code"
done

finish "every program ends soon after a signal"
