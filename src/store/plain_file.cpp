#include "plain_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "rest/core/error.hpp"
#include "rest/core/vector_math.hpp"

namespace rest {
namespace {

REST_CLONES void widen_bytes(const std::uint8_t* narrow, std::size_t count, std::uint32_t* wide) {
  for (std::size_t i = 0; i < count; ++i) wide[i] = narrow[i];
}

REST_CLONES void widen_words(const std::uint16_t* narrow, std::size_t count, std::uint32_t* wide) {
  for (std::size_t i = 0; i < count; ++i) wide[i] = narrow[i];
}

}  // namespace

PlainFile::PlainFile(const std::filesystem::path& path)
    : path_(path), descriptor_(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
  if (descriptor_ < 0) throw Error(path_.string() + " cannot be opened", std::strerror(errno));
}

PlainFile::~PlainFile() { close(descriptor_); }

void PlainFile::read_bytes(std::uint64_t offset, std::size_t bytes, void* into) const {
  auto* next = static_cast<char*>(into);
  while (bytes > 0) {
    const ssize_t got = pread(descriptor_, next, bytes, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(std::strerror(errno));
    if (got == 0) fail("ends before its columns do");
    next += got;
    offset += static_cast<std::uint64_t>(got);
    bytes -= static_cast<std::size_t>(got);
  }
}

void PlainFile::copy(const std::uint8_t* narrow, std::size_t count, std::uint32_t* wide) {
  widen_bytes(narrow, count, wide);
}
void PlainFile::copy(const std::uint16_t* narrow, std::size_t count, std::uint32_t* wide) {
  widen_words(narrow, count, wide);
}

void PlainFile::fail(const char* problem) const { throw Error(path_.string() + " cannot be read", problem); }

}  // namespace rest
