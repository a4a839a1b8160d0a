#!/usr/bin/env bash
# A learned reward: candidates labelled by a reference, training that is the same on any number of ranks and after a kill,
# a column and an Improve step by it with the reference watched; combined with another; moved to another run; what cannot
# be meant is refused in words.
source "$(dirname "${BASH_SOURCE[0]}")/../support/_rewards.sh"
run=$work/run
chain 2 "$run" prepare train grow
learning=(--set "reward_model.ratings=[\"$run/ratings/chrf.tsv\"]" --set reward_model.normalise=none
  --set reward_model.tokens_per_update=512 --set reward_model.max_updates=40 --set reward_model.warmup_updates=5
  --set reward_model.learning_rate=5e-3 --set reward_model.validate_every=20 --set reward_model.checkpoint_every=10
  --set reward_model.folds=4)

# Labelled candidates are the same on any number of ranks, and made once.
expect 0 'candidates of 40 sources, mean chrf' 2 label --samples 6
cp "$run/ratings/chrf.tsv" "$work/one"
expect 0 'is complete' 1 label --samples 6
rm "$run"/ratings/*
expect 0 'candidates of 40 sources' 1 label --samples 6
cmp "$work/one" "$run/ratings/chrf.tsv" || failed "labels depend on the number of ranks"
(($(awk -F '\t' 'NF != 4 || $3 < 0 || $3 > 1' "$run/ratings/chrf.tsv" | wc -l) == 0)) || failed "labels are no ratings"

# An ensemble, killed on the way, is the one that was trained without a stop on another number of ranks.
two=(--name two "${learning[@]}" --set reward_model.members=2)
expect 0 'member 1: complete|Spearman|spread tells spoiled from good|by quantile|reward.name = "two"' 1 train "${two[@]}"
cp -r "$run/reward/two" "$work/two"
rm -r "$run/reward/two"
mpirun --oversubscribe --bind-to none --quiet -n 2 "$REST_BIN/rest_reward" train "$experiment" --run "$run" "${two[@]}" \
  </dev/null >"$work/out" 2>&1 &
for ((i = 0; i < 600; ++i)); do
  [[ -e $run/reward/two/member-0/checkpoints/update-00000010.commit.json ]] && break
  sleep 0.05
done
pkill -KILL -f "rest_reward train $experiment --run $run"
wait
[[ ! -e $run/reward/two/reward.json ]] || failed "it was through before the kill"
expect 0 'goes on from the checkpoint|reward.name = "two"' 2 train "${two[@]}"
for file in member-0/model.safetensors member-1/model.safetensors reward.json; do
  cmp "$work/two/$file" "$run/reward/two/$file" || failed "$file depends on the number of ranks, or on a kill"
done
expect 0 'is complete' 1 train "${two[@]}"
expect 1 'reward_model.ranking is 1.0 there, 0.5 asked for' 2 train "${two[@]}" --set reward_model.ranking=0.5
expect 0 'candidates of 40 sources|reward.name = "anew"' 2 train --name anew "${learning[@]}" --corpus valid --samples 6
cmp <(cut -f 1-3 "$run/ratings/anew.tsv") <(cut -f 1-3 "$run/ratings/chrf.tsv") || failed "train labels otherwise"
expect 0 'is complete' 1 train --name anew "${learning[@]}" --corpus valid --samples 6
expect 0 'joint|reward.name = "joint"' 2 train --name joint "${learning[@]}" --set reward_model.architecture=joint

# It is checked, kinds that it never saw apart, and held against ratings without a reference.
lenient=(--least-fell 0 --least-fell-unseen 0 --most-repeats 1)
expect 0 'trained to notice|never saw in training|drop_words' 2 check --reward two "${lenient[@]}"
cp "$run/report/reward_check.two.json" "$work/one"
expect 0 'trained to notice' 1 check --reward two "${lenient[@]}"
cmp "$work/one" "$run/report/reward_check.two.json" || failed "the check depends on the number of ranks"
cut -f 1-3 "$run/ratings/chrf.tsv" >"$work/rated.tsv"
expect 0 'Spearman|pairwise accuracy' 2 correlate --reward two --ratings "$work/rated.tsv" --resamples 50

# A column by it, the same on any number of ranks; optimised, with chrF watched.
must 2 score "$run" --reward two
cp -r "$run/grow/g1/rewards/two" "$work/columns"
rm -r "$run/grow/g1/rewards/two"
must 1 score "$run" --reward two
for column in "$work"/columns/*.h5; do
  cmp "$column" "$run/grow/g1/rewards/two/${column##*/}" || failed "a column depends on the number of ranks"
done
must 2 improve "$run" --variant two --set reward.name=two --set reward.watch=chrf
grep -q 'chrf, which is watched, went from' "$work/out" || failed "nothing was watched"
must 2 evaluate "$run" --policy two/g1-i1 --set reward.name=two
# With another one, and careful where its members differ.
both=(--set reward.name=both --set 'reward.of=["two", "chrf"]' --set reward.combine=min --set reward.spread_penalty=1)
must 2 score "$run" "${both[@]}"
must 1 score "$run" --reward chrf
if "$python" -c 'import h5py, numpy' 2>/dev/null; then
  "$python" - "$run/grow/g1/rewards" <<'PYTHON' || failed "the least of two is above one of them"
