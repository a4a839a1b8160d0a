#include "rest/train/speed_log.hpp"

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "rest/core/utc.hpp"

namespace rest {

void SpeedLog::count(double target_tokens) {
  ++updates_;
  tokens_ += target_tokens;
}

void SpeedLog::write(std::int64_t update) {
  const auto now = Clock::now();
  const double taken = std::max(1e-6, std::chrono::duration<double>(now - line_).count());
  std::ofstream(file_, std::ios::app) << nlohmann::json{{"time", utc_now()},
                                                        {"update", update},
                                                        {"seconds",
                                                         std::chrono::duration<double>(now - start_).count()},
                                                        {"updates_per_second", static_cast<double>(updates_) / taken},
                                                        {"target_tokens_per_second", tokens_ / taken}}
                                             .dump()
                                      << '\n';
  line_ = now;
  updates_ = 0;
  tokens_ = 0.0;
}

}  // namespace rest
