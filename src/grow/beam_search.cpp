#include "rest/grow/beam_search.hpp"

#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <cmath>
#include <list>

#include "best_tokens.hpp"
#include "decoder/prefix_tree.hpp"
#include "decoder/tree_decoder.hpp"
#include "rest/core/error.hpp"
#include "rest/text/tokenizer.hpp"
#include "source_queue.hpp"

namespace rest {
namespace {

/// A hypothesis that goes on.
struct Live {
  PrefixTree::Node node;
  Token token;
  double log_prob;
};

/// Of live hypothesis `parent` by `token`. Within a parent better tokens come first.
struct Continuation {
  double log_prob;
  std::size_t parent, order;
  Token token;
};

/// A source being searched. Its live hypotheses all have `length` pieces.
struct Search {
  std::size_t source;
  SourceMemory memory;
  std::int64_t length = 0;
  std::vector<Live> live;  // best first
  std::vector<Hypothesis> finished;
};

class BeamSearch {
 public:
  BeamSearch(const SamplingModel& model, const std::vector<GenerateSource>& sources, const GenerateOptions& room,
             const BeamOptions& options)
      : options_(options),
        model_(model.model()),
        queue_(model.encoder(), sources, room, times_),
        max_rows_(room.max_rows),
        decoder_(make_decoder(model, options.kernels, times_)),
        result_(sources.size()) {}

  std::vector<std::vector<Hypothesis>> run(const std::function<void()>& tick) {
    admit();
    while (!searches_.empty()) {
      decode_step();
      admit();
      if (tick) tick();
    }
    return std::move(result_);
  }

 private:
  std::size_t beam() const { return static_cast<std::size_t>(options_.beam); }

  void admit() {
    const auto taken = static_cast<std::int64_t>(searches_.size()) * options_.beam;
    for (std::int64_t room = max_rows_ - taken; auto pass = queue_.take(room); room -= options_.beam) {
      Search search{pass->source, std::move(pass->memory), 0, {}, {}};
      search.live.push_back({tree_.add(PrefixTree::none, Tokenizer::begin), Tokenizer::begin, 0.0});
      searches_.push_back(std::move(search));
    }
  }

  void decode_step() {
    std::vector<PrefixRow> rows;
    for (const Search& search : searches_) {
      for (const Live& live : search.live) rows.push_back({live.node, live.token, search.length, &search.memory});
    }
    // Of 2 beam continuations at most half end, one a live hypothesis: beam others are among them.
    const auto best = best_tokens(model_, decoder_->step(tree_, rows), 2 * beam());
    std::size_t row = 0;
    for (auto search = searches_.begin(); search != searches_.end();) {
      advance(*search, best.data() + row);
      row += search->live.size();
      search = settle(*search) ? searches_.erase(search) : std::next(search);
    }
  }

  /// Ranks what may follow and takes over what ends. `best` has the likeliest tokens of each live hypothesis.
  void advance(Search& search, const std::vector<LikelyToken>* best) {
    std::vector<Continuation> ranked;
    for (std::size_t parent = 0; parent < search.live.size(); ++parent) {
      for (std::size_t order = 0; order < best[parent].size(); ++order) {
        const auto& [token, log_prob] = best[parent][order];
        ranked.push_back({search.live[parent].log_prob + log_prob, parent, order, token});
      }
    }
    const std::size_t kept = std::min(2 * beam(), ranked.size());
    std::partial_sort(ranked.begin(), ranked.begin() + static_cast<std::ptrdiff_t>(kept), ranked.end(),
                      [](const Continuation& a, const Continuation& b) {
                        if (a.log_prob != b.log_prob) return a.log_prob > b.log_prob;
                        return a.parent != b.parent ? a.parent < b.parent : a.order < b.order;
                      });
    next_.clear();
    ended_.assign(search.live.size(), false);
    for (std::size_t rank = 0; rank < kept; ++rank) {
      const Continuation& next = ranked[rank];
      if (next.token != Tokenizer::end) {
        if (next_.size() < beam()) next_.push_back(next);
      } else if (rank < beam() && search.finished.size() < beam()) {
        finish(search, search.live[next.parent], next.log_prob, /*finished=*/true);
        ended_[next.parent] = true;
      }
    }
  }

  /// Lets the survivors of advance() live on, or ends the search: true.
  bool settle(Search& search) {
    const bool enough = search.finished.size() >= beam(), longest = search.length >= options_.max_length;
    if (longest && !enough) cut(search);
    std::vector<Live> before;
    before.swap(search.live);
    if (!enough && !longest) {
      for (const Continuation& next : next_) {
        search.live.push_back({tree_.add(before[next.parent].node, next.token), next.token, next.log_prob});
      }
    }
    for (const Live& live : before) {
      if (!tree_.has_children(live.node)) tree_.release(live.node);
    }
    ++search.length;
    if (!search.live.empty()) return false;
    result_[search.source] = best_first(std::move(search.finished));
    return true;
  }

  void finish(Search& search, const Live& live, double log_prob, bool finished) {
    const auto length = static_cast<double>(search.length + (finished ? 1 : 0));
    search.finished.push_back({tree_.tokens(live.node, search.length), log_prob,
                               log_prob / std::pow(length, options_.length_penalty), finished});
  }

  /// At the maximum length: fills up with live hypotheses that some survivor continues, which would be too long.
  void cut(Search& search) {
    for (const Continuation& next : next_) {
      if (ended_[next.parent] || search.finished.size() >= beam()) continue;
      ended_[next.parent] = true;
      finish(search, search.live[next.parent], search.live[next.parent].log_prob, /*finished=*/false);
    }
  }

  static std::vector<Hypothesis> best_first(std::vector<Hypothesis> hypotheses) {
    std::stable_sort(hypotheses.begin(), hypotheses.end(), [](const Hypothesis& a, const Hypothesis& b) {
      return a.finished != b.finished ? a.finished : a.score > b.score;
    });
    return hypotheses;
  }

  const BeamOptions& options_;
  const Transformer& model_;
  PhaseTimes times_;
  SourceQueue queue_;
  std::int64_t max_rows_;
  PrefixTree tree_;
  std::unique_ptr<TreeDecoder> decoder_;
  std::list<Search> searches_;      // rows point to their memories
  std::vector<Continuation> next_;  // of the search in hand: survivors, best first
  std::vector<bool> ended_;         // of the search in hand: live hypotheses that became a result
  std::vector<std::vector<Hypothesis>> result_;
};

}  // namespace

std::vector<std::vector<Hypothesis>> beam_search(const SamplingModel& model, const std::vector<GenerateSource>& sources,
                                                 const BeamOptions& options, const std::function<void()>& tick) {
  if (options.beam < 1) throw Error(concat("a beam of ", options.beam), "it holds hypotheses", "give at least 1");
  std::vector<GenerateSource> without_targets = sources;
  for (GenerateSource& source : without_targets) {
    source.original = {};
    source.has_original = false;
  }
  GenerateOptions room;
  room.samples = options.beam;
  room.max_rows = std::max(options.max_rows, options.beam);
  const c10::InferenceMode inference;
  return BeamSearch(model, without_targets, room, options).run(tick);
}

}  // namespace rest
