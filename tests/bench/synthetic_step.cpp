#include "bench/synthetic_step.hpp"

#include <algorithm>
#include <cmath>

#include "rest/core/philox.hpp"

namespace rest {
namespace {

constexpr std::int64_t vocabulary = 32000;
constexpr Token first_piece = 4;  // behind padding, unknown, begin and end

/// Uniform draws in a row, for one purpose and shard.
class Draws {
 public:
  Draws(std::uint64_t purpose, std::uint64_t shard) : state_(mix64(mix64(purpose) ^ shard)) {}
  double operator()() { return static_cast<double>(mix64(state_ += 0x9E3779B97F4A7C15ull) >> 11) * 0x1.0p-53; }
  bool one_in(double n) { return (*this)() * n < 1.0; }

 private:
  std::uint64_t state_;
};

void draw_pieces(Draws& draws, std::vector<Token>& row) {
  row.resize(5 + static_cast<std::size_t>(draws() * 6.0));
  for (Token& piece : row) {
    const double rank = std::exp(draws() * std::log(static_cast<double>(vocabulary - first_piece)));
    piece = first_piece + static_cast<Token>(rank) - 1;
  }
}

}  // namespace

Corpus SyntheticStep::corpus() const {
  Corpus corpus;
  corpus.vocabulary_size = vocabulary;
  corpus.tokenizer_digest = "synthetic";
  Draws draws(0, 0);
  std::vector<Token> row;
  for (std::uint64_t source = 0; source < sources_; ++source) {
    draw_pieces(draws, row);
    corpus.source.tokens.push_back(row);
  }
  corpus.source.text.resize(sources_);
  return corpus;
}

CandidateShard SyntheticStep::shard(std::int64_t number) const {
  CandidateShard shard;
  shard.first_source = number * sources_per_shard;
  const auto first = static_cast<std::uint64_t>(shard.first_source);
  shard.candidates_per_source.assign(std::min<std::uint64_t>(sources_per_shard, sources_ - first),
                                     candidates_per_source);
  Draws draws(1, first);
  std::vector<Token> row;
  for (std::size_t i = 0; i < shard.sources() * candidates_per_source; ++i) {
    draw_pieces(draws, row);
    shard.tokens.push_back(row);
    const bool original = i % candidates_per_source == candidates_per_source - 1;
    shard.log_prob.push_back(static_cast<float>(-3.0 * draws() * static_cast<double>(row.size() + 1)));
    shard.sampling_log_prob.push_back(0.9f * shard.log_prob.back());
    shard.count.push_back(!original && draws.one_in(20) ? 2 : 1);
    shard.finished.push_back(original || !draws.one_in(50));
    shard.origin.push_back(original);
  }
  return shard;
}

std::vector<float> SyntheticStep::rewards(const CandidateShard& shard, std::int64_t number) const {
  Draws draws(2, static_cast<std::uint64_t>(number));
  std::vector<float> rewards(shard.size());
  for (float& reward : rewards) reward = static_cast<float>((draws() + draws()) / 2.0);
  return rewards;
}

}  // namespace rest
