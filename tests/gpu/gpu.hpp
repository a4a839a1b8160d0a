#pragma once

#include <torch/types.h>

#include <string>

#include "rest/comm/communicator.hpp"

/// The ranks this program runs on.
const rest::Communicator& world();

/// The GPU of this rank: CPU when there is none, and then why.
const torch::Device& gpu();
const std::string& why_no_gpu();

/// The first line of every test here.
#define NEEDS_A_GPU() \
  if (!gpu().is_cuda()) GTEST_SKIP() << "needs a GPU: " << why_no_gpu()
