#!/usr/bin/env bash
# Rewards: their checks, their agreement with ratings and columns by other programs are the same on any number of ranks; a
# reward that is fooled ends with 1; rating files and programs that cannot be meant are refused in words.
source "$(dirname "${BASH_SOURCE[0]}")/../support/_rewards.sh"
run=$work/run
chain 2 "$run" prepare
report=$run/report

expect 0 'check of chrf|repeat_phrase|40 good translations' 1 check
cp "$report/reward_check.chrf.json" "$work/one"
expect 0 'check of chrf' 3 check
cmp "$work/one" "$report/reward_check.chrf.json" || failed "the check depends on the number of ranks"
expect 0 'check of bleu' 2 check --reward bleu --sentences 20 \
  --bitext "$work/data/synthetic/valid.src" "$work/data/synthetic/valid.tgt"

# Half of each reference: saying it twice is rewarded.
for i in 1 2 3 4 5 6; do
  printf 'source %s x y\tone two %s\t%s\tone two %s one two %s\n' $i $i $((i - 3)) $i $i
done >"$work/halves.tsv"
expect 1 'FAILED: saying a translation twice raises the reward of 100.0 %|rated 0 or better' 2 \
  check --ratings "$work/halves.tsv"
expect 0 'check of chrf' 1 check --ratings "$work/halves.tsv" --good-from -9 --least-fell 0 --most-repeats 1

# Ratings that are the reward's own, two translations a source.
paste "$work/data/synthetic/valid.src" "$work/data/synthetic/valid.tgt" | head -n 30 | awk -F '\t' -v OFS='\t' '
  { print $1, $2, 100, $2; half = substr($2, 1, int(length($2) / 2)); print $1, half, NR, $2 }' >"$work/rated.tsv"
expect 0 'pairwise accuracy     1.0000|60 rated translations of' 1 correlate --ratings "$work/rated.tsv" --resamples 50
cp "$report/reward_correlation.chrf.json" "$work/one"
expect 0 'Kendall tau-b' 3 correlate --ratings "$work/rated.tsv" --resamples 50
cmp "$work/one" "$report/reward_correlation.chrf.json" || failed "the correlation depends on the number of ranks"
(($(wc -l <"$report/reward_correlation.chrf.tsv") == 61)) || failed "the table has not a line a translation"
if "$python" -c 'import h5py, numpy, matplotlib' 2>/dev/null; then
  export MPLBACKEND=Agg MPLCONFIGDIR=$work/tmp
  "$python" "$repository/data/analysis/reward_against_ratings.py" "$run" >"$work/out" 2>&1 ||
    { failed "reward_against_ratings.py"; cat "$work/out" >&2; }
  [[ -s $report/reward_against_ratings.chrf.png ]] || failed "no picture"
else
  echo "the picture is not tested: no matplotlib"
fi

# Refused, by line where there is one.
cut -f 1-3 "$work/rated.tsv" >"$work/no_reference.tsv"
expect 1 'chrf needs references|fourth column' 2 correlate --ratings "$work/no_reference.tsv"
sed '7s/\t100\t/\tnan\t/' "$work/rated.tsv" >"$work/nan.tsv"
expect 1 'nan.tsv:7|"nan"' 2 correlate --ratings "$work/nan.tsv"
sed '4s/\t.*//' "$work/rated.tsv" >"$work/columns.tsv"
expect 1 'columns.tsv:4 has 1 columns' 2 correlate --ratings "$work/columns.tsv"
awk -F '\t' -v OFS='\t' '{ $3 = 5; print }' "$work/rated.tsv" >"$work/same.tsv"
expect 1 'all 60 scores' 2 correlate --ratings "$work/same.tsv"
expect 1 'nowhere.tsv' 2 correlate --ratings "$work/nowhere.tsv"
expect 2 '--ratings' 2 correlate
expect 2 'there is no reward "comet"|chrf, bleu' 2 check --reward comet
expect 1 'rated 500 or better' 2 check --ratings "$work/rated.tsv" --good-from 500
expect 2 'cannot "explain"' 2 explain
"$REST_BIN/rest_reward" --help | grep -q 'correlate' || failed "rest_reward --help"
"$REST_BIN/rest_reward" --version | grep -q '^rest_reward' || failed "rest_reward --version"

# A program as a reward: the same column on any number of ranks; the first copy to be asked dies, once.
chain 2 "$run" train grow
scorers=$repository/data/scorers
cat >"$work/dies_once.sh" <<SH
if mkdir "$work/died" 2>/dev/null; then echo '{"needs_reference": false}'; read -r line; kill -9 \$\$; fi
exec "$python" "$scorers/length_ratio.py"
SH
by_program=(--set reward.name=ratio --set "reward.command=\"sh $work/dies_once.sh\"" --set reward.batch=7)
must 2 score "$run" "${by_program[@]}"
grep -q 'starting it again' "$work/out" || failed "no word of the program that died"
cp -r "$run/grow/g1/rewards/ratio" "$work/columns"
rm -r "$run/grow/g1/rewards/ratio"
must 1 score "$run" "${by_program[@]}"
for column in "$work"/columns/*.h5; do
  cmp "$column" "$run/grow/g1/rewards/ratio/${column##*/}" || failed "a column depends on the number of ranks"
