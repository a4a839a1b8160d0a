#include "shared_memory.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <new>
#include <random>
#include <sstream>
#include <string>

#include "rest/core/error.hpp"

namespace rest {
namespace {

/// A file descriptor of which -1 is none.
struct File {
  int descriptor;
  ~File() {
    if (descriptor >= 0) close(descriptor);
  }
};

void* map(int descriptor, std::size_t bytes) {
  void* const data = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  return data == MAP_FAILED ? nullptr : data;
}

/// What rank 0 made, in words for the others: where its file is seen and what it begins with. Process numbers mean
/// nothing across containers, so that another file may be there.
struct Offer {
  std::string path;
  std::uint64_t mark = 0;
};

Offer make_offer(int descriptor, std::size_t bytes) {
  Offer offer;
  std::random_device random;
  offer.mark = (std::uint64_t{random()} << 32 | random()) | 1;
  if (ftruncate(descriptor, static_cast<off_t>(bytes)) != 0) return {};
  if (pwrite(descriptor, &offer.mark, sizeof offer.mark, 0) != sizeof offer.mark) return {};
  offer.path = concat("/proc/", getpid(), "/fd/", descriptor);
  return offer;
}

bool is_offered(int descriptor, std::size_t bytes, std::uint64_t mark) {
  struct stat status = {};
  std::uint64_t found = 0;
  return fstat(descriptor, &status) == 0 && status.st_size == static_cast<off_t>(bytes) &&
         pread(descriptor, &found, sizeof found, 0) == sizeof found && found == mark;
}

}  // namespace

SharedMemory::SharedMemory(std::size_t bytes)
    : data_(mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)), bytes_(bytes) {
  if (data_ == MAP_FAILED) throw std::bad_alloc();
  madvise(data_, bytes, MADV_HUGEPAGE);
}

std::optional<SharedMemory> SharedMemory::of_host(const Communicator& host, std::size_t bytes) {
  const File made{host.is_root() ? memfd_create("rest gradients", MFD_CLOEXEC) : -1};
  Offer offer;
  if (made.descriptor >= 0) offer = make_offer(made.descriptor, bytes);
  std::istringstream words(broadcast(host, concat(offer.path, ' ', offer.mark)));
  words >> offer.path >> offer.mark;
  const File seen{words && offer.mark != 0 ? open(offer.path.c_str(), O_RDWR | O_CLOEXEC) : -1};
  void* const data = is_offered(seen.descriptor, bytes, offer.mark) ? map(seen.descriptor, bytes) : nullptr;
  // Also waits until all have opened it.
  const bool failed = any(host, data == nullptr);
  if (data && failed) munmap(data, bytes);
  if (failed) return std::nullopt;
  if (host.is_root()) std::memset(data, 0, sizeof offer.mark);
  madvise(data, bytes, MADV_HUGEPAGE);
  barrier(host);
  return SharedMemory(data, bytes);
}

SharedMemory::~SharedMemory() {
  if (data_) munmap(data_, bytes_);
}

}  // namespace rest
