#!/usr/bin/env bash
# What jobs/submit.sh would submit, without a Slurm: which stages wait for which, with what options; and what it and the
# job scripts refuse.
source "$(dirname "${BASH_SOURCE[0]}")/../support/_pipeline.sh"
submit() { bash "$repository/jobs/submit.sh" "$@" >"$work/out" 2>"$work/errors"; }
# Of the output: job name, dependency and array of each job.
plan() {
  sed -E 's/.*--job-name=rest-([^ ]*)( .*--array=([^ ]*))?( .*--dependency=([^ ]*))? .*/\1:\5:\3/; s/\\//g' "$work/out"
}
cd "$work" || exit 1

cat >"$work/site.sh" <<'SITE'
source "$REST_REPOSITORY/jobs/site.sh"
site_ranks[grow]=7 site_threads[grow]=3 site_time[grow]=0:20:00 site_sbatch[grow]="--mem-per-cpu=3G --exclusive"
site_notice=77
SITE
export REST_SITE=$work/site.sh REST_REPOSITORY=$repository

submit "$experiment" --dry-run || failed "a dry run: $(<"$work/errors")"
diff <(plan) - <<'PLAN' >&2 || failed "the plan of one Grow step"
prepare::
train:afterok:prepare:
grow-g1:afterok:train:
score-g1:afterok:grow-g1:
improve-bc-g1:afterok:score-g1:
evaluate-bc:afterok:improve-bc-g1:
PLAN
grep 'job-name=rest-grow-g1 ' "$work/out" >"$work/grow"
for word in --ntasks=7 --cpus-per-task=3 --time=0:20:00 --mem-per-cpu=3G --exclusive --signal=B:USR1@77 \
  --kill-on-invalid-dep=yes "--output=run/tiny/log/slurm/%x-%j.out" "--run run/tiny"; do
  grep -q -- " $word " "$work/grow" || failed "no $word in $(<"$work/grow")"
done
[[ ! -e run ]] || failed "a dry run makes a run directory"

submit "$experiment" other --run x --array 3 --step-jobs --set improve.grow_step=2 --set improve.steps=1 \
  --set train.seed=5 --dry-run || failed "a dry run of two Grow steps: $(<"$work/errors")"
diff <(plan) - <<'PLAN' >&2 || failed "the plan of two Grow steps"
prepare::
train:afterok:prepare:
grow-g1-array:afterok:train:0-2
grow-g1:afterok:train,afterany:grow-g1-array:
score-g1:afterok:grow-g1:
improve-other-g1-i0:afterok:score-g1:
improve-other-g1-i1:afterok:improve-other-g1-i0:
grow-g2-array:afterok:improve-other-g1-i1:0-2
grow-g2:afterok:improve-other-g1-i1,afterany:grow-g2-array:
score-g2:afterok:grow-g2:
improve-other-g2-i0:afterok:score-g2:
improve-other-g2-i1:afterok:improve-other-g2-i0:
evaluate-other:afterok:improve-other-g2-i1:
PLAN
# What variants share is submitted alike for all of them.
grep -E 'rest-(prepare|train|grow-g1|score)' "$work/out" | grep -E 'improve\.|other' >&2 &&
  failed "a shared stage knows the variant"
grep 'rest-improve' "$work/out" | grep -vE -- '--set improve.steps=1 --set train.seed=5 .*--variant other --step [01]' >&2 &&
  failed "an Improve step lacks its options"

# A reward that is not built in is learned before the first column, beside sampling.
learned=(--run x --set reward.name=mine --set reward.watch=chrf --set improve.grow_step=2)
submit "$experiment" "${learned[@]}" --learn-from valid --dry-run || failed "a learned reward: $(<"$work/errors")"
diff <(plan) - <<'PLAN' >&2 || failed "the plan of a learned reward"
prepare::
train:afterok:prepare:
reward-mine:afterok:train:
grow-g1:afterok:train:
score-g1:afterok:grow-g1:reward-mine:
improve-bc-g1:afterok:score-g1:
grow-g2:afterok:improve-bc-g1:
score-g2:afterok:grow-g2:reward-mine:
improve-bc-g2:afterok:score-g2:
evaluate-bc:afterok:improve-bc-g2:
PLAN
grep 'rest-reward' "$work/out" | grep -q -- '/jobs/reward.slurm .* --name mine --corpus valid *$' ||
  failed "how the reward is learned: $(grep rest-reward "$work/out")"
