#pragma once

#include <memory>

#include "rest/select/scored_step.hpp"
#include "rest/store/corpus.hpp"
#include "unit/store/grow_fixture.hpp"

namespace rest {

/// The step of GrowTest with the corpus it was grown from.
class ScoredTest : public GrowTest {
 protected:
  ScoredTest() { write_sources(corpus()); }

  /// Source i is the one piece 100 + i.
  static Corpus corpus(std::size_t sources = 5) {
    Corpus corpus;
    corpus.vocabulary_size = 1000;
    corpus.tokenizer_digest = "tokenizer0";
    for (std::size_t i = 0; i < sources; ++i) {
      corpus.source.tokens.push_back(std::vector<Token>{static_cast<Token>(100 + i % 900)});
    }
    corpus.source.text.resize(sources);
    return corpus;
  }
  /// What steps are read with from now on.
  void use_sources(const Corpus& corpus) {
    write_corpus(dir() / "corpus.h5", corpus, make_lineage("corpus", {}, {}));
    sources_ = std::make_unique<CorpusSources>(dir() / "corpus.h5");
  }
  /// What shards say they were grown from, from now on.
  void write_sources(const Corpus& corpus) {
    use_sources(corpus);
    corpus_digest_ = sources_->digest();
  }
  ScoredStep step(const std::string& reward = "chrf") const { return {dir(), reward, *sources_}; }

 private:
  std::unique_ptr<CorpusSources> sources_;
};

}  // namespace rest
