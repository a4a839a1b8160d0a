// The reducer of gradients against MPI_Allreduce: what tests/bench/reduce.sh starts under mpirun.
//
//   reduce_bench ROUNDS MEGABYTES...
//
// A JSON object a line: megabytes, ranks and, in seconds by the median of interleaved rounds, until the slowest rank is
// through: ours and mpi (MPI_Allreduce) alone; computation alone, and with each of them (ours_beside, mpi_beside), for
// which every rank computes between the parts of its gradient, and MPI has an MPI_Iallreduce for each part.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <vector>

#include "comm/mpi_handle.hpp"
#include "rest/comm/gradient_reducer.hpp"

namespace rest {
namespace {

constexpr std::size_t part_elements = 1000000;  // 4 MB: a large matrix
constexpr double compute_seconds = 2e-3;        // a part

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

/// Arithmetic without memory: `rounds` of it.
float compute(std::int64_t rounds) {
  constexpr int lanes = 64;
  float values[lanes] = {};
  for (std::int64_t round = 0; round < rounds; ++round) {
    for (float& value : values) value = value * 0.99f + 1.0f;
  }
  float sum = 0.0f;
  for (const float value : values) sum += value;
  return sum;
}

/// How many rounds of compute() take compute_seconds.
std::int64_t calibrate(const Communicator& world) {
  constexpr std::int64_t trial = 2000000;
  barrier(world);
  const double begin = MPI_Wtime();
  const float result = compute(trial);
  const double seconds = MPI_Wtime() - begin + (result < 0.0f ? 1.0 : 0.0);
  return static_cast<std::int64_t>(compute_seconds / seconds * static_cast<double>(trial));
}

class Bench {
 public:
  Bench(const Communicator& world, std::size_t elements, std::int64_t compute_rounds)
      : world_(world), gradient_(elements, 1.0f), total_(elements), compute_rounds_(compute_rounds) {
    for (std::size_t at = 0; at < elements; at += part_elements)
      parts_.push_back({at, std::min(part_elements, elements - at)});
    ReducerOptions options;
    options.leaves = world.size();
    options.elements = elements;
    options.parts = parts_;
    reducer_ = make_tree_reducer(world, options);
  }

  void ours(bool computing) {
    for (std::size_t part = parts_.size(); part-- > 0;) {
      if (computing) work();
      reducer_->add(world_.rank(), part, Span<const float>(gradient_.data() + parts_[part].offset, parts_[part].size));
    }
    reducer_->end_leaf(world_.rank());
    reducer_->finish();
  }

  void mpi_alone() {
    check_mpi(MPI_Allreduce(gradient_.data(), total_.data(), static_cast<int>(gradient_.size()), MPI_FLOAT, MPI_SUM,
                            mpi_comm(world_)),
              "MPI_Allreduce");
  }

  void mpi_beside() {
    std::vector<MPI_Request> requests;
    requests.reserve(parts_.size());
    for (std::size_t part = parts_.size(); part-- > 0;) {
      int done = 0;
      work();
      check_mpi(MPI_Iallreduce(gradient_.data() + parts_[part].offset, total_.data() + parts_[part].offset,
                               static_cast<int>(parts_[part].size), MPI_FLOAT, MPI_SUM, mpi_comm(world_),
                               &requests.emplace_back()),
                "MPI_Iallreduce");
      check_mpi(MPI_Testall(static_cast<int>(requests.size()), requests.data(), &done, MPI_STATUSES_IGNORE),
                "MPI_Testall");
      if (done) requests.clear();
    }
    check_mpi(MPI_Waitall(static_cast<int>(requests.size()), requests.data(), MPI_STATUSES_IGNORE), "MPI_Waitall");
  }

  void compute_alone() {
    for (std::size_t part = 0; part < parts_.size(); ++part) work();
  }

  /// Seconds until the last rank is through.
  double time(const std::function<void()>& work) const {
    barrier(world_);
    const double begin = MPI_Wtime();
    work();
    const double own = MPI_Wtime() - begin;
    double slowest = 0.0;
    check_mpi(MPI_Allreduce(&own, &slowest, 1, MPI_DOUBLE, MPI_MAX, mpi_comm(world_)), "MPI_Allreduce");
    return slowest;
  }

 private:
  void work() { result_ += compute(compute_rounds_); }

  Communicator world_;
  std::vector<float> gradient_, total_;
  std::vector<GradientPart> parts_;
  std::unique_ptr<GradientReducer> reducer_;
  std::int64_t compute_rounds_;
  volatile float result_ = 0.0f;
};

void measure(const Communicator& world, int rounds, std::size_t megabytes, std::int64_t compute_rounds) {
  Bench bench(world, megabytes * 1000000 / sizeof(float), compute_rounds);
  const std::vector<std::pair<const char*, std::function<void()>>> works{{"ours", [&] { bench.ours(false); }},
                                                                         {"mpi", [&] { bench.mpi_alone(); }},
                                                                         {"compute", [&] { bench.compute_alone(); }},
                                                                         {"ours_beside", [&] { bench.ours(true); }},
                                                                         {"mpi_beside", [&] { bench.mpi_beside(); }}};
  std::vector<std::vector<double>> seconds(works.size());
  for (int round = -1; round < rounds; ++round) {  // the first one brings memory in
    for (std::size_t i = 0; i < works.size(); ++i) {
      const double taken = bench.time(works[i].second);
      if (round >= 0) seconds[i].push_back(taken);
    }
  }
  if (!world.is_root()) return;
  std::printf("{\"megabytes\": %zu, \"ranks\": %d", megabytes, world.size());
  for (std::size_t i = 0; i < works.size(); ++i) std::printf(", \"%s\": %.6f", works[i].first, median(seconds[i]));
  std::printf("}\n");
  std::fflush(stdout);
}

int run(const Communicator& world, int argc, char** argv) {
  if (argc < 3 || !world.handle()) {
    std::fprintf(stderr, "usage: mpirun -n RANKS reduce_bench ROUNDS MEGABYTES...\n");
    return 2;
  }
  const std::int64_t compute_rounds = calibrate(world);
  for (int i = 2; i < argc; ++i)
    measure(world, std::atoi(argv[1]), static_cast<std::size_t>(std::atol(argv[i])), compute_rounds);
  return 0;
}

}  // namespace
}  // namespace rest

int main(int argc, char** argv) { return rest::run_main(argc, argv, rest::run); }