done
must 2 score "$run" "${by_program[@]}"
grep -q 'scoring' "$work/out" && failed "what is complete was scored again"
must 2 score "$run"
# It is optimised, and chrF watched: compared step by step, once, without changing what is trained.
must 2 improve "$run" --variant ratio "${by_program[@]}"
sha256sum "$run"/improve/ratio/g1-i*/model.safetensors >"$work/policies"
must 2 improve "$run" --variant ratio "${by_program[@]}" --set reward.watch=chrf
sha256sum --quiet -c "$work/policies" || failed "watching a reward changed the policies"
(($(grep -c 'chrf, which is watched, went from' "$work/out") == 3)) || failed "not all steps were compared"
(($(find "$run/improve/ratio" -name watch.json | wc -l) == 3)) || failed "a comparison is missing"
cp "$run/improve/ratio/g1-i2/watch.json" "$work/one"
rm "$run"/improve/ratio/g1-i2/watch.json*
must 1 improve "$run" --variant ratio "${by_program[@]}" --set reward.watch=chrf
cmp "$work/one" "$run/improve/ratio/g1-i2/watch.json" || failed "the comparison depends on the number of ranks"
"$REST_BIN/rest_verify" "$run" >"$work/out" 2>&1 || { failed "rest_verify"; cat "$work/out" >&2; }
# Longer is better, and shorter is what is watched: they part at once.
cat >"$work/long.py" <<PYTHON
import sys
sys.path.insert(0, "$scorers")
from scorer import serve
against = sys.argv[1] == "short"
serve(lambda texts: (abs(against - min(1, len(text["candidate"]) / 80)) for text in texts))
PYTHON
by_length=(--set reward.name=long --set "reward.command='$python $work/long.py long'" --set reward.watch=short
  --set "reward.watch_command='$python $work/long.py short'" --set 'improve.thresholds=[0.6, 0.7]'
  --set improve.learning_rate=1e-2)
must 2 score "$run" "${by_length[@]}"
must 2 improve "$run" --variant long "${by_length[@]}" --set improve.stop_when_parted=true
grep -q 'the reward rose while short fell' "$work/out" || failed "no word of rewards that part"
grep -q 'is moot: step 1 raised the reward while short' "$work/out" || failed "a step behind one that parted is trained"
"$REST_BIN/rest_verify" "$run" >"$work/out" 2>&1 || { failed "rest_verify of steps left out"; cat "$work/out" >&2; }
must 2 evaluate "$run" --policy ratio/g1-i1 "${by_program[@]}"
expect 0 'check of ratio' 2 check "${by_program[@]}" --least-fell 0 --most-repeats 1

# Programs that cannot be meant: named, nothing is written, and what was scored stays.
refuse() {
  local words=$1 command=$2 word code=0
  timeout -k 5 60 mpirun --oversubscribe --bind-to none --quiet -n 2 "$REST_BIN/rest_score" "$experiment" \
    --run "$run" --set reward.name=bad --set "reward.command='$command'" --set reward.timeout_seconds=1 \
    --set reward.start_seconds=1 </dev/null >"$work/out" 2>&1 || code=$?
  ((code == 1)) || failed "$command: exit code $code, not 1"
  IFS='|' read -ra words <<<"$words"
  for word in "${words[@]}"; do grep -qF -- "$word" "$work/out" || failed "$command: no '$word' in the output"; done
  [[ -z $(find "$run/grow/g1/rewards/bad" -name '*.h5' 2>/dev/null) ]] || failed "$command: a column was written"
}
ready='echo "{\"needs_reference\": false}"; '
refuse 'before it was ready|exit code 127' 'no_such_program'
refuse 'before it was ready|said nothing for 1 s' 'sleep 50'
refuse 'it said "hello"' 'echo hello'
refuse 'in batch 1|exit code 5, 3 times' "$ready read -r line; exit 5"
refuse 'in batch 1|said nothing for 1 s, 3 times' "$ready sleep 50"
refuse 'in batch 1|it said "{}"' "$ready while read -r line; do echo {}; done"
refuse 'in batch 1|it gave 1 rewards' \
  "$ready read -r line; echo \"{\\\"batch\\\": 1, \\\"rewards\\\": [0.5]}\"; sleep 9"
sleep 2
pgrep -f "$work/dies_once.sh|length_ratio.py" >"$work/left" && failed "programs were left running: $(cat "$work/left")"
finish "rewards are checked, compared with ratings, and come from other programs"
