#include "columns.hpp"

#include <limits>
#include <numeric>

#include "rest/core/error.hpp"

namespace rest::hdf5 {

void require_below_vocabulary(const File& file, const std::string& name, const std::vector<Token>& tokens,
                              std::int64_t vocabulary_size) {
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (std::int64_t{tokens[i]} >= vocabulary_size) {
      file.fail(name, concat("piece ", tokens[i], " at ", i, " lies outside the vocabulary of ", vocabulary_size));
    }
  }
}

void write_tokens(File& file, const std::string& prefix, const Ragged<Token>& rows, std::int64_t vocabulary_size) {
  require_below_vocabulary(file, prefix + "tokens", rows.values, vocabulary_size);
  std::vector<std::uint32_t> length(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) length[i] = static_cast<std::uint32_t>(rows.length(i));
  file.write<std::uint32_t>(prefix + "length", length);
  file.write<Token>(prefix + "tokens", rows.values, token_type(vocabulary_size));
}

Ragged<Token> read_tokens(const File& file, const std::string& prefix, std::int64_t vocabulary_size) {
  const std::string name = prefix + "tokens";
  const auto length = file.read<std::uint32_t>(prefix + "length");
  Ragged<Token> rows;
  rows.values = file.read<Token>(name);
  require_sum(file, prefix + "length", length, name, rows.values.size());
  require_below_vocabulary(file, name, rows.values, vocabulary_size);
  rows.offsets.reserve(length.size() + 1);
  for (const std::uint32_t n : length) rows.offsets.push_back(rows.offsets.back() + n);
  return rows;
}

std::int64_t read_vocabulary_size(const File& file) {
  const std::int64_t size = file.read_integer("vocabulary_size");
  if (size < 1 || size > std::int64_t{std::numeric_limits<Token>::max()}) {
    file.fail_attribute("vocabulary_size", concat(size, " is no vocabulary size"));
  }
  return size;
}

void require_sum(const File& file, const std::string& lengths_name, const std::vector<std::uint32_t>& lengths,
                 const std::string& values_name, std::size_t values) {
  const std::uint64_t sum = std::accumulate(lengths.begin(), lengths.end(), std::uint64_t{0});
  if (sum != values) {
    file.fail(values_name, concat(values, " values where ", lengths_name, " adds up to ", sum));
  }
}

}  // namespace rest::hdf5
