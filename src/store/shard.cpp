#include <cstdio>

#include "columns.hpp"
#include "rest/core/error.hpp"
#include "rest/store/candidates.hpp"
#include "rest/store/content.hpp"
#include "shard_file.hpp"

namespace rest {
namespace {

constexpr const char* format_name = "rest-candidates";
constexpr std::int64_t format_version = 1;
// Sums of float32 log-probabilities may end a little above 0.
constexpr float largest_log_prob = 1e-3f;

std::filesystem::path numbered(const std::filesystem::path& dir, std::int64_t shard) {
  char name[40];
  std::snprintf(name, sizeof name, "shard-%05lld.h5", static_cast<long long>(shard));
  return dir / name;
}

template <class T, class Valid>
void require_all(const hdf5::File& file, const std::string& name, const std::vector<T>& values, Valid valid) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!valid(values[i])) file.fail(name, concat("value ", +values[i], " at ", i, " is impossible"));
  }
}

void require_values(const hdf5::File& file, const CandidateShard& shard) {
  const auto log_prob = [](float value) { return value <= largest_log_prob; };  // minus infinity may be, NaN not
  const auto flag = [](std::uint8_t value) { return value <= 1; };
  if (shard.first_source < 0) file.fail_attribute("first_source", "is negative");
  hdf5::require_sum(file, "candidates_per_source", shard.candidates_per_source, "length", shard.size());
  require_all(file, "log_prob", shard.log_prob, log_prob);
  require_all(file, "sampling_log_prob", shard.sampling_log_prob, log_prob);
  require_all(file, "count", shard.count, [](std::uint32_t value) { return value > 0; });
  require_all(file, "finished", shard.finished, flag);
  require_all(file, "origin", shard.origin, flag);
}

template <class T>
void write_column(hdf5::File& file, const std::string& name, const std::vector<T>& values, std::size_t size) {
  if (values.size() != size) file.fail(name, concat(values.size(), " values for ", size, " candidates"));
  file.write<T>(name, values);
}

void save(const std::filesystem::path& path, const CandidateShard& shard, const ShardAttributes& attributes,
          const Lineage& lineage) {
  hdf5::File file = hdf5::File::create(path);
  require_values(file, shard);
  file.write_format(format_name, format_version);
  file.write_attribute("first_source", shard.first_source);
  write_attributes(file, attributes);
  file.write_attribute("lineage", lineage.dump());
  file.write<std::uint32_t>("candidates_per_source", shard.candidates_per_source);
  hdf5::write_tokens(file, "", shard.tokens, attributes.vocabulary_size);
  write_column(file, "log_prob", shard.log_prob, shard.size());
  write_column(file, "sampling_log_prob", shard.sampling_log_prob, shard.size());
  write_column(file, "count", shard.count, shard.size());
  write_column(file, "finished", shard.finished, shard.size());
  write_column(file, "origin", shard.origin, shard.size());
  file.save();
}

CandidateShard load(const std::filesystem::path& path) {
  const hdf5::File file = open_shard(path);
  CandidateShard shard;
  shard.first_source = file.read_integer("first_source");
  shard.candidates_per_source = file.read<std::uint32_t>("candidates_per_source");
  shard.tokens = hdf5::read_tokens(file, "", hdf5::read_vocabulary_size(file));
  shard.log_prob = file.read<float>("log_prob", shard.size());
  shard.sampling_log_prob = file.read<float>("sampling_log_prob", shard.size());
  shard.count = file.read<std::uint32_t>("count", shard.size());
  shard.finished = file.read<std::uint8_t>("finished", shard.size());
  shard.origin = file.read<std::uint8_t>("origin", shard.size());
  require_values(file, shard);
  return shard;
}

bool equal(const CandidateShard& a, const CandidateShard& b) {
  return a.first_source == b.first_source && a.candidates_per_source == b.candidates_per_source &&
         a.tokens.offsets == b.tokens.offsets && a.tokens.values == b.tokens.values && a.log_prob == b.log_prob &&
         a.sampling_log_prob == b.sampling_log_prob && a.count == b.count && a.finished == b.finished &&
         a.origin == b.origin;
}

}  // namespace

std::filesystem::path shard_file(const std::filesystem::path& grow_dir, std::int64_t shard) {
  return numbered(grow_dir, shard);
}

std::filesystem::path reward_file(const std::filesystem::path& grow_dir, const std::string& reward,
                                  std::int64_t shard) {
  return numbered(grow_dir / "rewards" / reward, shard);
}

void write_attributes(hdf5::File& file, const ShardAttributes& attributes) {
  file.write_attribute("vocabulary_size", attributes.vocabulary_size);
  file.write_attribute("tokenizer", attributes.tokenizer_digest);
  file.write_attribute("policy", attributes.policy_digest);
  file.write_attribute("corpus", attributes.corpus_digest);
  file.write_attribute("options", attributes.options.dump());
}

ShardAttributes read_attributes(const hdf5::File& file) {
  return {hdf5::read_vocabulary_size(file), file.read_text("tokenizer"), file.read_text("policy"),
          file.read_text("corpus"), file.read_json("options")};
}

hdf5::File open_shard(const std::filesystem::path& path) {
  hdf5::File file = hdf5::File::open(path);
  file.require_format(format_name, format_version);
  return file;
}

void write_shard(const std::filesystem::path& file, const CandidateShard& shard, const ShardAttributes& attributes,
                 const Lineage& lineage, const nlohmann::json& sidecar) {
  commit_file(
      file, lineage, [&](const std::filesystem::path& path) { save(path, shard, attributes, lineage); },
      [&](const std::filesystem::path& path) {
        if (!equal(load(path), shard)) throw Error(path.string() + " does not hold what was written");
      },
      sidecar);
}

CandidateShard read_shard(const std::filesystem::path& file, Verify verify) {
  if (verify == Verify::bytes) verify_committed(file, "rest_grow");
  return load(file);
}

ShardAttributes read_shard_attributes(const std::filesystem::path& file, Verify verify) {
  if (verify == Verify::bytes) verify_committed(file, "rest_grow");
  return read_attributes(open_shard(file));
}

CandidateColumns::CandidateColumns(const CandidateShard& shard)
    : candidates_per_source(shard.candidates_per_source),
      count(shard.count),
      finished(shard.finished),
      origin(shard.origin) {
  length.reserve(shard.size());
  for (std::size_t i = 0; i < shard.size(); ++i) length.push_back(static_cast<std::uint32_t>(shard.tokens.length(i)));
}

bool operator==(const CandidateColumns& a, const CandidateColumns& b) {
  return a.candidates_per_source == b.candidates_per_source && a.count == b.count && a.length == b.length &&
         a.finished == b.finished && a.origin == b.origin;
}

ShardContent load_shard(const std::filesystem::path& file) {
  const hdf5::File opened = open_shard(file);
  return {load(file), read_attributes(opened), opened.read_json("lineage")};
}

void require_shards(const std::filesystem::path& grow_dir, std::int64_t expected) {
  for (std::int64_t shard = 0; shard < expected; ++shard) {
    if (find_committed(shard_file(grow_dir, shard))) continue;
    throw Error(shard_file(grow_dir, shard).string() + " is missing",
                concat("shard ", shard, " of ", expected, " has no complete file"), "run rest_grow");
  }
}

}  // namespace rest
