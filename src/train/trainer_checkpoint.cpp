#include <ATen/Parallel.h>
#include <torch/torch.h>

#include <algorithm>
#include <fstream>

#include "rest/comm/build_info.hpp"
#include "rest/core/error.hpp"
#include "rest/core/log.hpp"
#include "rest/store/safetensors.hpp"
#include "rest/train/trainer.hpp"

namespace rest {
namespace {

namespace fs = std::filesystem;

/// `tensor` on the CPU.
TensorView view_of(const std::string& name, const torch::Tensor& tensor) {
  return {name,
          "F32",
          {tensor.numel()},
          tensor.data_ptr<float>(),
          static_cast<std::size_t>(tensor.numel()) * sizeof(float)};
}

/// [elements] float32, valid as long as `stored`.
torch::Tensor stored_buffer(const Safetensors& stored, const std::string& name, std::int64_t elements,
                            const fs::path& file) {
  const TensorView& view = stored.at(name);
  if (view.dtype != "F32" || view.bytes != static_cast<std::size_t>(elements) * sizeof(float)) {
    throw Error(file.string() + ": " + name + " has another size than the model");
  }
  // Only read from: LibTorch has no tensor over constant memory.
  return torch::from_blob(const_cast<void*>(static_cast<const void*>(view.data)), {elements});
}

/// Committed or not: the updates of which `<kind>-<n>` exists, ascending.
std::vector<std::int64_t> numbered(const fs::path& directory, const std::string& kind) {
  std::vector<std::int64_t> numbers;
  if (!fs::exists(directory)) return numbers;
  for (const auto& entry : fs::directory_iterator(directory)) {
    const std::string name = entry.path().filename().string();
    if (entry.is_directory() && name.rfind(kind + "-", 0) == 0 && name.find('.') == std::string::npos) {
      numbers.push_back(std::stoll(name.substr(kind.size() + 1)));
    }
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

/// Keeps the lines of updates up to `last`; a line cut short by a kill goes too.
void cut_metrics(const fs::path& file, std::int64_t last) {
  std::ifstream in(file);
  if (!in) return;
  std::string kept, line;
  while (std::getline(in, line)) {
    const auto json = nlohmann::json::parse(line, nullptr, false);
    if (json.is_object() && json.value("update", last + 1) <= last) kept += line + '\n';
  }
  in.close();
  const fs::path temporary = file.string() + ".tmp";
  std::ofstream out(temporary);
  out << kept;
  if (!out.flush()) throw Error(temporary.string() + " cannot be written");
  out.close();
  fs::rename(temporary, file);
}

}  // namespace

fs::path Trainer::checkpoint_path(const char* kind, std::int64_t update) const {
  const std::string digits = std::to_string(update);
  return setup_.directory / "checkpoints" /
         concat(kind, '-', std::string(8 - std::min<std::size_t>(8, digits.size()), '0'), digits);
}

void Trainer::save_best() {
  torch::Tensor parameters = whole(adam_.policy_parameters());
  if (!world_.is_root()) return;
  parameters = parameters.to(torch::kCPU);
  commit_directory(checkpoint_path("best", state_.update), setup_.lineage, [&](const fs::path& directory) {
    write_safetensors(directory / "weights.safetensors", {view_of("parameters", parameters)});
  });
}

torch::Tensor Trainer::load_best() const {
  barrier(world_);  // rank 0 has written it
  const fs::path directory = checkpoint_path("best", state_.best_update);
  verify_committed(directory, "training");
  const Safetensors stored(directory / "weights.safetensors");
  return stored_buffer(stored, "parameters", compute_parameters_.numel(), directory).clone();
}

void Trainer::save_checkpoint() {
  auto buffers = adam_.state();
  for (auto& [name, tensor] : buffers) {
    tensor = whole(tensor);
    tensor = world_.is_root() ? tensor.to(torch::kCPU) : torch::Tensor();
  }
  if (!world_.is_root()) return;
  commit_directory(
      checkpoint_path("update", state_.update), setup_.lineage,
      [&](const fs::path& directory) {
        std::vector<TensorView> tensors;
        for (const auto& [name, tensor] : buffers) tensors.push_back(view_of(name, tensor));
        write_safetensors(directory / "state.safetensors", tensors);
        std::ofstream out(directory / "state.json");
        out << nlohmann::json{{"update", state_.update},
                              {"epoch", state_.cursor.epoch},
                              {"window", state_.cursor.window},
                              {"next", state_.cursor.next},
                              {"best_update", state_.best_update},
                              {"best_score", state_.best_score},
                              {"since_best", state_.since_best},
                              {"done", state_.done},
                              {"evaluation_due", state_.evaluation_due},
                              {"devices", state_.devices}}
                   .dump(2)
            << '\n';
        if (!out.flush()) throw Error((directory / "state.json").string() + " cannot be written");
      },
      made_by(world_, at::get_num_threads(), devices()));
  remove_old_checkpoints();
}

void Trainer::remove_old_checkpoints() {
  const fs::path root = setup_.directory / "checkpoints";
  const auto updates = numbered(root, "update");
  const auto keep = static_cast<std::size_t>(std::max<std::int64_t>(2, options_.keep_checkpoints));
  for (std::size_t i = 0; i + keep < updates.size(); ++i) remove_committed(checkpoint_path("update", updates[i]));
  // An older checkpoint that is still the fall-back may know an older best.
  std::vector<std::int64_t> known{state_.best_update};
  for (std::size_t i = updates.size() - std::min(keep, updates.size()); i < updates.size(); ++i) {
    std::ifstream in(checkpoint_path("update", updates[i]) / "state.json");
    const auto json = nlohmann::json::parse(in, nullptr, false);
    if (json.is_object()) known.push_back(json.value("best_update", std::int64_t{-1}));
  }
  for (const std::int64_t best : numbered(root, "best")) {
    if (std::find(known.begin(), known.end(), best) == known.end()) remove_committed(checkpoint_path("best", best));
  }
}

bool Trainer::restore() {
  if (world_.is_root()) fs::create_directories(setup_.directory / "checkpoints");
  barrier(world_);
  auto updates = numbered(setup_.directory / "checkpoints", "update");
  bool restored = false;
  while (!updates.empty() && !restored) {
    const fs::path directory = checkpoint_path("update", updates.back());
    updates.pop_back();
    if (!is_committed(directory, setup_.lineage)) continue;
    try {
      verify_committed(directory, "training");
      std::ifstream in(directory / "state.json");
      const auto json = nlohmann::json::parse(in);
      State state;
      state.update = json.at("update");
      state.cursor = {json.at("epoch"), json.at("window"), json.at("next")};
      state.best_update = json.at("best_update");
      state.best_score = json.at("best_score");
      state.since_best = json.at("since_best");
      state.done = json.at("done");
      state.evaluation_due = json.value("evaluation_due", false);
      state.devices = json.value("devices", std::vector<std::string>{"cpu"});
      if (state.best_update >= 0) verify_committed(checkpoint_path("best", state.best_update), "training");
      const Safetensors stored(directory / "state.safetensors");
      for (const auto& [name, tensor] : adam_.state())
        tensor.copy_(adam_.shard().of(stored_buffer(stored, name, compute_parameters_.numel(), directory)));
      state_ = state;
      restored = true;
    } catch (const std::exception& problem) {
      if (world_.is_root()) log_warning(concat("checkpoint passed over: ", problem.what(), "; trying an older one"));
    }
  }
  if (world_.is_root()) cut_metrics(setup_.directory / "metrics.jsonl", restored ? state_.update : -1);
  barrier(world_);
  refresh_model();
  return restored;
}

}  // namespace rest
