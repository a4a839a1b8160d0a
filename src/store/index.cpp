#include <algorithm>
#include <set>

#include "hdf5.hpp"
#include "rest/core/error.hpp"
#include "rest/store/candidates.hpp"
#include "rest/store/content.hpp"
#include "shard_file.hpp"

namespace rest {
namespace {

constexpr const char* format_name = "rest-index";
constexpr std::int64_t format_version = 1;

struct Column {
  std::string name;
  hdf5::Type type;
};

/// What the index needs to know of a step: global offsets of the shards (shards + 1 entries each) and their digests.
struct Step {
  ShardAttributes attributes;
  std::vector<std::string> digests;
  std::vector<std::uint64_t> candidate_offset{0}, token_offset{0}, source_offset{0};
  std::vector<std::string> rewards;
  nlohmann::json inputs = nlohmann::json::object();

  std::int64_t shards() const { return static_cast<std::int64_t>(digests.size()); }
};

std::filesystem::path index_file(const std::filesystem::path& grow_dir) { return grow_dir / "index.h5"; }

bool equal(const ShardAttributes& a, const ShardAttributes& b) {
  return a.vocabulary_size == b.vocabulary_size && a.tokenizer_digest == b.tokenizer_digest &&
         a.policy_digest == b.policy_digest && a.corpus_digest == b.corpus_digest && a.options == b.options;
}

void add_shard(const std::filesystem::path& path, Step& step) {
  const CommitRecord record = verify_committed(path, "rest_grow");
  const hdf5::File file = open_shard(path);
  const ShardAttributes attributes = read_attributes(file);
  if (step.digests.empty()) step.attributes = attributes;
  if (!equal(attributes, step.attributes)) {
    throw Error(path.string() + " does not belong to the same Grow step as shard-00000.h5 beside it",
                "policy, corpus, tokenizer or sampling options differ", "use another run directory");
  }
  if (const std::int64_t first = file.read_integer("first_source");
      first != static_cast<std::int64_t>(step.source_offset.back())) {
    file.fail_attribute("first_source",
                        concat("is ", first, " where the shards before end at ", step.source_offset.back()));
  }
  step.digests.push_back(record.sha256);
  step.inputs[path.filename().string()] = record.sha256;
  step.source_offset.push_back(step.source_offset.back() + file.size("candidates_per_source"));
  step.candidate_offset.push_back(step.candidate_offset.back() + file.size("length"));
  step.token_offset.push_back(step.token_offset.back() + file.size("tokens"));
}

bool is_complete(const std::filesystem::path& grow_dir, const std::string& reward, std::int64_t shards) {
  for (std::int64_t shard = 0; shard < shards; ++shard) {
    if (!find_committed(reward_file(grow_dir, reward, shard))) return false;
  }
  return true;
}

// The rewards asked for, which must be there, and any other that is complete.
std::set<std::string> rewards_of(const std::filesystem::path& grow_dir, std::int64_t shards,
                                 const std::vector<std::string>& asked) {
  std::set<std::string> names(asked.begin(), asked.end());
  const std::filesystem::path folder = grow_dir / "rewards";
  if (!std::filesystem::is_directory(folder)) return names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (entry.is_directory() && is_complete(grow_dir, name, shards)) names.insert(name);
  }
  return names;
}

void add_reward(const std::filesystem::path& grow_dir, const std::string& reward, Step& step) {
  for (std::int64_t shard = 0; shard < step.shards(); ++shard) {
    const auto i = static_cast<std::size_t>(shard);
    const std::filesystem::path path = reward_file(grow_dir, reward, shard);
    const std::size_t rows = read_rewards(path, step.digests[i]).reward.size();
    if (rows != step.candidate_offset[i + 1] - step.candidate_offset[i]) {
      throw Error(concat(path.string(), ": dataset reward: ", rows, " values for ",
                         step.candidate_offset[i + 1] - step.candidate_offset[i], " candidates"));
    }
    step.inputs[std::filesystem::relative(path, grow_dir).generic_string()] =
        find_committed(path).value_or(CommitRecord{}).sha256;
  }
  step.rewards.push_back(reward);
}

/// A virtual dataset over `dataset` of all shards; `folder` is "" or "rewards/<name>/".
void write_view(hdf5::File& file, const std::string& name, const std::string& folder, const Column& source,
                const std::vector<std::uint64_t>& offsets) {
  std::vector<hdf5::VirtualSource> sources;
  for (std::size_t shard = 0; shard + 1 < offsets.size(); ++shard) {
    const std::string path = folder + shard_file("", static_cast<std::int64_t>(shard)).generic_string();
    sources.push_back({path, source.name, offsets[shard + 1] - offsets[shard]});
  }
  file.write_virtual(name, sources, source.type);
}

std::vector<Column> candidate_columns() {
  using hdf5::Type;
  return {{"length", Type::u32}, {"log_prob", Type::f32}, {"sampling_log_prob", Type::f32},
          {"count", Type::u32},  {"finished", Type::u8},  {"origin", Type::u8}};
}

void save(const std::filesystem::path& path, const Step& step, const Lineage& lineage) {
  using hdf5::Type;
  hdf5::File file = hdf5::File::create(path);
  file.write_format(format_name, format_version);
  write_attributes(file, step.attributes);
  file.write_attribute("lineage", lineage.dump());
  file.write<std::uint64_t>("shard_source_offset", step.source_offset);
  file.write<std::uint64_t>("shard_candidate_offset", step.candidate_offset);
  file.write<std::uint64_t>("shard_token_offset", step.token_offset);
  const auto view = [&](const Column& column, const std::vector<std::uint64_t>& offsets) {
    write_view(file, column.name, "", column, offsets);
  };
  view({"candidates_per_source", Type::u32}, step.source_offset);
  view({"tokens", hdf5::token_type(step.attributes.vocabulary_size)}, step.token_offset);
  for (const Column& column : candidate_columns()) view(column, step.candidate_offset);
  file.create_group("rewards");
  for (const std::string& reward : step.rewards) {
    write_view(file, "rewards/" + reward, "rewards/" + reward + "/", {"reward", Type::f32}, step.candidate_offset);
  }
  file.save();
}

std::vector<std::uint64_t> load_offsets(const hdf5::File& file, const std::string& name) {
  auto offsets = file.read<std::uint64_t>(name);
  if (offsets.empty() || !std::is_sorted(offsets.begin(), offsets.end())) file.fail(name, "no rising offsets");
  return offsets;
}

hdf5::File open_index(const std::filesystem::path& path) {
  hdf5::File file = hdf5::File::open(path);
  file.require_format(format_name, format_version);
  return file;
}

void require_view(const hdf5::File& file, const std::string& name, std::uint64_t size) {
  if (file.size(name) != size) file.fail(name, concat(file.size(name), " values where its offsets say ", size));
}

}  // namespace

