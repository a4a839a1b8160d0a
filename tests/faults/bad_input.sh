#!/usr/bin/env bash
# Bad input, damaged files, other options, no room: each ends all ranks within seconds with a message that names the file
# or key, and leaves what was there as it was.
source "$(dirname "${BASH_SOURCE[0]}")/../support/_pipeline.sh"
seconds=${REST_FAULT_SECONDS:-15}

base=$work/base
chain 1 "$base" prepare
cp -r "$base" "$work/prepared"
chain 2 "$base" train grow
cp -r "$base" "$work/unscored"
chain 2 "$base" score

# refuse CASE CODE RANKS PROGRAM RUN PATTERN [ARGUMENT...]: CODE "any" means any but 0 and the time limit's. Every word of
# PATTERN (separated by |) has to be in the output.
refuse() {
  local what=$1 expected=$2 ranks=$3 program=$4 run=$5 words word code=0 begin=$SECONDS
  IFS='|' read -ra words <<<"$6"
  shift 6
  [[ ! -d $run ]] || (cd "$run" && find . -path ./log -prune -o -type f -print0 | xargs -0 -r sha256sum) >"$work/before"
  [[ -d $run ]] || : >"$work/before"
  timeout -k 5 "$seconds" mpirun --oversubscribe --bind-to none --quiet -n "$ranks" "$REST_BIN/rest_$program" "$experiment" \
    --run "$run" "$@" </dev/null >"$work/out" 2>&1 || code=$?
  local problems=()
  case $code in
    0) problems+=("exit code 0") ;;
    124 | 137) problems+=("not ended after $seconds s") ;;
    *) [[ $expected == any || $expected == "$code" ]] || problems+=("exit code $code, not $expected") ;;
  esac
  for word in "${words[@]}"; do
    grep -qF -- "$word" "$work/out" || problems+=("no '$word' in the output")
  done
  ((code < 128)) && grep -qE 'Segmentation|terminate called|Aborted' "$work/out" && problems+=("a crash")
  if [[ -s $work/before ]]; then
    (cd "$run" && sha256sum --quiet -c "$work/before") >"$work/altered" 2>&1 || problems+=("altered: $(grep -v WARNING "$work/altered" | tr '\n' ' ')")
  fi
  ((${#problems[@]} == 0)) && { echo "ok: $what ($((SECONDS - begin)) s)"; return; }
  failed "$what: $(printf '%s; ' "${problems[@]}")"
  sed 's/^/    /' "$work/out" >&2
}

# A copy of the base run, or of $2, in $run.
fresh() {
  run=$work/case
  rm -rf "$run"
  cp -r "${1:-$base}" "$run"
}

# --- the experiment file
fresh
refuse "unknown key" 2 2 train "$run" 'train.leafs|leaves' --set train.leafs=2
refuse "wrong type" 2 2 train "$run" 'train.leaves' --set 'train.leaves="four"'
sed '0,/^leaves = 4/s//leafs = 4/' "$experiment" >"$work/tests/support/unknown.toml"
line=$(grep -n -m 1 leafs "$work/tests/support/unknown.toml" | cut -d: -f1)
experiment=$work/tests/support/unknown.toml refuse "unknown key in the file" 2 2 train "$run" "unknown.toml:$line:|leafs|leaves"
refuse "more ranks than leaves" any 6 train "$work/prepared" 'train.leaves'

# --- text and tokenizer
refuse "missing data file" any 2 prepare "$work/new" 'nowhere.src' --set data.train_source=nowhere.src
head -n 390 "$work/data/synthetic/train.tgt" >"$work/data/synthetic/short.tgt"
refuse "unequal line counts" any 2 prepare "$work/new" 'train.src|short.tgt|600|390' \
  --set "data.train_target=$work/data/synthetic/short.tgt"
refuse "a tokenizer of another vocabulary" any 2 prepare "$work/new" 'tokenizer.model|vocabulary_size' \
  --set "data.tokenizer=$base/tokenizer/tokenizer.model" --set data.vocabulary_size=400
find "$work/new" -name '*.h5' | grep . >&2 && failed "a refused corpus was written"

# --- damaged files
fresh
shard=$run/grow/g1/shard-00003.h5
truncate -s -100 "$shard"
refuse "a truncated shard, improve" any 2 improve "$run" 'shard-00003.h5'
refuse "a truncated shard, score" any 2 score "$run" 'shard-00003.h5' --reward bleu
fresh
size=$(stat -c %s "$shard")
printf '\125\252\125\252' | dd of="$shard" bs=1 seek=$((size / 2)) conv=notrunc status=none
refuse "altered bytes in a shard, improve" any 2 improve "$run" 'shard-00003.h5'
refuse "altered bytes in a shard, score" any 2 score "$run" 'shard-00003.h5' --reward bleu
fresh
printf '\125\252\125\252' | dd of="$run/policy/g0-i0/model.safetensors" bs=1 seek=20000 conv=notrunc status=none
refuse "altered bytes in a policy" any 2 evaluate "$run" 'g0-i0/model.safetensors'

# --- parts that do not belong together
must 1 prepare "$work/other" --set data.vocabulary_size=400
fresh
rm -r "$run/corpus" "$run/tokenizer" "$run/grow"
cp -r "$work/other/corpus" "$work/other/tokenizer" "$run"
refuse "a corpus of another tokenizer, grow" any 2 grow "$run" 'tokenizer'
refuse "a corpus of another tokenizer, evaluate" any 2 evaluate "$run" 'tokenizer'
fresh
rm -r "$run/tokenizer"
cp -r "$work/other/tokenizer" "$run"
refuse "a tokenizer that is not the corpus's, score" any 2 score "$run" 'tokenizer' --reward bleu
refuse "a tokenizer that is not the corpus's, evaluate" any 2 evaluate "$run" 'tokenizer'
fresh
rm -r "$run/grow/g1/rewards"
refuse "no reward column" any 2 improve "$run" 'rewards/chrf|rest_score'
fresh
rm "$run"/grow/g1/rewards/chrf/shard-00002.h5*
refuse "a hole in the reward column" any 2 improve "$run" 'rewards/chrf/shard-00002.h5|rest_score'

# --- other options on the same run
fresh
refuse "other options, prepare" any 2 prepare "$run" 'vocabulary_size|640|400' --set data.vocabulary_size=400
refuse "other options, train" any 2 train "$run" 'learning_rate' --set train.learning_rate=0.5
refuse "other options, grow" any 2 grow "$run" 'temperature|0.8|0.9' --set grow.temperature=0.9
must 2 improve "$run" --step 0
refuse "other options, improve" any 2 improve "$run" 'label_smoothing' --set improve.label_smoothing=0.2 --step 0

# --- nowhere to write: root may write everywhere, but not below a file
touch "$work/file"
refuse "a run directory below a file" any 2 prepare "$work/file/run" "$work/file"
fresh "$work/prepared"
touch "$run/policy"
refuse "a policy folder that is a file" any 2 train "$run" "$run/policy"
fresh
rm -r "$run/grow"
touch "$run/grow"
refuse "a Grow folder that is a file" any 2 grow "$run" "$run/grow"

# --- a full disk, then room again
# full_disk PROGRAM FROM KIB FOLDER: runs on a small file system with KIB free, frees it, runs again.
full_disk() {
  local program=$1 from=$2 free=$3 folder=$4
  mkdir -p "$work/disk"
  mount -t tmpfs -o size=12m tmpfs "$work/disk" 2>/dev/null || { echo "skipped: full disk, $program (no tmpfs may be mounted)"; return; }
  cp -r "$from" "$work/disk/run"
  local left
  left=$(df --output=avail -k "$work/disk" | tail -n 1)
  head -c $(((left - free) * 1024)) /dev/zero >"$work/disk/filler"
  refuse "full disk, $program" any 2 "$program" "$work/disk/run" 'No space left|run/'
  rm "$work/disk/filler"
  must 2 "$program" "$work/disk/run"
  same "$program after a full disk" "$work/disk/run" "$work/unscored" "$folder"
  umount "$work/disk"
}
full_disk train "$work/prepared" 500 policy
cp -r "$base" "$work/trained"
rm -r "$work/trained/grow"
full_disk grow "$work/trained" 150 grow

finish "bad input is refused"
