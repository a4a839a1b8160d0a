#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "rest/comm/communicator.hpp"
#include "rest/comm/gradient_reducer.hpp"
#include "rest/core/progress.hpp"
#include "rest/model/policy.hpp"
#include "rest/select/dataset.hpp"
#include "rest/train/adam.hpp"
#include "rest/train/batch.hpp"
#include "rest/train/loss.hpp"
#include "rest/train/speed_log.hpp"

namespace rest {

struct TrainerOptions {
  std::uint64_t seed = 1;
  std::string precision = "float32";
  std::int64_t leaves = 4;
  std::int64_t tokens_per_update = 4096;
  std::int64_t max_updates = 500000;
  double learning_rate = 5e-4;
  std::int64_t warmup_updates = 4000;
  enum class Schedule {
    inverse_square_root,
    constant
  } schedule = Schedule::inverse_square_root;  ///< behind the warm-up
  AdamOptions adam;
  enum class Optimizer {
    whole,   ///< every rank keeps and updates all of it
    sharded  ///< every rank its share (ZeRO stage 1), with the same results
  } optimizer = Optimizer::whole;
  double dropout = 0.0;
  bool gradient_checkpointing = false;
  std::int64_t candidates_together = 1;  ///< of one source, which then share its encoder pass
  std::int64_t evaluate_every = 1000;
  std::int64_t patience = 10;   ///< evaluations without a better score before stopping
  bool evaluate_first = false;  ///< also score the starting point: no update may then be the best
  std::int64_t checkpoint_every = 1000;
  std::int64_t keep_checkpoints = 2;
};

/// What an evaluation says: the larger the score the better; `figures` go to metrics.jsonl.
struct Evaluation {
  double score;
  nlohmann::json figures;
};

/// Scores the model trained so far (averaged weights when an average is kept). Collective, equal on all ranks. When a
/// stop was requested it may throw Stopped on all ranks: the trainer saves, and evaluates again after the next start.
using Evaluate = std::function<Evaluation(const Policy& policy)>;

struct TrainingResult {
  enum class End { finished, stopped } end;  ///< stopped: by a signal, with a checkpoint written
  std::int64_t updates = 0, best_update = 0;
  double best_score = 0.0;
  Policy best;          ///< of the best evaluation, on the CPU; without weights when stopped
  std::string devices;  ///< all that it was trained on, for the sidecar
};

/// Data-parallel training on a fixed tree of leaves, restartable at any moment, on the device of the starting policy's
/// parameters. A run may go on elsewhere than it began: checkpoints do not know the device, but keep a list of those
/// that had a part in the result.
///
/// In `directory`: metrics.jsonl and checkpoints/, committed as DESIGN.md says: update-<n> (weights, moments, average,
/// cursor) and best-<n> (weights of a best evaluation). Started again, it goes on from the newest checkpoint that
/// verifies and cuts the metrics back to it. A checkpoint of other lineage is refused by name.
class Trainer {
 public:
  struct Setup {
    Policy start;  ///< to be moved here: its weights go when training has its own
    const ShuffledData& data;
    const Loss& loss;
    Evaluate evaluate;
    std::filesystem::path directory;
    Lineage lineage;
    std::string label;  ///< for progress lines
    ProgressSink sink = {};
    std::filesystem::path speed_log = {};  ///< one JSON object a line, appended; empty: none
  };
  Trainer(const Communicator& world, const TrainerOptions& options, Setup setup);
  Trainer(const Trainer&) = delete;
  Trainer& operator=(const Trainer&) = delete;
  TrainingResult run();

  /// Seconds that one more update takes on this rank. Nothing is evaluated or written: good for estimates, not for
  /// training. Collective.
  double time_update();

 private:
  struct State {
    std::int64_t update = 0;
    BatchCursor cursor;
    std::int64_t best_update = -1, since_best = 0;
    double best_score = 0.0;
    bool done = false;
    std::vector<std::string> devices;  // in the order of their first update
    bool evaluation_due = false;       ///< a stop ended the evaluation at this update
  };
  struct UpdateFigures {
    double loss = 0.0, perplexity = 0.0, gradient_norm = 0.0, learning_rate = 0.0, count = 0.0;
    ReductionFigures reduction;
  };

  UpdateFigures update();
  void hand_over_gradients();
  void hand_over_bound(std::size_t part);
  void compute_leaf(const std::vector<std::size_t>& examples, std::vector<double>& sums);
  GradientSum reduce(UpdateFigures& figures);
  bool computes_with_master_weights() const;
  /// All elements of one of the optimizer's buffers, of which a rank may keep its shard. Collective.
  torch::Tensor whole(const torch::Tensor& own) const;
  void refresh_model();
  Policy with(torch::Tensor parameters) const;
  void note_device();
  std::string devices() const;
  double learning_rate(std::int64_t update) const;
  void evaluate();
  bool evaluate_unless_stopped();
  bool train(Progress& progress);
  TrainingResult stopped(Progress& progress);
  bool counts_tokens() const { return setup_.loss.unit() == Loss::Unit::tokens; }
  bool is_over() const { return state_.done || state_.update >= options_.max_updates; }
  void log_figures(const UpdateFigures& figures);
  void log_metrics(nlohmann::json line);
  void log_peak_memory() const;
  bool restore();
  void save_checkpoint();
  void save_best();
  torch::Tensor load_best() const;
  void remove_old_checkpoints();
  std::filesystem::path checkpoint_path(const char* kind, std::int64_t update) const;

  Communicator world_;
  TrainerOptions options_;
  Setup setup_;
  Adam adam_;
  torch::Tensor compute_parameters_;  // [elements], in the precision of the step; may be the optimizer's own
  torch::Tensor gradients_;           // [elements] float32, bound to the model where that can be, else undefined
  Transformer model_;
  BatchPlan plan_;
  std::unique_ptr<GradientReducer> reducer_;
  std::int64_t leaf_ = 0;            // that is being computed
  std::unique_ptr<SpeedLog> speed_;  // rank 0, if asked for
  State state_;
};

}  // namespace rest
