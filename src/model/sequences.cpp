#include "rest/model/sequences.hpp"

#include <torch/torch.h>

#include <algorithm>

namespace rest {

std::int64_t Sequences::longest() const {
  std::int64_t longest = 0;
  for (std::int64_t i = 0; i < size(); ++i) longest = std::max(longest, length(i));
  return longest;
}

Sequences Sequences::to(torch::Device device) const {
  return {starts, positions.to(device), slots.to(device), ids.to(device), row_starts.to(device)};
}

Sequences make_sequences(const std::vector<std::int64_t>& lengths, const std::vector<std::uint64_t>& ids) {
  Sequences all;
  all.starts = {0};
  for (const std::int64_t length : lengths) all.starts.push_back(all.starts.back() + length);
  all.positions = torch::empty({all.rows()}, torch::kInt64);
  all.ids = torch::empty({all.rows()}, torch::kInt64);
  all.slots = torch::empty({all.rows()}, torch::kInt64);
  all.row_starts = torch::tensor(all.starts, torch::kInt32);
  const std::int64_t longest = all.longest();
  auto* slot = all.slots.data_ptr<std::int64_t>();
  auto* position = all.positions.data_ptr<std::int64_t>();
  auto* id = all.ids.data_ptr<std::int64_t>();
  for (std::size_t i = 0; i < lengths.size(); ++i) {
    for (std::int64_t p = 0; p < lengths[i]; ++p) {
      *position++ = p;
      *slot++ = static_cast<std::int64_t>(i) * longest + p;
      *id++ = static_cast<std::int64_t>(ids[i]);
    }
  }
  return all;
}

Readers Readers::to(torch::Device device) const { return {first, source.to(device), first_targets.to(device)}; }

Readers make_readers(const std::vector<std::int64_t>& targets_per_source) {
  Readers readers;
  readers.first = {0};
  std::vector<std::int64_t> source;
  for (std::size_t s = 0; s < targets_per_source.size(); ++s) {
    readers.first.push_back(readers.first.back() + targets_per_source[s]);
    source.resize(static_cast<std::size_t>(readers.first.back()), static_cast<std::int64_t>(s));
  }
  readers.source = torch::tensor(source, torch::kInt64);
  readers.first_targets = torch::tensor(readers.first, torch::kInt64);
  return readers;
}

}  // namespace rest
