#include "rest/text/tokenizer.hpp"

#include <sentencepiece_processor.h>

#include "rest/core/error.hpp"

namespace rest {

struct Tokenizer::Impl {
  sentencepiece::SentencePieceProcessor processor;
};

Tokenizer::Tokenizer(const std::filesystem::path& model) : impl_(std::make_unique<Impl>()) {
  auto& processor = impl_->processor;
  const auto status = processor.Load(model.string());
  if (!status.ok()) throw Error("cannot load the tokenizer " + model.string(), status.error_message());
  const int there[] = {processor.pad_id(), processor.unk_id(), processor.bos_id(), processor.eos_id()};
  const Token wanted[] = {pad, unknown, begin, end};
  for (int i = 0; i < 4; ++i) {
    if (there[i] != static_cast<int>(wanted[i])) {
      throw Error("the special pieces of " + model.string() + " lie elsewhere",
                  concat("pad, unknown, begin, end are ", there[0], ", ", there[1], ", ", there[2], ", ", there[3]),
                  "train it with --pad_id=0 --unk_id=1 --bos_id=2 --eos_id=3");
    }
  }
}

Tokenizer::~Tokenizer() = default;
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;

std::int64_t Tokenizer::vocabulary_size() const { return impl_->processor.GetPieceSize(); }

std::vector<Token> Tokenizer::encode(const std::string& text) const {
  std::vector<int> ids;
  const auto status = impl_->processor.Encode(text, &ids);
  if (!status.ok()) throw Error("cannot encode \"" + text + "\"", status.error_message());
  return {ids.begin(), ids.end()};
}

std::string Tokenizer::decode(Span<const Token> tokens) const {
  std::vector<int> ids;
  ids.reserve(tokens.size());
  for (const Token token : tokens) {
    if (token >= vocabulary_size()) {
      throw Error(concat("cannot decode token ", token), concat("the tokenizer has ", vocabulary_size(), " pieces"));
    }
    ids.push_back(static_cast<int>(token));
  }
  std::string text;
  const auto status = impl_->processor.Decode(ids, &text);
  if (!status.ok()) throw Error("cannot decode tokens", status.error_message());
  return text;
}

}  // namespace rest
