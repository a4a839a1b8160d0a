#include "rest/grow/generator.hpp"

#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <memory>
#include <numeric>

#include "candidate_set.hpp"
#include "decoder/prefix_tree.hpp"
#include "decoder/tree_decoder.hpp"
#include "heads/projection_head.hpp"
#include "rest/core/philox.hpp"
#include "rest/text/tokenizer.hpp"
#include "source_queue.hpp"

namespace rest {
namespace {

/// A pass being decoded.
struct LivePass {
  Pass pass;
  std::uint32_t unfinished;  // samples, the forced one included
};

/// The samples that stand on a row, and what it took to come there.
struct Standing {
  std::size_t pass;  // in live_
  double log_prob, sampling_log_prob;
  std::size_t first, count;  // in samples_, ascending
};

class Generator {
 public:
  Generator(const SamplingModel& model, const std::vector<GenerateSource>& sources, const GenerateOptions& options)
      : sources_(sources),
        options_(options),
        uniforms_(Purpose::sample, options.seed, options.step),
        queue_(model.encoder(), sources, options, times_),
        decoder_(make_decoder(model, options.kernels, times_)),
        head_(make_head(model, options.kernels, options.sampling)),
        finished_(sources.size()),
        decoded_(sources.size(), 0),
        result_(sources.size()) {}

  std::vector<std::vector<Candidate>> run(const std::function<void(const GenerateCounts&)>& tick) {
    admit();
    while (!rows_.empty()) {
      decode_step();
      admit();
      counts_.seconds = times_.seconds();
      if (tick) tick(counts_);
    }
    return std::move(result_);
  }

 private:
  /// Takes sources in while the rows they may come to need fit.
  void admit() {
    while (auto pass = queue_.take(options_.max_rows - unfinished_)) {
      const std::uint32_t first = pass->first_sample, last = pass->last_sample;
      const std::size_t place = free_place();
      live_[place] = std::make_unique<LivePass>(LivePass{std::move(*pass), last - first});
      unfinished_ += last - first;
      std::vector<std::uint32_t> samples;
      for (std::uint32_t sample = first; sample < last; ++sample) samples.push_back(sample);
      const Standing root{place, 0.0, 0.0, 0, 0};
      if (options_.sharing == GenerateOptions::Sharing::prefixes) {
        stand(root, samples.data(), samples.size(), PrefixTree::none, Tokenizer::begin, 0);
      } else {
        for (const auto& sample : samples) stand(root, &sample, 1, PrefixTree::none, Tokenizer::begin, 0);
      }
    }
  }

  std::size_t free_place() {
    const auto found = std::find(live_.begin(), live_.end(), nullptr);
    if (found != live_.end()) return static_cast<std::size_t>(found - live_.begin());
    live_.emplace_back();
    return live_.size() - 1;
  }

  /// Puts samples on a new row of the next step.
  void stand(Standing standing, const std::uint32_t* samples, std::size_t count, PrefixTree::Node parent, Token token,
             std::int64_t position) {
    standing.first = samples_.size();
    standing.count = count;
    samples_.insert(samples_.end(), samples, samples + count);
    rows_.push_back({tree_.add(parent, token), token, position, &live_[standing.pass]->pass.memory});
    standing_.push_back(standing);
  }

  void decode_step() {
    const at::Tensor hidden = decoder_->step(tree_, rows_);
    counts_.computed_tokens += rows_.size();
    std::vector<PrefixRow> rows;
    std::vector<Standing> standing;
    std::vector<std::uint32_t> samples;
    rows.swap(rows_), standing.swap(standing_), samples.swap(samples_);

    draws_.clear();
    for (std::size_t row = 0; row < rows.size(); ++row) {
      for (std::size_t i = 0; i < standing[row].count; ++i) {
        draws_.push_back(draw_for(row, rows[row], standing[row].pass, samples[standing[row].first + i]));
      }
    }
    times_.charge(Phase::bookkeeping);
    head_->draw(hidden, draws_);
    times_.charge(Phase::head);
    std::size_t first = 0;
    for (std::size_t row = 0; row < rows.size(); ++row) {
      continue_row(rows[row], standing[row], draws_.data() + first, samples.data() + standing[row].first);
      first += standing[row].count;
      if (!tree_.has_children(rows[row].node)) tree_.release(rows[row].node);
    }
    times_.charge(Phase::bookkeeping);
  }

