#include "rest/store/prepare_corpus.hpp"

#include <fstream>

#include "encode_bitext.hpp"
#include "rest/comm/agreement.hpp"
#include "rest/comm/build_info.hpp"
#include "rest/core/committed.hpp"
#include "rest/core/error.hpp"
#include "rest/core/log.hpp"
#include "rest/core/signals.hpp"

namespace rest {
namespace {

// One corpus to make: the files it comes from and what becomes of unusable lines.
struct CorpusInput {
  std::string name, source, target;
  Unusable unusable;
  std::string files() const { return target.empty() ? source : source + " and " + target; }
};

/// Rank 0 works alone.
nlohmann::json sidecar() { return made_by({}, 1); }

// A file that cannot be read is a matter of the key that names it.
std::string digest_of_input(const std::string& key, const std::string& file) {
  if (!std::filesystem::is_regular_file(file)) {
    throw Error("cannot read " + file, "no such file", "look at data." + key + " of the experiment");
  }
  return sha256_of_file(file);
}

void write_text(const std::filesystem::path& file, const std::string& text) {
  std::ofstream out(file, std::ios::binary);
  out << text;
  out.close();
  if (!out) throw Error("cannot write " + file.string());
}

/// Nothing is left behind: what is complete stays, the rest is made after the next start.
void leave_if_stopped() {
  if (stop_requested()) throw Stopped();
}

Bitext read(const CorpusInput& input) {
  return input.target.empty() ? read_monolingual(input.source) : read_bitext(input.source, input.target);
}

void require_key(const std::string& key, const std::string& value) {
  if (value.empty()) throw UsageError("data." + key + " is missing", "", "name a text file in section [data]");
}

std::vector<CorpusInput> corpus_inputs(const DataOptions& data) {
  require_key("train_source", data.train_source);
  require_key("train_target", data.train_target);
  require_key("valid_source", data.valid_source);
  require_key("valid_target", data.valid_target);
  // Sets that may lose no line come first: they fail before the long work on the training bitext.
  std::vector<CorpusInput> inputs = {{"valid", data.valid_source, data.valid_target, Unusable::refuse}};
  if (!data.test_source.empty() || !data.test_target.empty()) {
    require_key("test_source", data.test_source);
    require_key("test_target", data.test_target);
    inputs.push_back({"test", data.test_source, data.test_target, Unusable::refuse});
  }
  inputs.push_back({"train", data.train_source, data.train_target, Unusable::drop});
  if (!data.monolingual_source.empty()) {
    inputs.push_back({"monolingual", data.monolingual_source, "", Unusable::drop});
  }
  return inputs;
}

Lineage tokenizer_lineage(const DataOptions& data) {
  if (!data.tokenizer.empty()) {
    return make_lineage("tokenizer", {{"model", digest_of_input("tokenizer", data.tokenizer)}},
                        nlohmann::json::object());
  }
  return make_lineage(
      "tokenizer",
      {{"train_source", digest_of_input("train_source", data.train_source)},
       {"train_target", digest_of_input("train_target", data.train_target)}},
      {{"data.vocabulary_size", data.vocabulary_size}, {"data.character_coverage", data.character_coverage}});
}

void train_on_bitext(const DataOptions& data, const std::filesystem::path& model) {
  Bitext bitext = read_bitext(data.train_source, data.train_target);
  std::vector<std::string> sentences = std::move(bitext.source);
  sentences.insert(sentences.end(), std::make_move_iterator(bitext.target.begin()),
                   std::make_move_iterator(bitext.target.end()));
  log_info(concat("training a tokenizer of ", data.vocabulary_size, " pieces on ", sentences.size(), " sentences"));
  train_tokenizer(sentences, {data.vocabulary_size, data.character_coverage}, model);
}

void check_vocabulary(const Tokenizer& tokenizer, const DataOptions& data) {
  if (tokenizer.vocabulary_size() == data.vocabulary_size) return;
  throw Error(concat("data.vocabulary_size is ", data.vocabulary_size, " but the tokenizer has ",
                     tokenizer.vocabulary_size(), " pieces"),
              data.tokenizer.empty() ? "" : data.tokenizer,
              concat("set data.vocabulary_size = ", tokenizer.vocabulary_size()));
}

void prepare_tokenizer(const DataOptions& data, const RunDirectory& run) {
  const Lineage lineage = tokenizer_lineage(data);
  if (is_committed(run.tokenizer(), lineage)) return log_info("tokenizer: complete");
  std::filesystem::create_directories(run.tokenizer().parent_path());
  const auto write = [&](const std::filesystem::path& model) {
    if (data.tokenizer.empty()) return train_on_bitext(data, model);
    std::filesystem::copy_file(data.tokenizer, model, std::filesystem::copy_options::overwrite_existing);
  };
  const auto verify = [&](const std::filesystem::path& model) { check_vocabulary(Tokenizer(model), data); };
  commit_file(run.tokenizer(), lineage, write, verify, sidecar());
}

Lineage corpus_lineage(const CorpusInput& input, const std::string& tokenizer_digest, const DataOptions& data) {
  nlohmann::json inputs = {{"tokenizer", tokenizer_digest},
                           {"source", digest_of_input(input.name + "_source", input.source)}};
  if (!input.target.empty()) inputs["target"] = digest_of_input(input.name + "_target", input.target);
  return make_lineage("corpus", inputs, {{"data.max_length", data.max_length}});
}

void prepare_corpus(const CorpusInput& input, const std::string& tokenizer_digest, const DataOptions& data,
                    const RunDirectory& run) {
  leave_if_stopped();
  const std::filesystem::path file = run.corpus(input.name),
                              report_file = std::filesystem::path(file).replace_extension(".report.json");
  const Lineage lineage = corpus_lineage(input, tokenizer_digest, data);
  if (is_committed(file, lineage) && is_committed(report_file, lineage)) {
    return log_info("corpus " + input.name + ": complete");
  }
  const Tokenizer tokenizer(run.tokenizer());
  Bitext bitext = read(input);
  Progress progress("encode " + input.name, "pairs", bitext.source.size(), Progress::Output::enabled,
                    run.progress_sink());
  EncodedBitext encoded = encode_bitext(std::move(bitext), tokenizer, data.max_length, input.unusable, input.files(),
                                        [&](std::size_t done) {
                                          leave_if_stopped();
                                          progress.update(done);
                                        });
  encoded.corpus.tokenizer_digest = tokenizer_digest;
  log_dropped(encoded, input.unusable, input.files());

  // The report goes first, so that a complete corpus has one.
  std::filesystem::create_directories(file.parent_path());
  const nlohmann::json report = corpus_report(encoded, input.unusable);
  commit_json(report_file, report, lineage);
  write_corpus(file, encoded.corpus, lineage, sidecar());
  log_info(concat("corpus ", input.name, ": ", encoded.corpus.size(), " sentences, ", report["source_pieces"],
                  " source and ", report["target_pieces"], " target pieces"));
}

// The experiment as it was last prepared, for people to read. Its data paths are absolute, as it lies elsewhere.
void write_experiment(Experiment experiment, const RunDirectory& run) {
  DataOptions& data = experiment.data;
  for (std::string* path :
       {&data.train_source, &data.train_target, &data.valid_source, &data.valid_target, &data.test_source,
        &data.test_target, &data.monolingual_source, &data.tokenizer, &experiment.train.initial_policy}) {
    if (!path->empty()) *path = std::filesystem::absolute(*path).lexically_normal().string();
  }
  const std::filesystem::path file = run.root() / "experiment.toml", unfinished = file.string() + ".tmp";
  write_text(unfinished, to_toml(experiment));
  std::filesystem::rename(unfinished, file);
}

}  // namespace

void prepare_corpora(const Communicator& world, const Experiment& experiment, const RunDirectory& run) {
  const std::vector<CorpusInput> inputs = corpus_inputs(experiment.data);
  on_root(world, [&] {
    prepare_tokenizer(experiment.data, run);
    const std::string tokenizer_digest = verify_committed(run.tokenizer(), "rest_prepare").sha256;
    for (const CorpusInput& input : inputs) prepare_corpus(input, tokenizer_digest, experiment.data, run);
    write_experiment(experiment, run);
  });
}

}  // namespace rest
