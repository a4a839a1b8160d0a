#include "rest/select/step_digest.hpp"

#include "rest/core/error.hpp"
#include "rest/store/candidates.hpp"

namespace rest {

void StepDigest::add(std::int64_t shard, const std::string& shard_digest, const std::string& reward,
                     const std::string& reward_digest) {
  const std::string name = shard_file("", shard).string();
  text_ += concat(name, " ", shard_digest, "\n", reward, "/", name, " ", reward_digest, "\n");
}

std::string StepDigest::hex() const { return sha256(text_); }

}  // namespace rest
