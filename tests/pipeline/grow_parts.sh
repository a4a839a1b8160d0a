#!/usr/bin/env bash
# Jobs that sample parts of a Grow step side by side write their own shards and no index; a last one without a part fills
# the gaps and writes it. The bytes are those of one job.
source "$(dirname "${BASH_SOURCE[0]}")/../support/_pipeline.sh"
run=$work/run
shards() { (cd "$run/grow/g1" && compgen -G 'shard-*.h5' | sed 's/shard-0*\([0-9].*\)\.h5/\1/' | sort -n | xargs); }
expect_shards() { [[ $(shards) == "$1" ]] || failed "$2 left the shards $(shards), not $1"; }

chain 2 "$work/one" prepare train
cp -r "$work/one" "$run"
must 2 grow "$work/one"

for part in 4/4 a/b ''; do
  code=0
  rest 1 grow "$run" --part "$part" || code=$?
  ((code == 2)) || { failed "--part '$part': exit code $code, not 2"; cat "$work/out" >&2; }
done
[[ ! -e $run/grow ]] || failed "a refused part made $run/grow"

must 2 grow "$run" --part 1/4
grep -q '4 of 4 shards of part 1 of 4' "$work/out" || { failed "the part is not in the log"; cat "$work/out" >&2; }
expect_shards "3 4 5 6" "part 1/4"
must 1 grow "$run" --part 19/20
expect_shards "3 4 5 6 14" "part 19/20"
must 2 grow "$run" --part 0/100  # of 15 shards: none
for part in 0 2; do  # side by side
  mpirun --oversubscribe --bind-to none --quiet -n 1 "$REST_BIN/rest_grow" "$experiment" --run "$run" --part "$part/3" \
    </dev/null >"$work/out$part" 2>&1 &
done
for _ in 0 2; do wait -n || { failed "a part of three"; cat "$work"/out? >&2; }; done
expect_shards "0 1 2 3 4 5 6 10 11 12 13 14" "parts 0/3 and 2/3"
rm "$run"/grow/g1/shard-00012.h5*  # as a failed task would have
[[ ! -e $run/grow/g1/index.h5 ]] || failed "a part wrote the index"

must 2 grow "$run"
grep -q '4 of 15 shards to sample' "$work/out" || { failed "the last job did not fill the gaps only"; cat "$work/out" >&2; }
same "a Grow step in parts" "$run" "$work/one"
must 1 grow "$run" --part 1/4  # nothing to do
same "a part of a complete Grow step" "$run" "$work/one"

finish "same bytes in parts"
