#pragma once

#include <cstdint>
#include <string>

namespace rest {

/// One digest of all shards and reward columns that an Improve step sees, from those of their files.
class StepDigest {
 public:
  void add(std::int64_t shard, const std::string& shard_digest, const std::string& reward,
           const std::string& reward_digest);
  std::string hex() const;

 private:
  std::string text_;
};

}  // namespace rest
