# shellcheck shell=bash
# What the scripts that compare with peers share; to be sourced, behind jobs/common.sh. The peers come from PyPI into
# WORK/venv. REST_BIN names the programs, PEERS_PYTHON a Python that has the packages.
mpi_environment
: "${REST_BIN:=$rest_root/build/release/bin}"
[[ -x $REST_BIN/rest_grow ]] || die "no programs in $REST_BIN; build them, or name their folder in REST_BIN"

work=$rest_root/build/peers
wheels=(ctranslate2==4.8.5 transformers==5.24.0 sentencepiece sacrebleu numpy safetensors h5py setuptools
  filelock typing-extensions sympy networkx jinja2 fsspec)
# torch and what it needs of CUDA as set-up has them, without its own dependencies.
needs() { "$rest_root/jobs/setup.sh" --needs | sed -n "s/^$1 //p"; }
mapfile -t torch_wheels < <(needs wheel-alone)

# pip_install ARGUMENT...
pip_install() { "$work/venv/bin/python3" -m pip install --quiet --disable-pip-version-check --retries 10 "$@"; }

# Python's torch, unlike C++ programs, loads all of CUDA's libraries even where there is no GPU.
install_missing_libraries() {
  local missing wheel library wanted=()
  missing=$(ldd "$work"/venv/lib/python3*/site-packages/torch/lib/libtorch_cuda.so |
    awk '/not found/ { print tolower($1) }')
  for wheel in $(needs wheel-cuda); do
    library=${wheel#nvidia-}
    library=lib${library%%[-=]*}
    [[ $missing != *"$library"[._]* ]] || wanted+=("$wheel")
  done
  ((${#wanted[@]} == 0)) || pip_install --no-deps "${wanted[@]}"
}

install_peers() {
  local stamp=$work/venv/peers.stamp key="${torch_wheels[*]} ${wheels[*]}"
  if [[ -f $stamp && $(<"$stamp") == "$key" ]]; then return 0; fi
  say "installing the peers into $work/venv"
  rm -rf "$work/venv"
  mkdir -p "$work"
  python3 -m venv "$work/venv"
  pip_install "${wheels[@]}"
  pip_install --no-deps "${torch_wheels[@]}"
  install_missing_libraries
  "$work/venv/bin/python3" -c 'import ctranslate2, torch, transformers' || die "the peers cannot be loaded"
  echo "$key" >"$stamp"
}

# run_peers BENCH.py [OPTION...]
run_peers() {
  local bench=$1 arguments=()
  shift
  while (($#)); do
    case $1 in
      --work)
        work=${2:?--work needs a folder}
        shift
        ;;
      --work=*) work=${1#*=} ;;
      *) arguments+=("$1") ;;
    esac
    shift
  done
  if [[ -z ${PEERS_PYTHON:-} ]]; then
    install_peers
    PEERS_PYTHON=$work/venv/bin/python3
  fi
  exec "$PEERS_PYTHON" "$rest_root/tests/bench/peers/$bench" --bin "$REST_BIN" --work "$work" "${arguments[@]}"
}
