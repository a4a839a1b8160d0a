// The reducer of gradients against MPI_Allreduce: what tests/bench/reduce.sh starts under mpirun.
//
//   reduce_bench ROUNDS MEGABYTES...     a JSON object a line: megabytes, ranks, seconds of each by median

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <vector>

#include "comm/mpi_handle.hpp"
#include "rest/comm/gradient_reducer.hpp"

namespace rest {
namespace {

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

/// Seconds until the last rank is through.
template <class Work>
double time_on_all(const Communicator& world, Work work) {
  barrier(world);
  const double begin = MPI_Wtime();
  work();
  const double own = MPI_Wtime() - begin;
  double slowest = 0.0;
  check_mpi(MPI_Allreduce(&own, &slowest, 1, MPI_DOUBLE, MPI_MAX, mpi_comm(world)), "MPI_Allreduce");
  return slowest;
}

void measure(const Communicator& world, int rounds, std::size_t megabytes) {
  const std::size_t elements = megabytes * 1000000 / sizeof(float);
  const std::vector<float> gradient(elements, 1.0f);
  std::vector<float> total(elements);
  const auto reducer = make_tree_reducer(world, world.size(), elements);
  std::vector<double> ours, mpi;
  for (int round = -1; round < rounds; ++round) {  // the first one brings memory in
    const double seconds_ours = time_on_all(world, [&] {
      reducer->add(world.rank(), gradient);
      reducer->finish();
    });
    const double seconds_mpi = time_on_all(world, [&] {
      check_mpi(MPI_Allreduce(gradient.data(), total.data(), static_cast<int>(elements), MPI_FLOAT, MPI_SUM,
                              mpi_comm(world)),
                "MPI_Allreduce");
    });
    if (round < 0) continue;
    ours.push_back(seconds_ours);
    mpi.push_back(seconds_mpi);
  }
  if (!world.is_root()) return;
  std::printf("{\"megabytes\": %zu, \"ranks\": %d, \"ours\": %.6f, \"mpi\": %.6f}\n", megabytes, world.size(),
              median(ours), median(mpi));
  std::fflush(stdout);
}

int run(const Communicator& world, int argc, char** argv) {
  for (int i = 2; i < argc; ++i) measure(world, std::atoi(argv[1]), static_cast<std::size_t>(std::atol(argv[i])));
  return 0;
}

}  // namespace
}  // namespace rest

int main(int argc, char** argv) { return rest::run_main(argc, argv, rest::run); }
