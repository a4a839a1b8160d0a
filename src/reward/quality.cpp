#include "rest/reward/quality.hpp"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>

#include "../model/functions.hpp"
#include "thoughts.hpp"

namespace rest {
namespace {

constexpr std::size_t batch_rows = 4096;      // of sources and targets, in predictions
constexpr std::size_t chunk_examples = 1024;  // between two answers to waiting ranks

/// Rows that the head reads, of one sequence a translation.
struct Reading {
  torch::Tensor rows;  // [rows, estimator_inputs]
  Sequences sequences;
};

/// [rows, predictor_features]: thoughts(), then whether it is the end piece, and of the whole pair the ratio of lengths
/// (logarithm) and both lengths, scaled to about 1; one place is free, for products like rows of even length.
torch::Tensor features(const Transformer& model, const torch::Tensor& hidden, const Batch& batch) {
  std::vector<float> of_pairs;
  for (std::int64_t s = 0; s < batch.sources.size(); ++s) {
    for (std::int64_t t = batch.readers.first[static_cast<std::size_t>(s)];
         t < batch.readers.first[static_cast<std::size_t>(s) + 1]; ++t) {
      const auto source = static_cast<float>(batch.sources.length(s)),
                 target = static_cast<float>(batch.targets.length(t));
      for (std::int64_t row = 0; row < batch.targets.length(t); ++row) {
        of_pairs.insert(of_pairs.end(), {row + 1 == batch.targets.length(t) ? 1.0f : 0.0f, std::log(target / source),
                                         source / 32.0f, target / 32.0f, 0.0f});
      }
    }
  }
  const torch::Tensor pairs = torch::tensor(of_pairs).view({hidden.size(0), -1}).to(hidden.device());
  return torch::cat({thoughts(model, hidden, batch.target_out) * 0.25, pairs}, 1).to(hidden.scalar_type());
}

Reading read_by_predictor(const Transformer& model, const Batch& batch, Dropout& dropout) {
  const torch::Tensor memory = model.encode(batch.source, batch.sources, dropout);
  const torch::Tensor hidden =
      model.decode(batch.target_in, batch.targets, memory, batch.sources, batch.readers, dropout);
  return {torch::cat({hidden, features(model, hidden.detach(), batch)}, 1), batch.targets};
}

Reading read_jointly(const Transformer& model, const Batch& batch, Dropout& dropout) {
  const std::int64_t shift = model.config().vocabulary_size / 2;
  const torch::Tensor ids = batch.targets.ids.cpu();
  std::vector<torch::Tensor> pieces;
  std::vector<std::int64_t> lengths;
  std::vector<std::uint64_t> examples;
  for (std::int64_t s = 0; s < batch.sources.size(); ++s) {
    const auto number = static_cast<std::size_t>(s);
    const torch::Tensor source = batch.source.narrow(0, batch.sources.starts[number], batch.sources.length(s));
    for (std::int64_t t = batch.readers.first[number]; t < batch.readers.first[number + 1]; ++t) {
      const std::int64_t start = batch.targets.starts[static_cast<std::size_t>(t)];
      pieces.push_back(source);
      pieces.push_back(batch.target_out.narrow(0, start, batch.targets.length(t)) + shift);
      lengths.push_back(batch.sources.length(s) + batch.targets.length(t));
      examples.push_back(static_cast<std::uint64_t>(ids.data_ptr<std::int64_t>()[start]));
    }
  }
  const Sequences both = make_sequences(lengths, examples).to(model.device());
  return {model.encode(torch::cat(pieces), both, dropout), both};
}

/// [rows, hidden], not below 0 -> [sequences, 2 hidden]: means and maxima.
torch::Tensor pooled(const torch::Tensor& rows, const Sequences& sequences) {
  const torch::Tensor padded = torch::zeros({sequences.size() * sequences.longest(), rows.size(1)}, rows.options())
                                   .index_copy(0, sequences.slots, rows)
                                   .view({sequences.size(), sequences.longest(), -1});
  const torch::Tensor lengths = sequences.row_starts.diff().to(rows.scalar_type()).unsqueeze(1);
  return torch::cat({padded.sum(1) / lengths, padded.amax(1)}, 1);
}

/// Of the translations of each source all pairs, the better one first; `weight`: how far their ratings are apart, such
/// that a source with n translations gets the weight of n.
struct Pairs {
  std::vector<std::int64_t> better, worse;
  std::vector<double> weight;
};

Pairs pairs_of(const Batch& batch, const float* ratings) {
  Pairs pairs;
  const auto& first = batch.readers.first;
  for (std::size_t s = 0; s + 1 < first.size(); ++s) {
    const double share = 2.0 / static_cast<double>(std::max<std::int64_t>(1, first[s + 1] - first[s] - 1));
    for (std::int64_t a = first[s]; a < first[s + 1]; ++a) {
      for (std::int64_t b = a + 1; b < first[s + 1]; ++b) {
        if (ratings[a] == ratings[b]) continue;
        pairs.better.push_back(ratings[a] > ratings[b] ? a : b);
        pairs.worse.push_back(ratings[a] > ratings[b] ? b : a);
        pairs.weight.push_back(share * static_cast<double>(std::abs(ratings[a] - ratings[b])));
      }
    }
  }
  return pairs;
}

/// Batches [batches][examples] of neighbours in length; those of one source stay together. `joint`: each reads its
/// source by itself.
std::vector<std::vector<std::size_t>> batches_of(const Dataset& dataset, bool joint) {
  struct Group {
    std::size_t first, last, length;
  };
  std::vector<Group> groups;
  for (std::size_t i = 0; i < dataset.size(); ++i) {
    const Example example = dataset.get(i);
    const std::size_t length = example.source.size() + example.target.size();
    if (i > 0 && dataset.get(groups.back().first).source.data() == example.source.data()) {
      groups.back().last = i + 1;
      groups.back().length = std::max(groups.back().length, length);
    } else {
      groups.push_back({i, i + 1, length});
    }
  }
  std::stable_sort(groups.begin(), groups.end(), [](const Group& a, const Group& b) { return a.length < b.length; });
  std::vector<std::vector<std::size_t>> batches;
  std::size_t rows = batch_rows;
  for (const Group& group : groups) {
    for (std::size_t i = group.first; i < group.last; ++i) {
      const Example example = dataset.get(i);
      const std::size_t source = example.source.size() + 1, target = example.target.size() + 1;
      std::size_t own = target + (joint || i == group.first ? source : 0);
      if (rows + own > batch_rows) {
        batches.emplace_back();
        rows = 0;
        own = source + target;  // a new batch reads the source anew
      }
      batches.back().push_back(i);
      rows += own;
    }
  }
  return batches;
}

/// A range of another dataset.
class Part : public Dataset {
 public:
  Part(const Dataset& dataset, std::size_t first, std::size_t last) : dataset_(dataset), first_(first), last_(last) {}
  std::size_t size() const override { return last_ - first_; }
  Example get(std::size_t i) const override { return dataset_.get(first_ + i); }