void write_index(const std::filesystem::path& grow_dir, std::int64_t shards, const std::vector<std::string>& rewards) {
  require_shards(grow_dir, shards);
  Step step;
  for (std::int64_t shard = 0; shard < shards; ++shard) add_shard(shard_file(grow_dir, shard), step);
  for (const std::string& reward : rewards_of(grow_dir, shards, rewards)) add_reward(grow_dir, reward, step);

  const Lineage lineage = make_lineage("index", step.inputs, {{"shards", shards}, {"rewards", step.rewards}});
  const auto there = find_committed(index_file(grow_dir));
  if (there && there->lineage == lineage) return;
  commit_file(
      index_file(grow_dir), lineage, [&](const std::filesystem::path& path) { save(path, step, lineage); },
      [&](const std::filesystem::path& path) {
        if (load_offsets(open_index(path), "shard_source_offset") != step.source_offset) {
          throw Error(path.string() + " does not hold what was written");
        }
      });
}

StepExtent read_extent(const std::filesystem::path& grow_dir) {
  const std::filesystem::path path = index_file(grow_dir);
  const nlohmann::json inputs = verify_committed(path, "rest_grow").lineage.at("inputs");
  const hdf5::File file = open_index(path);
  StepExtent extent{load_offsets(file, "shard_source_offset"),
                    load_offsets(file, "shard_candidate_offset"),
                    {},
                    read_attributes(file)};
  for (std::int64_t shard = 0; shard < extent.shards(); ++shard) {
    extent.shard_digests.push_back(inputs.value(shard_file("", shard).string(), ""));
  }
  return extent;
}

IndexContent load_index(const std::filesystem::path& path) {
  const hdf5::File file = open_index(path);
  const IndexContent index{load_offsets(file, "shard_source_offset"), load_offsets(file, "shard_candidate_offset"),
                           load_offsets(file, "shard_token_offset"), read_attributes(file), file.read_json("lineage")};
  require_view(file, "candidates_per_source", index.source_offset.back());
  require_view(file, "tokens", index.token_offset.back());
  for (const Column& column : candidate_columns()) require_view(file, column.name, index.candidate_offset.back());
  for (const auto& reward : index.lineage.at("options").at("rewards")) {
    require_view(file, "rewards/" + reward.get<std::string>(), index.candidate_offset.back());
  }
  return index;
}

}  // namespace rest
