#pragma once

/// Runs one of the bodies that fail or stop on some rank through rest::run_main, for tests/faults/rank_failure.sh.
int run_fault_body(int argc, char** argv);