  /// Lets those of the samples on a row that drew the same piece go on together.
  void continue_row(const PrefixRow& row, const Standing& standing, const Draw* draws, const std::uint32_t* samples) {
    order_.resize(standing.count);
    std::iota(order_.begin(), order_.end(), std::size_t{0});
    if (standing.count > 1) {  // it would take memory for one as well
      std::stable_sort(order_.begin(), order_.end(),
                       [&](std::size_t a, std::size_t b) { return draws[a].token < draws[b].token; });
    }
    cut_.clear();
    for (std::size_t first = 0, last = 0; first < order_.size(); first = last) {
      const Draw& drawn = draws[order_[first]];
      const auto token = static_cast<Token>(drawn.token);
      group_.clear();
      for (; last < order_.size() && draws[order_[last]].token == drawn.token; ++last) {
        const std::uint32_t sample = samples[order_[last]];
        const bool too_long = row.position >= options_.max_length && token != Tokenizer::end && sample != forced();
        (too_long ? cut_ : group_).push_back(sample);
      }
      if (group_.empty()) continue;
      counts_.candidate_tokens += group_.size();
      Standing next = standing;
      next.log_prob += drawn.log_prob;
      next.sampling_log_prob += drawn.sampling_log_prob;
      if (token == Tokenizer::end) {
        finish(row, next, group_, /*finished=*/true);
      } else if (options_.sharing == GenerateOptions::Sharing::prefixes) {
        stand(next, group_.data(), group_.size(), row.node, token, row.position + 1);
      } else {
        for (const auto& sample : group_) stand(next, &sample, 1, row.node, token, row.position + 1);
      }
    }
    std::sort(cut_.begin(), cut_.end());
    if (!cut_.empty()) finish(row, standing, cut_, /*finished=*/false);
  }

  std::uint32_t forced() const { return static_cast<std::uint32_t>(options_.samples); }

  Draw draw_for(std::size_t at, const PrefixRow& row, std::size_t pass, std::uint32_t sample) const {
    const GenerateSource& source = sources_[live_[pass]->pass.source];
    const auto position = static_cast<std::size_t>(row.position);
    Draw draw{static_cast<std::int64_t>(at)};
    if (sample == forced()) {
      draw.token = position < source.original.size() ? source.original[position] : Tokenizer::end;
    } else {
      draw.uniform =
          uniforms_.uniform(static_cast<std::uint32_t>(source.id), static_cast<std::uint32_t>(source.id >> 32), sample,
                            static_cast<std::uint32_t>(position));
    }
    return draw;
  }

  /// Samples that ended behind `row`; when the forced one is among them it becomes a candidate of its own.
  void finish(const PrefixRow& row, const Standing& standing, const std::vector<std::uint32_t>& samples,
              bool finished) {
    LivePass& live = *live_[standing.pass];
    const std::size_t source = live.pass.source;
    const bool with_forced = samples.back() == forced();
    const auto drawn = static_cast<std::uint32_t>(samples.size() - (with_forced ? 1 : 0));
    Candidate candidate{
        tree_.tokens(row.node, row.position), standing.log_prob, standing.sampling_log_prob, 0, finished, false};
    if (drawn > 0) {
      candidate.count = drawn;
      finished_[source].push_back({candidate, samples.front()});
    }
    if (with_forced) {
      candidate.count = 1;
      candidate.original = true;
      finished_[source].push_back({std::move(candidate), forced()});
    }
    const auto count = static_cast<std::uint32_t>(samples.size());
    unfinished_ -= count;
    live.unfinished -= count;
    if (live.unfinished == 0) end_pass(standing.pass);
  }

  void end_pass(std::size_t place) {
    const Pass& pass = live_[place]->pass;
    const std::size_t source = pass.source;
    decoded_[source] += pass.size();
    live_[place].reset();
    const auto total = options_.samples + (sources_[source].has_original ? 1 : 0);
    if (decoded_[source] < total) return;
    result_[source] = merge_candidates(std::move(finished_[source]));
    ++counts_.sources;
  }

  PhaseTimes times_;
  const std::vector<GenerateSource>& sources_;
  const GenerateOptions& options_;
  Philox uniforms_;
  SourceQueue queue_;
  PrefixTree tree_;
  std::unique_ptr<TreeDecoder> decoder_;
  std::unique_ptr<ProjectionHead> head_;
  GenerateCounts counts_;

  std::vector<std::unique_ptr<LivePass>> live_;
  std::int64_t unfinished_ = 0;  // samples of live passes

  // The rows of the next step, and the numbers of the samples on them.
  std::vector<PrefixRow> rows_;
  std::vector<Standing> standing_;
  std::vector<std::uint32_t> samples_;

  std::vector<Draw> draws_;                 // of a step
  std::vector<std::size_t> order_;          // of one row's draws: by piece
  std::vector<std::uint32_t> group_, cut_;  // of one row: those that drew the same; those now too long

  std::vector<std::vector<FinishedPrefix>> finished_;  // per source
  std::vector<std::int64_t> decoded_;                  // samples per source whose passes are over
  std::vector<std::vector<Candidate>> result_;
};

}  // namespace

GenerateCounts operator+(GenerateCounts a, const GenerateCounts& b) {
  a.sources += b.sources;
  a.candidate_tokens += b.candidate_tokens;
  a.computed_tokens += b.computed_tokens;
  for (std::size_t i = 0; i < a.seconds.size(); ++i) a.seconds[i] += b.seconds[i];
  return a;
}

std::vector<std::vector<Candidate>> generate(const SamplingModel& model, const std::vector<GenerateSource>& sources,
                                             const GenerateOptions& options,
                                             const std::function<void(const GenerateCounts&)>& tick) {
  GenerateOptions resolved = options;
  if (options.sampling.temperature == 0.0) resolved.samples = std::min<std::int64_t>(options.samples, 1);
  resolved.max_rows = std::max<std::int64_t>(options.max_rows, 1);
  const c10::InferenceMode inference;
  return Generator(model, sources, resolved).run(tick);
}

}  // namespace rest
