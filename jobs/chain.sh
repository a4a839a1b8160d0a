# shellcheck shell=bash disable=SC2034
# The stages of ReST for jobs/run_local.sh and the Slurm scripts: their common arguments, what the experiment says of the
# chain, and how a stage runs. To be sourced after common.sh.
#
# The script that sources this says how programs are started in the arrays `launcher` (takes -n RANKS and a program) and
# `container` (a prefix of the program), how many `ranks` there are, and what happens after a stop in the function
# `stopped CODE`. It counts the signals it got in `signals` and passes them on to $child.

experiment='' run='' variant='' overrides=() learn_from=''
child='' signals=0 this_run=()
program_options=() container=()

bad_usage() {
  say "error: $*" >&2
  usage >&2
  exit 2
}

set_variant() {
  [[ $1 =~ ^[A-Za-z0-9][A-Za-z0-9._-]*$ ]] || bad_usage "the variant \"$1\" cannot be the name of a folder"
  variant=$1
}

# take_corpus CORPUS: of --learn-from; for own_argument.
take_corpus() {
  [[ ${1:-} == valid || ${1:-} == train ]] || bad_usage "--learn-from ${1:-} is neither valid nor train"
  learn_from=$1 taken=2
}

# read_arguments ARGUMENT...: sets experiment, run, variant and overrides. All else goes to the script's own_argument,
# which sees what is left of the command line and sets `taken` to the number of words it took.
read_arguments() {
  local taken
  while (($#)); do
    case $1 in
      --run | --variant | --set) (($# > 1)) || bad_usage "$1 needs a value" ;;
    esac
    taken=2
    case $1 in
      --run) run=$2 ;;
      --variant) set_variant "$2" ;;
      --set) overrides+=(--set "$2") ;;
      -h | --help)
        usage
        exit 0
        ;;
      *)
        taken=1
        if [[ $1 != -* && -z $experiment ]]; then experiment=$1; else own_argument "$@"; fi
        ;;
    esac
    shift "$taken"
  done
  [[ -n $experiment ]] || bad_usage "no experiment file given"
  [[ -r $experiment ]] || bad_usage "cannot read $experiment"
  run=${run:-run/$(basename "$experiment" .toml)}
}

