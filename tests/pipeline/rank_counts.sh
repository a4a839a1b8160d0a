#!/usr/bin/env bash
# The whole chain gives the same bytes at 1, 2, 3 and 4 ranks, and training that goes on with other rank counts too.
source "$(dirname "${BASH_SOURCE[0]}")/../support/_pipeline.sh"

for ranks in 1 2 3 4; do
  chain "$ranks" "$work/run$ranks" prepare train grow score improve
  ((ranks == 1)) || same "$ranks ranks" "$work/run$ranks" "$work/run1"
done
for file in corpus/train.h5 policy/g0-i0/model.safetensors policy/g0-i0/metrics.jsonl grow/g1/shard-00007.h5 \
  grow/g1/rewards/chrf/shard-00007.h5 improve/bc/g1-i2/model.safetensors improve/bc/g1-i2/metrics.jsonl; do
  [[ -s $work/run1/$file ]] || failed "the chain makes no $file"
done

# 1 rank, stopped, 2 ranks, stopped, 4 ranks to the end.
chain 1 "$work/changing" prepare
for ranks in 1 2; do
  start "$ranks" train "$work/changing"
  progress "$work/changing" 1
  kill -USR1 "$child"
  code=0
  wait "$child" || code=$?
  ((code == 75)) || { failed "train on $ranks ranks: exit code $code after USR1, not 75"; cat "$work/out" >&2; }
done
[[ ! -e $work/changing/policy/g0-i0/model.safetensors ]] || failed "train was not stopped before its end"
chain 4 "$work/changing" train
same "training on 1, 2, 4 ranks" "$work/changing" "$work/run1" corpus policy

# A model of several buckets whose optimizer is sharded now and then: 3 ranks, 2 without, 1, 4 ranks.
buckets=(--set model.hidden=96 --set train.average_decay=0.9 --set train.precision=bfloat16 --set train.max_updates=80)
chain 1 "$work/whole" prepare
cp -r "$work/whole" "$work/sharded"
must 1 train "$work/whole" "${buckets[@]}"
for ranks in 3 2 1; do
  sharded=$([[ $ranks == 2 ]] && echo false || echo true)
  start "$ranks" train "$work/sharded" "${buckets[@]}" --set "train.shard_optimizer=$sharded"
  progress "$work/sharded" 1
  kill -USR1 "$child"
  code=0
  wait "$child" || code=$?
  ((code == 75)) || { failed "sharded train on $ranks ranks: exit code $code after USR1, not 75"; cat "$work/out" >&2; }
done
must 4 train "$work/sharded" "${buckets[@]}" --set train.shard_optimizer=true
same "a sharded optimizer" "$work/sharded" "$work/whole" policy

finish "same bytes at 1, 2, 3 and 4 ranks"
