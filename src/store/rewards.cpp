#include "hdf5.hpp"
#include "rest/core/error.hpp"
#include "rest/store/candidates.hpp"
#include "rest/store/content.hpp"

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

void save(const std::filesystem::path& path, const RewardColumn& column, const Lineage& lineage) {
  hdf5::File file = hdf5::File::create(path);
  require_values(file, column.reward);
  file.write_format(format_name, format_version);
  file.write_attribute("name", column.name);
  file.write_attribute("shard", column.shard_digest);
  file.write_attribute("lineage", lineage.dump());
  file.write<float>("reward", column.reward);
  file.save();
}

RewardColumn load(const std::filesystem::path& path) {
  const hdf5::File file = hdf5::File::open(path);
  file.require_format(format_name, format_version);
  RewardColumn column{file.read_text("name"), file.read_text("shard"), file.read<float>("reward")};
  require_values(file, column.reward);
  return column;
}

}  // namespace

void write_rewards(const std::filesystem::path& file, const RewardColumn& column, const Lineage& lineage,
                   const nlohmann::json& sidecar) {
  commit_file(
      file, lineage, [&](const std::filesystem::path& path) { save(path, column, lineage); },
      [&](const std::filesystem::path& path) {
        const RewardColumn there = load(path);
        if (there.name != column.name || there.shard_digest != column.shard_digest || there.reward != column.reward) {
          throw Error(path.string() + " does not hold what was written");
        }
      },
      sidecar);
}

RewardColumn read_rewards(const std::filesystem::path& file, const std::string& shard_digest, Verify verify) {
  if (verify == Verify::bytes) verify_committed(file, "rest_score");
  RewardColumn column = load(file);
  if (column.shard_digest != shard_digest) {
    throw Error(file.string() + ": attribute shard: made for other candidates",
                concat("for ", column.shard_digest, ", the shard here is ", shard_digest),
                "remove it with its commit record and run rest_score");
  }
  return column;
}

RewardContent load_rewards(const std::filesystem::path& file) {
  return {load(file), hdf5::File::open(file).read_json("lineage")};
}

}  // namespace rest
