#include "rest/grow/step_cost.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <system_error>

#include "rest/core/error.hpp"

namespace rest {
namespace {

namespace fs = std::filesystem;

/// 97.5 % points of Student's t for 1, 2, ... degrees of freedom.
constexpr std::array<double, 30> student{12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
                                         2.201,  2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
                                         2.080,  2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042};

class TemporaryDirectory {
 public:
  TemporaryDirectory() : path_((fs::temp_directory_path() / "rest-estimate-XXXXXX").string()) {
    if (!mkdtemp(path_.data())) {
      throw Error("cannot make a temporary directory " + path_, std::generic_category().message(errno), "set TMPDIR");
    }
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  fs::path path() const { return path_; }

 private:
  std::string path_;
};

double bytes_of(const fs::path& file) {
  return static_cast<double>(fs::file_size(file) + fs::file_size(file.string() + ".commit.json"));
}

/// Real numbers in [0, 1] as a reward gives them: each candidate's mean probability of a piece.
RewardColumn stand_in_rewards(const CandidateShard& shard, const std::string& digest) {
  RewardColumn column{"estimate", digest, {}, CandidateColumns(shard)};
  for (std::size_t i = 0; i < shard.size(); ++i) {
    const auto pieces = static_cast<float>(shard.tokens.length(i) + 1);
    column.reward.push_back(std::min(1.0f, std::exp(shard.log_prob[i] / pieces)));
  }
  return column;
}

struct WrittenBytes {
  double shard, reward;
};

WrittenBytes write(const CandidateShard& shard, const ShardAttributes& attributes, const fs::path& directory) {
  const fs::path file = shard_file(directory, 0), rewards = reward_file(directory, "estimate", 0);
  fs::create_directories(rewards.parent_path());
  write_shard(file, shard, attributes, make_lineage("estimate", nlohmann::json::object(), nlohmann::json::object()));
  const std::string digest = find_committed(file).value().sha256;
  write_rewards(rewards, stand_in_rewards(shard, digest),
                make_lineage("estimate", nlohmann::json::object(), nlohmann::json::object()));
  return {bytes_of(file), bytes_of(rewards)};
}

CandidateShard first_source_of(const CandidateShard& shard) {
  CandidateShard first;
  const std::size_t rows = shard.candidates_per_source.front();
  first.candidates_per_source = {shard.candidates_per_source.front()};
  for (std::size_t i = 0; i < rows; ++i) first.tokens.push_back(shard.tokens[i]);
  const auto head = [rows](const auto& values) {
    return std::decay_t<decltype(values)>(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(rows));
  };
  first.log_prob = head(shard.log_prob);
  first.sampling_log_prob = head(shard.sampling_log_prob);
  first.count = head(shard.count);
  first.finished = head(shard.finished);
  first.origin = head(shard.origin);
  return first;
}

double samples_of(const CandidateShard& shard) {
  double samples = 0.0;
  for (std::size_t i = 0; i < shard.size(); ++i) {
    if (shard.origin[i] == static_cast<std::uint8_t>(Origin::sample)) samples += shard.count[i];
  }
  return samples;
}

}  // namespace

Estimate ratio_over_batches(const std::vector<double>& above, const std::vector<double>& below) {
  const std::size_t batches = above.size();
  double a = 0.0, b = 0.0, squares = 0.0;
  for (const double value : above) a += value;
  for (const double value : below) b += value;
  const double ratio = a / b;
  if (batches < 2) return {ratio, 0.0, std::numeric_limits<double>::infinity()};
  for (std::size_t i = 0; i < batches; ++i) squares += std::pow(above[i] - ratio * below[i], 2.0);
  const auto n = static_cast<double>(batches);
  const double error = std::sqrt(squares / (n - 1.0) / n) / (b / n);
  const double t = batches - 2 < student.size() ? student[batches - 2] : 1.96;
  return {ratio, std::max(0.0, ratio - t * error), ratio + t * error};
}

DiskCost measure_disk(const CandidateShard& shard, const ShardAttributes& attributes) {
  const TemporaryDirectory directory;
  const CandidateShard start = first_source_of(shard);
  const WrittenBytes whole = write(shard, attributes, directory.path() / "shard");
  const WrittenBytes one = write(start, attributes, directory.path() / "source");
  DiskCost cost;
  cost.samples = samples_of(shard);
  cost.rows = static_cast<double>(shard.size());
  cost.pieces = static_cast<double>(shard.tokens.values.size());
  cost.bytes = whole.shard;
  cost.reward_bytes = whole.reward;
  // length, two log-probabilities, count, reward: 4 bytes each; finished, origin: 1 each.
  const double piece_bytes = attributes.vocabulary_size > 65536 ? 4.0 : 2.0;
  cost.plain_bytes =
      22.0 * cost.rows + piece_bytes * cost.pieces + 4.0 * static_cast<double>(shard.candidates_per_source.size());
  // The line through both sizes.
  const double more = cost.samples - samples_of(start);
  cost.bytes_per_sample = more > 0.0 ? (whole.shard + whole.reward - one.shard - one.reward) / more
                                     : (whole.shard + whole.reward) / cost.samples;
  cost.bytes_per_shard = std::max(0.0, whole.shard + whole.reward - cost.bytes_per_sample * cost.samples);
  return cost;
}

}  // namespace rest
