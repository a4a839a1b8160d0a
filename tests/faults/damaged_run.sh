#!/usr/bin/env bash
# Every kind of damage to a run is named by rest_verify; after --repair the programs of the chain make it again with the
# same bytes. rest_status says at each stage where a run stands. Neither writes unless asked to.
source "$(dirname "${BASH_SOURCE[0]}")/../support/_pipeline.sh"
ranks=2
reference=$work/reference

tree() { (cd "$1" && find . -type f -print0 | LC_ALL=C sort -z | xargs -0 -r sha256sum); }

# says WHAT RUN PATTERN...: rest_status succeeds, writes nothing, and prints every pattern.
says() {
  local what=$1 run=$2 pattern code=0
  shift 2
  tree "$run" >"$work/before"
  "$REST_BIN/rest_status" "$run" >"$work/status" 2>&1 || code=$?
  ((code == 0)) || failed "status, $what: exit code $code"
  tree "$run" | cmp -s - "$work/before" || failed "status, $what: it writes into the run"
  for pattern in "$@"; do
    grep -qE -- "$pattern" "$work/status" || { failed "status, $what: no '$pattern'"; cat "$work/status" >&2; }
  done
  "$REST_BIN/rest_status" "$run" --json | "$python" -c 'import json, sys; json.load(sys.stdin)' ||
    failed "status, $what: --json is no JSON"
}

# --- rest_status at every stage, on the way to the reference
mkdir "$reference"
says "an empty run" "$reference" 'prepare +- ' 'rest_prepare EXPERIMENT.toml --run'
must 1 prepare "$reference"
says "prepared" "$reference" 'prepare +complete +test 40, train 600, valid 40 sentences' 'train +- ' 'rest_train .*experiment.toml --run'
must $ranks train "$reference"
says "trained" "$reference" 'train +complete' 'grow g1 +- +0 of 15 shards' 'rest_grow .*--grow-step 1' 'g0-i0 +bitext'
start $ranks grow "$reference"
progress "$reference" 4
kill_all
says "half-grown" "$reference" 'grow g1 +partly +[0-9]+ of 15 shards' 'rest_grow .*--grow-step 1'
must $ranks grow "$reference"
says "grown" "$reference" 'grow g1 +complete +15 of 15' 'score g1 +- ' 'rest_score .*--grow-step 1'
must $ranks score "$reference"
says "scored" "$reference" 'score g1 +complete +chrf: 15 of 15' 'rest_improve .*--grow-step 1 --variant bc'
must $ranks improve "$reference" --step 0
says "partly improved" "$reference" 'improve g1 +partly +bc: 1 of 3 steps' 'bc/g1-i0 +all +[0-9.]+ %' 'rest_improve'
must $ranks improve "$reference"
says "improved" "$reference" 'improve g1 +complete +bc: 3 of 3 steps, best ' 'bc/g1-i2 +R > 0.2' 'rest_evaluate .*--policy g0-i0 --corpus valid'
must $ranks evaluate "$reference" --policy g0-i0
must $ranks evaluate "$reference" --policy bc/g1-i2
says "partly evaluated" "$reference" 'evaluate +partly +2 of 8' "disk +[0-9.]+ [KM]iB"
"$REST_BIN/rest_status" "$work/tests" >"$work/out" 2>&1 && failed "a folder that is no run has a status"
"$REST_BIN/rest_status" "$work/nowhere" >"$work/out" 2>&1 && failed "a folder that is not there has a status"

# verify RUN CODE [OPTION...]: output in $work/out.
verify() {
  local run=$1 expected=$2 code=0
  shift 2
  "$REST_BIN/rest_verify" "$run" "$@" >"$work/out" 2>&1 || code=$?
  ((code == expected)) || { failed "rest_verify $* gives $code, not $expected"; cat "$work/out" >&2; }
}

# h5 FILE CODE: alters an HDF5 file and makes its commit record fit again, so that only the content is wrong.
h5() {
  "$python" - "$1" "$2" <<'PYTHON'
import hashlib, json, os, sys
import h5py, numpy as np
path, code = sys.argv[1:]
with h5py.File(path, "r+") as h:
    exec(code)
record = json.load(open(path + ".commit.json"))
record.update(bytes=os.path.getsize(path), sha256=hashlib.sha256(open(path, "rb").read()).hexdigest())
json.dump(record, open(path + ".commit.json", "w"))
PYTHON
}

