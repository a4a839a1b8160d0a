#pragma once

#include <optional>

#include "rest/grow/estimate.hpp"

namespace CLI {
class App;
}

namespace rest {

/// --estimate of rest_grow and the options that need it. What they say is in the result once the line was parsed: empty
/// when no estimate was asked for.
class EstimateOptions {
 public:
  void add_to(CLI::App& app);
  std::optional<EstimateRequest> request(int threads) const;

 private:
  bool asked_ = false;
  EstimateRequest request_;
};

}  // namespace rest
