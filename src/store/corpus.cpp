#include "rest/store/corpus.hpp"

#include "columns.hpp"
#include "corpus_file.hpp"
#include "rest/core/error.hpp"
#include "rest/store/content.hpp"

namespace rest {
namespace {

constexpr const char* format_name = "rest-corpus";
constexpr std::int64_t format_version = 1;

void write_side(hdf5::File& file, const std::string& group, const CorpusSide& side, std::int64_t vocabulary_size) {
  if (side.text.size() != side.tokens.size()) {
    file.fail(group + "/text", concat(side.text.size(), " sentences for ", side.tokens.size(), " rows of pieces"));
  }
  file.create_group(group);
  hdf5::write_tokens(file, group + "/", side.tokens, vocabulary_size);
  std::vector<std::uint8_t> text;
  std::vector<std::uint32_t> text_length;
  for (const std::string& sentence : side.text) {
    text.insert(text.end(), sentence.begin(), sentence.end());
    text_length.push_back(static_cast<std::uint32_t>(sentence.size()));
  }
  file.write<std::uint8_t>(group + "/text", text);
  file.write<std::uint32_t>(group + "/text_length", text_length);
}

CorpusSide read_side(const hdf5::File& file, const std::string& group, std::int64_t vocabulary_size) {
  CorpusSide side;
  side.tokens = hdf5::read_tokens(file, group + "/", vocabulary_size);
  const auto text = file.read<std::uint8_t>(group + "/text");
  const auto text_length = file.read<std::uint32_t>(group + "/text_length", side.tokens.size());
  hdf5::require_sum(file, group + "/text_length", text_length, group + "/text", text.size());
  auto sentence = text.begin();
  for (const std::uint32_t bytes : text_length) {
    side.text.emplace_back(sentence, sentence + bytes);
    sentence += bytes;
  }
  return side;
}

void save(const std::filesystem::path& path, const Corpus& corpus, const Lineage& lineage) {
  hdf5::File file = hdf5::File::create(path);
  file.write_format(format_name, format_version);
  file.write_attribute("vocabulary_size", corpus.vocabulary_size);
  file.write_attribute("tokenizer", corpus.tokenizer_digest);
  file.write_attribute("lineage", lineage.dump());
  write_side(file, "source", corpus.source, corpus.vocabulary_size);
  if (corpus.target.tokens.size() > 0) {
    if (!corpus.has_target()) {
      file.fail("target/length", concat(corpus.target.tokens.size(), " rows for ", corpus.size(), " sources"));
    }
    write_side(file, "target", corpus.target, corpus.vocabulary_size);
  }
  file.save();
}

Corpus load(const std::filesystem::path& path) {
  const hdf5::File file = open_corpus(path);
  Corpus corpus;
  corpus.vocabulary_size = hdf5::read_vocabulary_size(file);
  corpus.tokenizer_digest = file.read_text("tokenizer");
  corpus.source = read_side(file, "source", corpus.vocabulary_size);
  if (file.has("target")) {
    corpus.target = read_side(file, "target", corpus.vocabulary_size);
    if (corpus.target.tokens.size() != corpus.size()) {
      file.fail("target/length", concat(corpus.target.tokens.size(), " rows for ", corpus.size(), " sources"));
    }
  }
  return corpus;
}

bool equal(const CorpusSide& a, const CorpusSide& b) {
  return a.tokens.offsets == b.tokens.offsets && a.tokens.values == b.tokens.values && a.text == b.text;
}

}  // namespace

hdf5::File open_corpus(const std::filesystem::path& path) {
  hdf5::File file = hdf5::File::open(path);
  file.require_format(format_name, format_version);
  return file;
}

void write_corpus(const std::filesystem::path& file, const Corpus& corpus, const Lineage& lineage,
                  const nlohmann::json& sidecar) {
  commit_file(
      file, lineage, [&](const std::filesystem::path& path) { save(path, corpus, lineage); },
      [&](const std::filesystem::path& path) {
        const Corpus there = load(path);
        if (there.vocabulary_size != corpus.vocabulary_size || there.tokenizer_digest != corpus.tokenizer_digest ||
            !equal(there.source, corpus.source) || !equal(there.target, corpus.target)) {
          throw Error(path.string() + " does not hold what was written");
        }
      },
      sidecar);
}

Corpus read_corpus(const std::filesystem::path& file) {
  const CommitRecord record = verify_committed(file, "rest_prepare");
  Corpus corpus = load(file);
  corpus.digest = record.sha256;
  return corpus;
}

CorpusContent load_corpus(const std::filesystem::path& file) {
  return {load(file), open_corpus(file).read_json("lineage")};
}

std::uint64_t corpus_size(const std::filesystem::path& file) { return open_corpus(file).size("source/length"); }

}  // namespace rest
