#pragma once

#include <string>

#include "hdf5.hpp"
#include "rest/core/ragged.hpp"

namespace rest::hdf5 {

/// Ragged token rows as `<prefix>length` u32 and `<prefix>tokens` u16 or u32; every piece below the vocabulary.
void write_tokens(File& file, const std::string& prefix, const Ragged<Token>& rows, std::int64_t vocabulary_size);
Ragged<Token> read_tokens(const File& file, const std::string& prefix, std::int64_t vocabulary_size);

/// An Error naming the column unless every piece is below the vocabulary.
void require_below_vocabulary(const File& file, const std::string& name, const std::vector<Token>& tokens,
                              std::int64_t vocabulary_size);

/// `vocabulary_size` attribute, checked to be one that pieces can have.
std::int64_t read_vocabulary_size(const File& file);

/// Sum of the lengths; an Error naming both columns unless it is `values`.
void require_sum(const File& file, const std::string& lengths_name, const std::vector<std::uint32_t>& lengths,
                 const std::string& values_name, std::size_t values);

}  // namespace rest::hdf5