# The folder of the programs, in $bin.
find_programs() {
  local program
  bin=${REST_BIN:-$rest_root/build/release/bin}
  ((${#container[@]} == 0)) || return 0  # in the container
  for program in prepare train reward grow score improve evaluate; do
    [[ -x $bin/rest_$program ]] || die "$bin/rest_$program is missing; build it: cmake --build --preset release"
  done
}

# read_experiment [STARTER...]: the complete experiment, overrides applied, and what the chain needs of it.
read_experiment() {
  complete=$("$@" "${container[@]}" "$bin/rest_prepare" "$experiment" "${overrides[@]}" --print-experiment </dev/null) ||
    exit $?
  variant=${variant:-$(value improve loss)}
  grow_steps=$(value improve grow_step)
  improve_steps=$(value improve steps)
  corpora=(valid)
  [[ -z $(value data test_source) ]] || corpora+=(test)
}

# One key of the complete experiment: value SECTION KEY
value() {
  awk -v section="[$1]" -v key="$2" '
    /^\[/ { inside = ($0 == section) }
    inside && $1 == key && $2 == "=" {
      sub(/^[^=]*= */, "")
      quote = substr($0, 1, 1)
      if (quote ~ /["'\'']/) { split(substr($0, 2), parts, quote); print parts[1] } else { sub(/ *#.*/, ""); print }
      exit
    }' <<<"$complete"
}

built_in_or_here() {
  case $1 in '' | chrf | bleu) return 0 ;; esac
  [[ -e $run/reward/$1/reward.json.commit.json ]]
}

# The reward that the chain has to learn, in $learned, and how, in $learning: the one that Improve steps optimise, or what
# it is made of, when it is neither built in, nor a program, nor in the run.
find_learned_reward() {
  local names name missing=()
  learned='' learning=()
  names=$(value reward of | tr -d "[],\"'")
  [[ -n $names || -n $(value reward command) ]] || names=$(value reward name)
  [[ -z $learn_from || ! " $names " =~ ^( |chrf|bleu)*$ ]] ||
    die "--learn-from $learn_from: there is no reward to learn, that of the experiment is built in or a program"
  for name in $names; do
    [[ " ${missing[*]} " == *" $name "* ]] || built_in_or_here "$name" || missing+=("$name")
  done
  ((${#missing[@]} < 2)) || die "rewards ${missing[*]} are not in $run/reward, and the chain learns one; learn the" \
    "others before, each with rest_reward train --name"
  name=$(value reward watch)
  [[ -n $(value reward watch_command) ]] || built_in_or_here "$name" ||
    die "the watched reward \"$name\" is neither built in nor in $run/reward; learn it before with rest_reward train," \
      "from other ratings than the one that it is to watch"
  ((${#missing[@]} > 0)) || return 0
  [[ -n $learn_from || $(value reward_model ratings) != '[]' ]] ||
    die "the reward \"${missing[0]}\" is neither built in nor in $run/reward; name rated translations in" \
      "reward_model.ratings, or give --learn-from"
  learned=${missing[0]}
  learning=(--name "$learned" ${learn_from:+--corpus "$learn_from"})
  say "reward $learned is not built in: it is learned from $([[ -n $learn_from ]] &&
    echo "candidates of $learn_from" || value reward_model ratings)" >&2
}

at_most() { echo $(($1 < $2 ? $1 : $2)); }

# The stages. An update has no more ranks than leaves.
run_prepare() { stage prepare 1 rest_prepare "$@"; }
run_train() { stage train "$(at_most "$ranks" "$(value train leaves)")" rest_train "$@"; }
run_reward() {
  stage "learn a reward" "$(at_most "$ranks" "$(value reward_model leaves)")" "rest_reward train" "$@"
}
run_grow() { stage "grow g$1" "$ranks" rest_grow --grow-step "$1" --variant "$variant" "${@:2}"; }
run_score() { stage "score g$1" "$ranks" rest_score --grow-step "$1" "${@:2}"; }
run_improve() {
  stage "improve $variant/g$1" "$(at_most "$ranks" "$(value improve leaves)")" rest_improve --grow-step "$1" \
    --variant "$variant" "${@:2}"
}
run_evaluate() {
  local corpus policy compare
  for corpus in "${corpora[@]}"; do
    for policy in $(policies); do
      compare=()
      [[ $policy == g0-i0 ]] || compare=(--compare g0-i0)
      stage "evaluate $policy $corpus" "$ranks" rest_evaluate --policy "$policy" --corpus "$corpus" "${compare[@]}" "$@"
    done
  done
}

policies() {
  local grow step
  echo g0-i0
  for ((grow = 1; grow <= grow_steps; ++grow)); do
    for ((step = 0; step <= improve_steps; ++step)); do
      # Steps made moot by an earlier one leave no policy.
      if [[ -e $run/improve/$variant/g$grow-i$step/model.safetensors.commit.json ]]; then
        echo "$variant/g$grow-i$step"
      fi
    done
  done
}

# make_run: the run directory, with the table of the stages' wall times.
make_run() {
  mkdir -p "$run/report" "$run/log" || die "cannot make the run directory $run; change --run"
  times=$run/report/stages.tsv
  [[ -s $times ]] || printf 'begin_utc\tstage\tranks\tseconds\texit_code\n' >"$times"
}

# The time now. Bash before 5.0 has no EPOCHREALTIME.
microseconds() {
  local now=${EPOCHREALTIME:-$(date +%s.%6N)}
  echo "${now/[.,]/}"
}

# stage NAME RANKS PROGRAM [ARGUMENT...]: PROGRAM may be followed by the word for what it is to do. Returns when the
# program is done; ends the script when it failed or stopped.
stage() {
  local name=$1 ranks=$2 program=$3 words code=0 begin when seconds seen got
  read -ra words <<<"$program"
  shift 3
  begin=$(microseconds)
  when=$(date -u +%Y-%m-%dT%H:%M:%SZ)
  ((signals == 0)) || stopped 75
  header "$name: $program, $ranks rank$( ((ranks == 1)) || echo s)"
  set -m  # a process group of its own: Ctrl-C reaches this script alone
  "${launcher[@]}" -n "$ranks" "${container[@]}" "$bin/${words[@]}" "$experiment" --run "$run" "${overrides[@]}" \
    "${program_options[@]}" "$@" </dev/null &
  set +m
  child=$!
  while true; do  # a signal ends wait, not the child
    seen=$signals got=0
    wait "$child" || got=$?
    ((got == 127)) || code=$got  # 127: the wait before had its exit code
    ((signals > seen)) || break
  done
  child=''
  seconds=$(awk -v t=$(($(microseconds) - begin)) 'BEGIN { printf "%.1f", t / 1e6 }')
  printf '%s\t%s\t%s\t%s\t%s\n' "$when" "$name" "$ranks" "$seconds" "$code" >>"$times"
  this_run+=("$(printf '%-30s %6d %10.1f s' "$name" "$ranks" "$seconds")")
  if ((code == 75 || signals > 0 && code != 0)); then stopped "$code"; fi
  if ((code != 0)); then
    local how="failed with exit code $code"
    ((code <= 128)) || how="was killed by signal $((code - 128))$( ((code != 137)) || echo ", perhaps for want of memory")"
    say "error: $name $how; $program's messages are above and in $run/log" >&2
    exit "$code"
  fi
}