submit "$experiment" "${learned[@]}" --set 'reward_model.ratings=["rated.tsv"]' --dry-run ||
  failed "a reward learned from ratings: $(<"$work/errors")"
grep 'rest-reward' "$work/out" | grep -q -- ' --name mine *$' || failed "it is not learned from ratings alone"
mkdir -p x/reward/mine && touch x/reward/mine/reward.json.commit.json
submit "$experiment" "${learned[@]}" --dry-run || failed "a reward of the run: $(<"$work/errors")"
grep -q 'rest-reward' "$work/out" && failed "what is learned already is to be learned"
submit "$experiment" "${learned[@]}" --learn-from valid --set 'reward_model.ratings=["rated.tsv"]' --dry-run ||
  failed "a reward of the run, again: $(<"$work/errors")"
grep -q 'rest-reward' "$work/out" && failed "what is learned already is to be learned anew"
submit "$experiment" --run x --set reward.name=made --set reward.command=true --dry-run ||
  failed "a program: $(<"$work/errors")"
grep -q 'rest-reward' "$work/out" && failed "a program is to be learned"

# refuse CODE WORD ARGUMENT...
refuse() {
  local expected=$1 word=$2 code=0
  shift 2
  "$@" >"$work/out" 2>"$work/errors" </dev/null || code=$?
  ((code == expected)) || failed "exit code $code, not $expected, of $*: $(<"$work/errors")"
  grep -q -- "$word" "$work/errors" || failed "no '$word' said of $*: $(<"$work/errors")"
}
submit=(bash "$repository/jobs/submit.sh")
refuse 2 'no experiment' "${submit[@]}"
refuse 2 'cannot read' "${submit[@]}" nowhere.toml
refuse 2 '--array 0' "${submit[@]}" "$experiment" --array 0
refuse 2 '--array' "${submit[@]}" "$experiment" --array
refuse 2 '--frob' "${submit[@]}" "$experiment" --frob
refuse 2 'variant' "${submit[@]}" "$experiment" one two
refuse 2 '--learn-from test' "${submit[@]}" "$experiment" --learn-from test
refuse 1 'neither built in' "${submit[@]}" "$experiment" --set reward.name=other --dry-run
refuse 1 'watched reward "other"' "${submit[@]}" "$experiment" --set reward.watch=other --learn-from valid \
  --set reward.name=one --dry-run
refuse 1 'no reward to learn' "${submit[@]}" "$experiment" --learn-from valid --dry-run
submit "$experiment" --set reward.name=ab --set 'reward.of=["a", "chrf", "a"]' --learn-from valid --dry-run ||
  failed "the same one twice: $(<"$work/errors")"
echo 'unset "site_ranks[reward]"' >>"$work/site.sh"
refuse 1 'lacks \[reward\]' "${submit[@]}" "$experiment" --set reward.name=a --learn-from valid --dry-run
refuse 1 'a b are not in' "${submit[@]}" "$experiment" --set reward.name=ab \
  --set 'reward.of=["a", "chrf", "b"]' --learn-from valid --dry-run
refuse 2 'leafs' "${submit[@]}" "$experiment" --set train.leafs=3 --dry-run
refuse 1 'site file' env REST_SITE=/nowhere/site.sh "${submit[@]}" "$experiment" --dry-run
refuse 2 'submit it with sbatch' env -u SLURM_JOB_ID REST_HOME="$repository" bash "$repository/jobs/grow.slurm" \
  "$experiment"
refuse 2 'REST_HOME' env REST_HOME=/nowhere bash "$repository/jobs/grow.slurm" "$experiment"

finish "the chain is submitted as it should be"
