#include "rest/store/corpus_sources.hpp"

#include <algorithm>
#include <numeric>

#include "columns.hpp"
#include "corpus_file.hpp"
#include "rest/core/committed.hpp"

namespace rest {
namespace {

constexpr const char* lengths_name = "source/length";
constexpr const char* tokens_name = "source/tokens";
constexpr std::uint64_t stride = 4096;

}  // namespace

CorpusSources::CorpusSources(std::filesystem::path file) : file_(std::move(file)) {
  digest_ = verify_committed(file_, "rest_prepare").sha256;
  const hdf5::File opened = open_corpus(file_);
  tokenizer_digest_ = opened.read_text("tokenizer");
  size_ = opened.size(lengths_name);
  std::uint64_t offset = 0;
  std::vector<std::uint32_t> lengths;
  for (std::uint64_t first = 0; first < size_; first += stride) {
    offsets_.push_back(offset);
    opened.read(lengths_name, first, static_cast<std::size_t>(std::min(stride, size_ - first)), lengths);
    offset = std::accumulate(lengths.begin(), lengths.end(), offset);
  }
  if (opened.size(tokens_name) != offset) opened.fail(tokens_name, "another size than source/length adds up to");
}

Ragged<Token> CorpusSources::read(std::uint64_t first, std::size_t count) const {
  Ragged<Token> rows;
  if (count == 0) return rows;
  const hdf5::File opened = open_corpus(file_);
  const std::uint64_t known = first / stride * stride;
  std::vector<std::uint32_t> lengths;
  opened.read(lengths_name, known, static_cast<std::size_t>(first - known) + count, lengths);
  const auto begin = lengths.begin() + static_cast<std::ptrdiff_t>(first - known);
  const std::uint64_t offset = std::accumulate(lengths.begin(), begin, offsets_[known / stride]);
  rows.offsets.reserve(count + 1);
  for (auto length = begin; length != lengths.end(); ++length) rows.offsets.push_back(rows.offsets.back() + *length);
  opened.read(tokens_name, offset, static_cast<std::size_t>(rows.offsets.back()), rows.values);
  hdf5::require_below_vocabulary(opened, tokens_name, rows.values, hdf5::read_vocabulary_size(opened));
  return rows;
}

}  // namespace rest
