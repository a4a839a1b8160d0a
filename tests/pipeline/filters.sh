#!/usr/bin/env bash
# Improve steps with every filter: what --plan says of them is what h5py says of the files and what the steps then train on;
# a killed step goes on to the same bytes on another number of ranks; --plan trains nothing.
source "$(dirname "${BASH_SOURCE[0]}")/../support/_pipeline.sh"
"$python" -c 'import h5py, numpy' 2>"$work/out" || { echo "skipped: no h5py"; exit 77; }
run=$work/run
short=(--set improve.max_updates=10 --set improve.evaluate_every=5)

declare -A thresholds=([threshold]='[0.1, 0.2]' [percentile]='[0.25, 0.6]' [interpolation]='[0, 0.5]'
  [quantile]='[0.5, 0.9]' [top_k]='[2, 1]')
filters=(threshold percentile interpolation quantile top_k)
# with FILTER: in $chosen the options that choose it.
with() { chosen=(--variant "$1" --set "improve.filter=$1" --set "improve.thresholds=${thresholds[$1]}" "${short[@]}"); }

chain 2 "$run" prepare train grow score
cp -r "$run" "$work/unimproved"

for filter in "${filters[@]}"; do
  with "$filter"
  must 2 improve "$run" "${chosen[@]}" --plan
  cp "$work/out" "$work/$filter.plan"
  grep -q "Improve plan of $filter/g1" "$work/out" || { failed "$filter: no table"; cat "$work/out" >&2; }
done
[[ ! -e $run/improve ]] || failed "--plan writes into improve/"
same "--plan" "$run" "$work/unimproved"

for filter in "${filters[@]}"; do
  with "$filter"
  must 2 improve "$run" "${chosen[@]}"
  copy=$work/killed
  rm -rf "$copy"
  cp -r "$work/unimproved" "$copy"
  start 2 improve "$copy" "${chosen[@]}"
  progress "$copy" 3
  kill_all
  ((code == 137)) || failed "$filter: the kill came too late (exit code $code)"
  must 1 improve "$copy" "${chosen[@]}"
  same "$filter, killed, on 1 rank" "$copy" "$run" "improve/$filter"
  must 1 improve "$run" "${chosen[@]}"
  (($(grep -c 'is complete' "$work/out") == 3)) || { failed "$filter: complete steps are not seen"; cat "$work/out" >&2; }
done

"$python" - "$run" "${filters[@]}" <<'PYTHON' || failed "figures"
import json, sys
import h5py, numpy as np
run, filters = sys.argv[1], sys.argv[2:]
failures = 0

def check(what, got, expected):
    global failures
    if not (got == expected or isinstance(expected, float) and abs(got - expected) <= 1e-9 * max(1, abs(expected))):
        failures += 1
        print(f"FAILED: {what} is {got}, not {expected}", file=sys.stderr)

index = h5py.File(f"{run}/grow/g1/index.h5")
length, count, reward = (index[name][()] for name in ("length", "count", "rewards/chrf"))
count = count.astype(np.int64)
sample, finished = index["origin"][()] == 0, index["finished"][()] == 1
per_source = index["candidates_per_source"][()]
source = np.repeat(np.arange(len(per_source)), per_source)
pieces = np.split(index["tokens"][()], np.cumsum(length.astype(np.int64))[:-1])
part = finished | ~sample  # unfinished samples take no part

def cut_at(values, share):  # the smallest value such that more than this share are at most that
    values = np.sort(values)
    return values[np.argmax(np.arange(1, len(values) + 1) / len(values) > share)]

def expanded(rows):
    return np.repeat(reward[rows], count[rows])

def kept_rows(name, value):
    if name == "threshold":
        return part & ((value < 0) | (reward > np.float32(value)))
    if name == "quantile":
        return part & (reward >= cut_at(expanded(part), value))
    keep = np.zeros(len(reward), bool)
    for s in range(len(per_source)):
        rows = part & (source == s)
        drawn = expanded(rows & sample)
        if name == "top_k":
            keep |= rows & ((drawn > reward[:, None]).sum(axis=1) < value)
        elif len(drawn) == 0:
            keep |= rows
        elif name == "percentile":
            keep |= rows & (reward >= cut_at(drawn, value))
        else:
            mean = drawn.astype(np.float64).mean()
            keep |= rows & (reward > np.float32(value * float(drawn.max()) + (1 - value) * mean))
    return keep

def summary(rows):
    n = count[rows].sum()
    return {"candidates": int(n), "distinct": int(rows.sum()), "originals": int(count[rows & ~sample].sum()),
            "unfinished": int(count[rows & sample & ~finished].sum()), "sources": len(per_source),
            "sources_empty": len(per_source) - len(np.unique(source[rows])),
            "tokens": float((count[rows] * (length[rows].astype(np.int64) + 1)).sum()),
            "mean_reward": float((count[rows] * reward[rows].astype(np.float64)).sum() / n)}

