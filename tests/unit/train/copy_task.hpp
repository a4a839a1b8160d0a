#pragma once

#include <gtest/gtest.h>

#include <vector>

#include "rest/core/philox.hpp"
#include "rest/select/dataset.hpp"
#include "rest/train/trainer.hpp"
#include "support/temporary_directory.hpp"

namespace rest {

/// Targets repeat their source: learnable in a few dozen updates.
class CopyDataset : public Dataset {
 public:
  CopyDataset() {
    const Philox draw(Purpose::split, 2);
    for (std::uint32_t i = 0; i < 200; ++i) {
      std::vector<Token> tokens;
      for (std::uint32_t j = 0; j < 2 + draw(i)[0] % 4; ++j) tokens.push_back(4 + draw(i, j)[1] % 6);
      rows_.push_back(tokens);
    }
  }
  std::size_t size() const override { return rows_.size(); }
  Example get(std::size_t i) const override { return {rows_[i], rows_[i], 1.0f, i}; }

 private:
  std::vector<std::vector<Token>> rows_;
};

/// A small model to be trained on them.
class CopyTask : public ::testing::Test {
 protected:
  CopyTask() {
    ModelOptions model;
    model.preset = "mini";
    model.hidden = 16, model.feed_forward = 32, model.heads = 2, model.encoder_layers = model.decoder_layers = 1;
    start_.config = make_config(model, 10);
    start_.parameters = initial_parameters(make_layout(start_.config), 1);
    options_.tokens_per_update = 128;
    options_.leaves = 2;
    options_.learning_rate = 1e-2;
    options_.warmup_updates = 10;
    options_.max_updates = 40;
    options_.dropout = 0.1;
    options_.evaluate_every = 10;
    options_.checkpoint_every = 5;
    options_.adam.average_decay = 0.9;
  }

  TemporaryDirectory folder_;
  CopyDataset data_;
  ShuffledDataset shuffled_{data_};
  CrossEntropyLoss loss_{0.1};
  Policy start_;
  TrainerOptions options_;
};

}  // namespace rest