 private:
  const Dataset& dataset_;
  std::size_t first_, last_;
};

}  // namespace

torch::Tensor quality_logits(const Transformer& model, const Batch& batch, Dropout& dropout) {
  const EstimatorWeights& head = model.estimator();
  const Reading reading = model.config().estimator == Estimator::joint ? read_jointly(model, batch, dropout)
                                                                       : read_by_predictor(model, batch, dropout);
  const auto wide = model.dtype() == torch::kFloat64 ? torch::kFloat64 : torch::kFloat32;
  const torch::Tensor tokens = torch::relu(linear(head.token, reading.rows)).to(wide);
  const torch::Tensor scores =
      feed_forward(head.pooled, head.score, pooled(tokens, reading.sequences).to(model.dtype())).to(wide);
  return scores.select(1, 1) - scores.select(1, 0);
}

LossSum QualityLoss::operator()(const Transformer& model, const Batch& batch, Dropout& dropout) const {
  const torch::Tensor logits = quality_logits(model, batch, dropout);
  const torch::Tensor starts = batch.targets.row_starts.narrow(0, 0, batch.targets.size()).to(torch::kInt64);
  const torch::Tensor weight = batch.token_weight.index_select(0, starts).to(logits.scalar_type());
  const torch::Tensor each = torch::binary_cross_entropy_with_logits(logits, batch.ratings.to(logits.scalar_type()), {},
                                                                     {}, at::Reduction::None);
  torch::Tensor loss = (each * weight).sum();
  const double regression = loss.item<double>(), count = weight.sum().item<double>();
  const torch::Tensor ratings = batch.ratings.cpu();
  const Pairs pairs = pairs_of(batch, ratings.data_ptr<float>());
  if (ranking_ > 0.0 && !pairs.weight.empty()) {
    const auto place = [&](const std::vector<std::int64_t>& of) { return torch::tensor(of).to(logits.device()); };
    const torch::Tensor better = place(pairs.better), worse = place(pairs.worse);
    const torch::Tensor ahead = logits.index_select(0, better) - logits.index_select(0, worse);
    const torch::Tensor both = torch::sqrt(weight.index_select(0, better) * weight.index_select(0, worse));
    const torch::Tensor apart = torch::tensor(pairs.weight, logits.options().requires_grad(false));
    loss = loss + ranking_ * (torch::nn::functional::softplus(-ahead) * apart * both).sum();
  }
  return {loss, regression, count};
}

std::vector<double> predict_quality(const Transformer& model, const Dataset& dataset) {
  const torch::NoGradGuard no_gradient;
  std::vector<double> predictions(dataset.size());
  for (const auto& examples : batches_of(dataset, model.config().estimator == Estimator::joint)) {
    Dropout none;
    const torch::Tensor logits =
        quality_logits(model, make_batch(dataset, examples).to(model.device()), none).to(torch::kFloat64).cpu();
    for (std::size_t i = 0; i < examples.size(); ++i) predictions[examples[i]] = logits.data_ptr<double>()[i];
  }
  return predictions;
}

std::vector<double> predict_quality(const Communicator& world, const Transformer& model, const Dataset& dataset) {
  const std::size_t chunks = (dataset.size() + chunk_examples - 1) / chunk_examples;
  return share_out_numbers<double>(world, static_cast<std::int64_t>(chunks), [&](std::int64_t chunk, const Tick& tick) {
    tick();
    const std::size_t first = static_cast<std::size_t>(chunk) * chunk_examples;
    return predict_quality(model, Part(dataset, first, std::min(dataset.size(), first + chunk_examples)));
  });
}

}  // namespace rest