# record FILE CODE: alters the commit record r of a file.
record() {
  "$python" - "$1.commit.json" "$2" <<'PYTHON'
import json, sys
path, code = sys.argv[1:]
r = json.load(open(path))
exec(code)
json.dump(r, open(path, "w"))
PYTHON
}

flip() { printf '\125\252\125\252' | dd of="$1" bs=1 seek=$(($(stat -c %s "$1") / 2)) conv=notrunc status=none; }

# The whole of the chain, as it was for the reference; complete parts take no time.
again() {
  must 1 prepare "$1"
  chain $ranks "$1" train grow score improve
  must $ranks evaluate "$1" --policy g0-i0
  must $ranks evaluate "$1" --policy bc/g1-i2
}

verify "$reference" 0
grep -q 'nothing wrong' "$work/out" || failed "the reference is not clean"

# damaged WHAT: expects the paths in $named (each with a part of its line behind a |) from rest_verify on $run, repairs,
# makes again, compares.
damaged() {
  local what=$1 one path words left begin=$SECONDS
  verify "$run" 1
  for one in "${named[@]}"; do
    path=${one%%|*} words=${one#*|}
    grep -F -- "$path " "$work/out" | grep -qF -- "$words" || { failed "$what: '$path ... $words' is not named"; cat "$work/out" >&2; }
  done
  left=$(grep -cE '^[a-z]+[/.].* (is|has|no longer) ' "$work/out")
  ((left == ${#named[@]})) || { failed "$what: $left findings, not ${#named[@]}"; cat "$work/out" >&2; }
  verify "$run" 0 --repair
  again "$run"
  rm -rf "$run/damaged"
  verify "$run" 0
  same "$what" "$run" "$reference"
  echo "ok: $what ($((SECONDS - begin)) s)"
}
fresh() {
  run=$work/case
  rm -rf "$run"
  cp -r "$reference" "$run"
}

# --- bytes, files and records, each kind somewhere else
fresh
grow=$run/grow/g1 policy=$run/policy/g0-i0 improved=$run/improve/bc/g1-i1
flip "$grow/shard-00003.h5"
truncate -s -100 "$grow/shard-00004.h5"
rm "$grow/shard-00005.h5"
rm "$grow/shard-00006.h5.commit.json"
echo '{"name": ' >"$grow/shard-00007.h5.commit.json"
rm "$grow"/shard-00008.h5*
flip "$grow/rewards/chrf/shard-00002.h5"
flip "$grow/index.h5"
cp "$grow/shard-00009.h5" "$grow/shard-00009.h5.tmp"
named=('grow/g1/shard-00003.h5|SHA-256' 'grow/g1/shard-00004.h5|another size' 'grow/g1/shard-00005.h5|only its commit record'
  'grow/g1/shard-00006.h5|no commit record' 'grow/g1/shard-00007.h5|it is no record' 'grow/g1/shard-00008.h5|is missing'
  'grow/g1/rewards/chrf/shard-00002.h5|rest_score --grow-step 1 --reward chrf' 'grow/g1/index.h5|SHA-256'
  'grow/g1/shard-00009.h5.tmp|left-over')
verify "$run" 1 --quick
grep -q 'shard-00003' "$work/out" && failed "--quick hashes"
damaged "bytes, files and records"

fresh
flip "$run/tokenizer/tokenizer.model"
truncate -s 100 "$run/corpus/train.h5"
rm "$run/corpus/valid.report.json"
rm "$policy/config.json"*
flip "$policy/model.safetensors"
flip "$improved/model.safetensors"
flip "$(find "$improved/checkpoints" -path '*/update-*/state.safetensors' | LC_ALL=C sort | tail -n 1)"
echo garbage >"$improved/step.json"
rm "$run/improve/bc/g1-best.json"
flip "$run/metrics/g0-i0.valid.json"
newest=$(cd "$run" && find improve/bc/g1-i1/checkpoints -name 'update-*[0-9]' | LC_ALL=C sort | tail -n 1)
named=('tokenizer/tokenizer.model|rest_prepare' 'corpus/train.h5|rest_prepare' 'corpus/valid.report.json|rest_prepare'
  'policy/g0-i0/config.json|is missing' 'policy/g0-i0/model.safetensors|rest_train'
  'improve/bc/g1-i1/model.safetensors|rest_improve --grow-step 1 --variant bc' "$newest|SHA-256"
  'improve/bc/g1-i1/step.json|damaged' 'improve/bc/g1-best.json|only its commit record'
  'metrics/g0-i0.valid.json|rest_evaluate --policy g0-i0 --corpus valid')
damaged "text, policies and metrics"

# --- contents and lineage, with commit records that fit the bytes
fresh
h5 "$grow/shard-00001.h5" 'h["tokens"][3] = 640'
h5 "$grow/shard-00002.h5" 'h["count"][0] = 0'
h5 "$grow/shard-00003.h5" 'n = h["length"][:]; n[0] += 1; h["length"][:] = n'
h5 "$grow/shard-00004.h5" 'h["log_prob"][1] = np.nan'
h5 "$grow/shard-00005.h5" 'h.attrs["first_source"] = 0'
h5 "$grow/rewards/chrf/shard-00006.h5" 'h["reward"][0] = 2'
for end in '' .commit.json; do
  cp "$grow/rewards/chrf/shard-00007.h5$end" "$grow/rewards/chrf/shard-00008.h5$end"
  mv "$grow/shard-00010.h5$end" "$work/kept$end"
  mv "$grow/shard-00011.h5$end" "$grow/shard-00010.h5$end"
  mv "$work/kept$end" "$grow/shard-00011.h5$end"
done
record "$grow/rewards/chrf/shard-00008.h5" 'r["name"] = "shard-00008.h5"'
h5 "$grow/index.h5" 'o = h["shard_token_offset"]; o[13] += 1'
record "$run/metrics/bc_g1-i2.valid.json" 'r["lineage"]["inputs"]["policy"] = "0" * 64'
named=('grow/g1/shard-00001.h5|piece 640' 'grow/g1/shard-00002.h5|count' 'grow/g1/shard-00003.h5|length'
  'grow/g1/shard-00004.h5|log_prob' 'grow/g1/shard-00005.h5|begins at source 0' 'grow/g1/shard-00010.h5|another file'
  'grow/g1/shard-00011.h5|another file' 'grow/g1/rewards/chrf/shard-00006.h5|[0, 1]'
  'grow/g1/rewards/chrf/shard-00008.h5|no longer fits' 'grow/g1/index.h5|offsets'
  'metrics/bc_g1-i2.valid.json|no longer fits')
damaged "contents and lineage"

# --- another policy in its place: all that was made from it is named, and a run of its own comes of it
fresh
chain 1 "$work/other" prepare
must $ranks train "$work/other" --set train.seed=2
rm -r "$policy"
cp -r "$work/other/policy/g0-i0" "$policy"
verify "$run" 1
for path in grow/g1/shard-00000.h5 grow/g1/rewards/chrf/shard-00014.h5 grow/g1/index.h5 \
  improve/bc/g1-i0/model.safetensors improve/bc/g1-i2/step.json metrics/g0-i0.valid.json metrics/bc_g1-i2.valid.json; do
  grep -qF -- "$path no longer fits" "$work/out" || failed "another policy: $path is not named"
done
grep -E '^(tokenizer|corpus|policy)/' "$work/out" && failed "another policy: what was before it is blamed"

# --- a program at work
mkdir -p "$run/locks"
exec {lock}>"$run/locks/train.lock"
flock "$lock"
printf '%s' '{"program": "rest_train", "label": "train g0-i0", "unit": "updates", "done": 30, "total": 120}' >"$run/locks/train.json"
verify "$run" 1 --repair
grep -q 'in use' "$work/out" || failed "--repair while a program works: it does not say why it refuses"
[[ ! -e $run/damaged ]] || failed "--repair works on a run in use"
says "a running program" "$run" '^running' 'train g0-i0: 30 of 120 updates' 'next, when that is done'
flock -u "$lock"
says "a killed program" "$run" '^left by a killed program'
verify "$run" 0 --repair
verify "$run" 0
grep -qE '^grow/|^improve/' "$work/out" && failed "what no longer fits is still there after --repair"

finish "every kind of damage is named and made again with the same bytes"
