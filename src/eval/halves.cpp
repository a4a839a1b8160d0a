#include "rest/eval/halves.hpp"

#include <algorithm>

#include "rest/select/permutation.hpp"

namespace rest {

std::vector<std::size_t> validation_half(std::size_t size, Half half) {
  const Permutation shuffle(size, Philox(Purpose::split, 0));
  const std::size_t middle = (size + 1) / 2;
  const std::size_t first = half == Half::select ? 0 : middle, last = half == Half::select ? middle : size;
  std::vector<std::size_t> chosen;
  for (std::size_t i = first; i < last; ++i) chosen.push_back(static_cast<std::size_t>(shuffle(i)));
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

}  // namespace rest
