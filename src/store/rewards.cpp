#include "columns.hpp"
#include "hdf5.hpp"
#include "rest/core/error.hpp"
#include "rest/store/candidates.hpp"
#include "rest/store/content.hpp"
#include "rewards_file.hpp"

namespace rest {
namespace {

constexpr const char* format_name = "rest-rewards";
constexpr std::int64_t format_version = 1;

void require_values(const hdf5::File& file, const std::vector<float>& reward) {
  for (std::size_t i = 0; i < reward.size(); ++i) {
    if (!(reward[i] >= 0.0f && reward[i] <= 1.0f)) {
      file.fail("reward", concat("value ", reward[i], " at ", i, " lies outside [0, 1]"));
    }
  }
}

void save_columns(hdf5::File& file, const RewardColumn& column) {
  const CandidateColumns& candidates = column.candidates;
  if (candidates.size() != column.reward.size()) {
    file.fail("count", concat(candidates.size(), " values for ", column.reward.size(), " rewards"));
  }
  file.write_plain<std::uint32_t>("candidates_per_source", candidates.candidates_per_source);
  file.write_plain<std::uint32_t>("count", candidates.count);
  file.write_plain<std::uint32_t>("length", candidates.length);
  file.write_plain<std::uint8_t>("finished", candidates.finished);
  file.write_plain<std::uint8_t>("origin", candidates.origin);
}

CandidateColumns load_columns(const hdf5::File& file, std::size_t size) {
  CandidateColumns columns;
  columns.candidates_per_source = file.read<std::uint32_t>("candidates_per_source");
  hdf5::require_sum(file, "candidates_per_source", columns.candidates_per_source, "reward", size);
  columns.count = file.read<std::uint32_t>("count", size);
  columns.length = file.read<std::uint32_t>("length", size);
  columns.finished = file.read<std::uint8_t>("finished", size);
  columns.origin = file.read<std::uint8_t>("origin", size);
  return columns;
}

void save(const std::filesystem::path& path, const RewardColumn& column, const Lineage& lineage) {
  hdf5::File file = hdf5::File::create(path);
  require_values(file, column.reward);
  file.write_format(format_name, format_version);
  file.write_attribute("name", column.name);
  file.write_attribute("shard", column.shard_digest);
  file.write_attribute("lineage", lineage.dump());
  file.write_plain<float>("reward", column.reward);
  if (column.candidates.size() > 0) save_columns(file, column);
  file.save();
}

RewardColumn load(const std::filesystem::path& path) {
  const hdf5::File file = open_rewards(path);
  RewardColumn column{file.read_text("name"), file.read_text("shard"), file.read<float>("reward")};
  require_values(file, column.reward);
  if (holds_columns(file)) column.candidates = load_columns(file, column.reward.size());
  return column;
}

bool equal(const RewardColumn& a, const RewardColumn& b) {
  return a.name == b.name && a.shard_digest == b.shard_digest && a.reward == b.reward && a.candidates == b.candidates;
}

}  // namespace

hdf5::File open_rewards(const std::filesystem::path& path) {
  hdf5::File file = hdf5::File::open(path);
  file.require_format(format_name, format_version);
  return file;
}

void write_rewards(const std::filesystem::path& file, const RewardColumn& column, const Lineage& lineage,
                   const nlohmann::json& sidecar) {
  commit_file(
      file, lineage, [&](const std::filesystem::path& path) { save(path, column, lineage); },
      [&](const std::filesystem::path& path) {
        if (!equal(load(path), column)) throw Error(path.string() + " does not hold what was written");
      },
      sidecar);
}

void require_made_for(const hdf5::File& file, const std::filesystem::path& path, const std::string& shard_digest) {
  const std::string there = file.read_text("shard");
  if (there == shard_digest) return;
  throw Error(path.string() + ": attribute shard: made for other candidates",
              concat("for ", there, ", the shard here is ", shard_digest),
              "remove it with its commit record and run rest_score");
}

RewardColumn read_rewards(const std::filesystem::path& file, const std::string& shard_digest) {
  verify_committed(file, "rest_score");
  require_made_for(open_rewards(file), file, shard_digest);
  return load(file);
}

RewardContent load_rewards(const std::filesystem::path& file) {
  return {load(file), hdf5::File::open(file).read_json("lineage")};
}

}  // namespace rest
