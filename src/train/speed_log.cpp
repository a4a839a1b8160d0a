#include "rest/train/speed_log.hpp"

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "rest/core/utc.hpp"

namespace rest {

void SpeedLog::count(double target_tokens, const ReductionFigures& reduction) {
  ++updates_;
  tokens_ += target_tokens;
  reductions_.hidden += reduction.hidden;
  reductions_.seconds += reduction.seconds;
}

void SpeedLog::write(std::int64_t update, std::int64_t peak_bytes) {
  const auto now = Clock::now();
  const double taken = std::max(1e-6, std::chrono::duration<double>(now - line_).count());
  std::ofstream(file_, std::ios::app)
      << nlohmann::json{{"time", utc_now()},
                        {"update", update},
                        {"seconds", std::chrono::duration<double>(now - start_).count()},
                        {"updates_per_second", static_cast<double>(updates_) / taken},
                        {"target_tokens_per_second", tokens_ / taken},
                        {"reduction_hidden", reductions_.hidden / std::max(1.0, static_cast<double>(updates_))},
                        {"reduction_share", reductions_.seconds / taken},
                        {"peak_bytes", peak_bytes}}
             .dump()
      << '\n';
  line_ = now;
  updates_ = 0;
  tokens_ = 0.0;
  reductions_ = {};
}

}  // namespace rest
