#pragma once

#include <vector>

#include "rest/core/philox.hpp"
#include "rest/select/view.hpp"

namespace rest {

/// Targets repeat their source: learnable in a few dozen updates.
class CopyDataset : public Dataset {
 public:
  CopyDataset() {
    const Philox draw(Purpose::split, 2);
    for (std::uint32_t i = 0; i < 200; ++i) {
      std::vector<Token> tokens;
      for (std::uint32_t j = 0; j < 2 + draw(i)[0] % 4; ++j) tokens.push_back(4 + draw(i, j)[1] % 6);
      rows_.push_back(tokens);
    }
  }
  std::size_t size() const override { return rows_.size(); }
  Example get(std::size_t i) const override { return {rows_[i], rows_[i], 1.0f, i}; }

 private:
  std::vector<std::vector<Token>> rows_;
};

}  // namespace rest