import glob, sys, h5py
for file in glob.glob(sys.argv[1] + "/both/*.h5"):
    columns = {name: h5py.File(file.replace("/both/", f"/{name}/"))["reward"][:] for name in ("two", "chrf", "both")}
    assert (columns["both"] <= columns["chrf"] + 1e-6).all() and (columns["both"] <= columns["two"] + 1e-6).all()
    assert (columns["both"] < columns["two"] - 1e-6).any()
PYTHON
fi
"$REST_BIN/rest_verify" "$run" >"$work/out" 2>&1 || { failed "rest_verify"; cat "$work/out" >&2; }

# All that it needs is in its folder: another run, with another tokenizer, uses a copy.
other=$work/other
rest 1 prepare "$other" --set data.vocabulary_size=400 || failed "rest_prepare"
mkdir -p "$other/reward"
cp -r "$run/reward/two" "$other/reward/"
cp "$run/report/reward_check.two.json" "$work/one"
mpirun --oversubscribe --bind-to none --quiet -n 2 "$REST_BIN/rest_reward" check "$experiment" --run "$other" \
  --reward two --least-fell 0 --least-fell-unseen 0 --most-repeats 1 </dev/null >"$work/out" 2>&1 || failed "moved"
cmp <(sed 's/.*translations": .*//' "$work/one") <(sed 's/.*translations": .*//' "$other/report/reward_check.two.json") ||
  failed "it judges otherwise in another run"

# The whole chain learns it by itself, and goes on.
chain=(bash "$repository/jobs/run_local.sh" "$experiment" --run "$work/chain" --ranks 2 --learn-from valid --set
  reward.name=mine --set reward.watch=chrf --set improve.steps=1 --set 'improve.thresholds=[0.0]' "${learning[@]:2}")
"${chain[@]}" >"$work/out" 2>&1 || { failed "jobs/run_local.sh"; tail -n 30 "$work/out" >&2; }
for made in reward/mine/reward.json grow/g1/rewards/mine/shard-00000.h5 improve/bc/g1-i1/model.safetensors; do
  [[ -e $work/chain/$made ]] || failed "the chain made no $made"
done
grep -q '== learn a reward: rest_reward train' "$work/out" || failed "no stage learned it"
"${chain[@]}" >"$work/out" 2>&1 || { failed "jobs/run_local.sh a second time"; tail -n 30 "$work/out" >&2; }

# Refused.
expect 2 'names no file|rest_reward label' 2 train --name bare
expect 1 'nowhere.tsv' 2 train --set 'reward_model.ratings=["nowhere.tsv"]'
awk -F '\t' -v OFS='\t' '{ $3 = NR == 1 ? 2 : 1; print }' "$work/rated.tsv" >"$work/one_class.tsv"
expect 1 'nearly all scores' 2 train --set "reward_model.ratings=[\"$work/one_class.tsv\"]"
awk -F '\t' -v OFS='\t' '{ $3 *= 100; print }' "$work/rated.tsv" >"$work/hundred.tsv"
expect 1 'rewards lie in [0, 1]|normalise' 2 train "${learning[@]}" --set "reward_model.ratings=[\"$work/hundred.tsv\"]"
expect 2 'no way to spoil|wrong_source' 2 train "${learning[@]}" --set 'reward_model.augment=["sing"]'
expect 2 'is built in' 2 train --name chrf "${learning[@]}"
expect 2 'cannot be a folder' 2 train --name ../up "${learning[@]}"
expect 2 'policy "g7-i7" is not in run' 2 train --name x "${learning[@]}" --set reward_model.start=g7-i7
expect 2 'has learned anew, joint, two' 2 check --reward comet
expect 2 'has one member' 2 check --reward joint --set reward.spread_penalty=1
must 2 evaluate "$run" --policy g0-i0 --set reward.name=two
expect 2 'cannot be a folder' 2 check --reward ../two
rest 2 improve "$run" --variant other --set reward.name=two --set reward.spread_penalty=1 &&
  failed "a column by another reward of this name was taken"
grep -q 'was made by another reward of this name' "$work/out" || { failed "no word of it"; cat "$work/out" >&2; }
printf 'x' | dd of="$run/reward/two/member-1/model.safetensors" bs=1 seek=2000 conv=notrunc 2>/dev/null
expect 1 'two/member-1/model.safetensors' 2 check --reward two
"$REST_BIN/rest_verify" "$run" >"$work/out" 2>&1 && failed "rest_verify saw no damage"
grep -q 'reward/two/member-1/model.safetensors' "$work/out" || failed "rest_verify does not name the damage"
"$REST_BIN/rest_verify" "$run" --repair >"$work/out" 2>&1
expect 0 'member 1: complete' 1 train "${two[@]}"
cmp "$work/two/member-1/model.safetensors" "$run/reward/two/member-1/model.safetensors" ||
  failed "a member that was made again is another"
"$REST_BIN/rest_verify" "$run" >"$work/out" 2>&1 || { failed "rest_verify behind a repair"; cat "$work/out" >&2; }
cp "$run"/reward/joint/tokenizer.model* "$run/reward/two/"
cp "$run"/reward/joint/member-0/model.safetensors* "$run/reward/two/member-0/"
expect 1 'was made of other members' 2 check --reward two
finish "a reward is learned from labelled candidates, checked, used and moved"
