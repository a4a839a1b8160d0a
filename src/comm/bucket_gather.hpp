#pragma once

#include "host_buffers.hpp"
#include "hosts.hpp"
#include "rest/comm/buckets.hpp"

namespace rest {

/// Hands every rank's buckets of a flat buffer to all: through the buffer of the sum that the ranks of a host share, in
/// which an owner's own buckets are free once it has used them; between hosts from the owner to its delegates.
class BucketGather {
 public:
  BucketGather(const Communicator& communicator, const Hosts& hosts, const Buckets& buckets)
      : communicator_(communicator), hosts_(hosts), buckets_(buckets) {}
  /// `values` [all elements] of up to four bytes each. Collective.
  void operator()(const HostBuffers& shared, char* values, std::size_t element_bytes);

 private:
  void exchange(const HostBuffers& shared, std::size_t element_bytes) const;

  Communicator communicator_;
  Hosts hosts_;
  Buckets buckets_;
  std::uint64_t gathers_ = 0;
};

}  // namespace rest
