// Speed of the matrix products that sampling is made of, by precision: what the roofline of grow_peers.sh measures
// shares of. One thread; start as many as there are ranks.
//
//   gemm_peak ROWS WIDTHxOUT...     a line each: PRECISION WIDTH OUT GFLOP/S

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "model/products/packed_matrix.hpp"

namespace rest {
namespace {

constexpr double window_seconds = 0.1;  // fixed, so that processes started together measure the same thing
constexpr int windows = 3;

template <class Format>
void measure(const char* precision, std::int64_t rows, std::int64_t width, std::int64_t out) {
  using Clock = std::chrono::steady_clock;
  constexpr std::int64_t block = PackedMatrix<Format>::block;
  const PackedMatrix<Format> matrix(at::randn({out, width}));
  const std::int64_t stride = padded_features(width) + 64;  // as MatrixRows has it
  const std::vector<typename Format::Input> input(static_cast<std::size_t>(rows * stride), 1);
  std::vector<typename Format::Output> tile(static_cast<std::size_t>(rows * block));
  double best = 0.0;
  for (int window = 0; window < windows; ++window) {
    const auto start = Clock::now();
    double seconds = 0.0, flop = 0.0;
    while (seconds < window_seconds) {
      for (std::int64_t b = 0; b < matrix.blocks(); ++b)
        matrix.multiply(input.data(), stride, rows, b, 1, tile.data(), block);
      flop += 2.0 * static_cast<double>(rows * width * out);
      seconds = std::chrono::duration<double>(Clock::now() - start).count();
    }
    best = std::max(best, flop / seconds);
  }
  end_products();
  std::printf("%s %ld %ld %.1f\n", precision, width, out, best / 1e9);
}

int run(int argc, char** argv) {
  at::set_num_threads(1);
  const std::int64_t rows = argc > 1 ? std::atol(argv[1]) : 0;
  if (rows < 1 || argc < 3) {
    std::fprintf(stderr, "usage: gemm_peak ROWS WIDTHxOUT...\n");
    return 2;
  }
  for (int i = 2; i < argc; ++i) {
    const std::string shape = argv[i];
    const std::int64_t width = std::atol(shape.c_str()), out = std::atol(shape.substr(shape.find('x') + 1).c_str());
    measure<Float32Format>("float32", rows, width, out);
    measure<Bfloat16Format>("bfloat16", rows, width, out);
    if (multiplies_int8()) measure<Int8Format>("int8", rows, width, out);
  }
  return 0;
}

}  // namespace
}  // namespace rest

int main(int argc, char** argv) { return rest::run(argc, argv); }