def distinct_2(keep):
    shares = []
    for s in np.unique(source[keep]):
        rows = np.flatnonzero(keep & (source == s))
        pairs = [pair for row in rows for pair in list(zip(pieces[row], pieces[row][1:])) * count[row]]
        if pairs:
            shares.append(len(set(pairs)) / len(pairs))
    return float(np.mean(shares))

def updates(keep):  # neighbours by length, up to 1,024 tokens
    filled, made = 0, 1
    for tokens in np.sort(length[keep].astype(np.int64)) + 1:
        if filled and filled + tokens > 1024:
            filled, made = 0, made + 1
        filled += tokens
    return made

whole = np.ones(len(reward), bool)
for name in filters:
    plan = json.load(open(f"{run}/report/plan.{name}.g1.json"))
    check(f"{name}: ranks", plan["ranks"], 2)
    for key, value in summary(whole).items():
        check(f"{name}: all.{key}", plan["all"][key], value)
    check(f"{name}: steps", [step["step"] for step in plan["steps"]], [0, 1, 2])
    before = whole
    for step in plan["steps"]:
        what = step["name"]
        keep = kept_rows("threshold" if step["step"] == 0 else name, step["threshold"])
        check(f"{what}: more than before", bool((keep & ~before).any()), False)
        print(f"{what}: {step['keeps']} keeps {count[keep].sum()} of {count.sum()}")
        before, kept = keep, summary(keep)
        made = json.load(open(f"{run}/improve/{what}/step.json"))
        for key, value in kept.items():
            check(f"{what}: kept.{key}", step["kept"][key], value)
            check(f"{what}: step.json, kept.{key}", made["kept"][key], value)
        for key in ("filter", "threshold", "keeps", "sampled_share"):
            check(f"{what}: step.json, {key}", made[key], step[key])
        mean_length = kept["tokens"] / kept["candidates"]
        for key, value in {"share": kept["candidates"] / count.sum(),
                           "token_share": kept["tokens"] / summary(whole)["tokens"],
                           "mean_length": mean_length,
                           "length_ratio": mean_length / (summary(whole)["tokens"] / count.sum()),
                           "distinct_per_source": keep.sum() / len(np.unique(source[keep])),
                           "duplicate_share": 1 - keep.sum() / count[keep].sum(),
                           "distinct_2": distinct_2(keep)}.items():
            check(f"{what}: {key}", step[key], float(value))
        check(f"{what}: examples", step["examples"], int(keep.sum()))
        check(f"{what}: updates_an_epoch", step["updates_an_epoch"], updates(keep))
        check(f"{what}: updates", step["updates"], {"least": 10, "most": 10})
        check(f"{what}: evaluations", step["evaluations"], {"least": 3, "most": 3})
        check(f"{what}: problem", step["problem"], None)
        check(f"{what}: cut", step.get("cut"),
              float(cut_at(expanded(part), step["threshold"])) if name == "quantile" and step["step"] else None)
        check(f"{what}: seconds", step["seconds"]["most"],
              10 * step["seconds_an_update"]["mean"] + 3 * plan["seconds_an_evaluation"])
        check(f"{what}: positive", step["seconds_an_update"]["least"] > 0, True)
    check(f"{name}: seconds", plan["seconds"]["most"], sum(step["seconds"]["most"] for step in plan["steps"]))
sys.exit(failures > 0)
PYTHON

# --- what cannot be
refuse() {
  local what=$1 expected=$2 code=0 word words
  IFS='|' read -ra words <<<"$3"
  shift 3
  rest 2 improve "$run" "$@" || code=$?
  ((code == expected)) || failed "$what: exit code $code, not $expected"
  for word in "${words[@]}"; do
    grep -qF -- "$word" "$work/out" || { failed "$what: no '$word' in the output"; cat "$work/out" >&2; }
  done
}
refuse "thresholds that rise for top_k" 2 'improve.thresholds do not fall|top_k' --set improve.filter=top_k --set 'improve.thresholds=[1, 2]'
refuse "a percentile of 1" 2 'improve.thresholds holds 1.0|percentile' --set improve.filter=percentile --set 'improve.thresholds=[0.5, 1]'
with percentile
refuse "another filter on the same variant" 1 'filter|quantile|percentile' "${chosen[@]}" --set improve.filter=quantile --step 1
refuse "a threshold that keeps nothing" 1 'none/g1-i1: R > 2 keeps nothing' --variant none "${short[@]}" \
  --set 'improve.thresholds=[2, 3]' --step 1

# --- a plan of what cannot be
must 2 improve "$run" --variant none "${short[@]}" --set 'improve.thresholds=[0.1, 2]' --plan
grep -q 'warning: none/g1-i2 cannot be trained: R > 2 keeps nothing' "$work/out" || { failed "an empty step is not pointed out"; cat "$work/out" >&2; }
mv "$run/policy" "$work/policy"
must 1 improve "$run" --variant none "${short[@]}" --plan
grep -q 'time is unknown: .*g0-i0' "$work/out" || { failed "times without a policy"; cat "$work/out" >&2; }

finish "every filter keeps what h5py says, and --plan says so before"
