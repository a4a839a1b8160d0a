#pragma once

#include "rest/comm/communicator.hpp"

/// The ranks this test program runs on: GoogleTest leaves no other way to hand it to the tests.
const rest::Communicator& world();
