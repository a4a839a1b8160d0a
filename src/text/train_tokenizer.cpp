#include <sentencepiece_trainer.h>

#include <algorithm>
#include <fstream>

#include "rest/core/error.hpp"
#include "rest/text/tokenizer.hpp"

namespace rest {
namespace {

class Sentences : public sentencepiece::SentenceIterator {
 public:
  explicit Sentences(const std::vector<std::string>& sentences) : sentences_(sentences) {}
  bool done() const override { return next_ == sentences_.size(); }
  void Next() override { ++next_; }
  const std::string& value() const override { return sentences_[next_]; }
  sentencepiece::util::Status status() const override { return {}; }

 private:
  const std::vector<std::string>& sentences_;
  std::size_t next_ = 0;
};

constexpr std::size_t longest_sentence = 4192;  // bytes; SentencePiece leaves longer ones out

// SentencePiece ends the process when no sentence is left after it has dropped long ones and control characters.
bool is_usable(const std::string& sentence) {
  const auto is_visible = [](char c) { return static_cast<unsigned char>(c) > 0x20 && c != 0x7F; };
  return sentence.size() <= longest_sentence && std::any_of(sentence.begin(), sentence.end(), is_visible);
}

// "./src/x.cc(580) [condition] What is wrong" to "What is wrong".
std::string without_location(const std::string& message) {
  const std::size_t bracket = message.rfind("] ");
  return bracket == std::string::npos ? message : message.substr(bracket + 2);
}

}  // namespace

void train_tokenizer(const std::vector<std::string>& sentences, const TokenizerTraining& options,
                     const std::filesystem::path& model) {
  if (std::none_of(sentences.begin(), sentences.end(), is_usable)) {
    throw Error("cannot train a tokenizer", "there is no text to train it on");
  }
  constexpr std::int64_t least = 4 + 256 + 1;  // special pieces, bytes, one character
  if (options.vocabulary_size < least) {
    throw Error(concat("cannot train a tokenizer of ", options.vocabulary_size, " pieces"),
                "4 special pieces and 256 bytes come first",
                concat("set data.vocabulary_size to ", least, " at least"));
  }
  Sentences iterator(sentences);
  std::string bytes;
  const auto status =
      sentencepiece::SentencePieceTrainer::Train({{"model_type", "unigram"},
                                                  {"vocab_size", std::to_string(options.vocabulary_size)},
                                                  {"character_coverage", concat(options.character_coverage)},
                                                  {"byte_fallback", "true"},
                                                  {"normalization_rule_name", "nmt_nfkc"},
                                                  {"pad_id", std::to_string(Tokenizer::pad)},
                                                  {"unk_id", std::to_string(Tokenizer::unknown)},
                                                  {"bos_id", std::to_string(Tokenizer::begin)},
                                                  {"eos_id", std::to_string(Tokenizer::end)},
                                                  {"max_sentence_length", std::to_string(longest_sentence)},
                                                  {"num_threads", "1"},
                                                  {"minloglevel", "2"}},
                                                 &iterator, &bytes);
  if (!status.ok()) {
    throw Error(concat("cannot train a tokenizer of ", options.vocabulary_size, " pieces"),
                without_location(status.error_message()), "change data.vocabulary_size");
  }
  std::ofstream out(model, std::ios::binary);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  out.close();
  if (!out) throw Error("cannot write the tokenizer " + model.string());
}

}  // namespace rest
