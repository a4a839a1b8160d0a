#!/usr/bin/env bash
# Sets up what is missing, builds, and runs all tests. Arguments go to ctest: tests/run.sh -R unit
# shellcheck source=jobs/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/../jobs/common.sh"
cd "$rest_root"
mpi_environment

timed "set-up" bash jobs/setup.sh --with-slurm
timed "build" build_preset release
timed "tests" ctest --preset release --no-tests=error -j "$(nproc)" "$@"
