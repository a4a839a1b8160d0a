#include "rest/select/dataset.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "rest/select/permutation.hpp"

namespace rest {
namespace {

/// Some pairs of a dataset.
class Selection : public Dataset {
 public:
  Selection(const Dataset& dataset, std::vector<std::size_t> positions)
      : dataset_(dataset), positions_(std::move(positions)) {}
  std::size_t size() const override { return positions_.size(); }
  Example get(std::size_t i) const override { return dataset_.get(positions_[i]); }

 private:
  const Dataset& dataset_;
  std::vector<std::size_t> positions_;
};

}  // namespace

std::unique_ptr<const Dataset> ShuffledDataset::load(std::uint64_t seed, std::uint64_t epoch,
                                                     std::uint64_t window) const {
  const Permutation shuffle(size(), Philox(Purpose::shuffle, seed, epoch));
  const std::uint64_t first = window * window_examples, last = std::min(size(), first + window_examples);
  std::vector<std::size_t> positions;
  positions.reserve(static_cast<std::size_t>(last - first));
  for (std::uint64_t i = first; i < last; ++i) positions.push_back(static_cast<std::size_t>(shuffle(i)));
  return std::make_unique<Selection>(dataset_, std::move(positions));
}

}  // namespace rest
