#include "rest/text/bitext.hpp"

#include <zlib.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "rest/core/error.hpp"
#include "utf8.hpp"

namespace rest {
namespace {

[[noreturn]] void fail_damaged(const std::filesystem::path& file, const std::string& why) {
  throw Error("cannot decompress " + file.string(), why, "copy or compress the file again");
}

std::string read_bytes(const std::filesystem::path& file) {
  errno = 0;
  if (std::filesystem::is_directory(file)) throw Error("cannot read " + file.string(), "it is a directory");
  const std::unique_ptr<gzFile_s, int (*)(gzFile)> in(gzopen(file.c_str(), "rb"), gzclose_r);
  if (!in) throw Error("cannot read " + file.string(), std::strerror(errno));
  gzbuffer(in.get(), 1u << 17);
  std::string bytes;
  std::vector<char> buffer(1u << 17);
  for (;;) {
    const int got = gzread(in.get(), buffer.data(), static_cast<unsigned>(buffer.size()));
    int code = Z_OK;
    const char* message = gzerror(in.get(), &code);
    if (code == Z_ERRNO) throw Error("cannot read " + file.string(), std::strerror(errno));
    if (got < 0 || (code != Z_OK && code != Z_STREAM_END)) fail_damaged(file, message);  // Z_BUF_ERROR: cut short
    if (got == 0) break;
    bytes.append(buffer.data(), static_cast<std::size_t>(got));
  }
  if (file.extension() == ".gz" && gzdirect(in.get()) == 1) fail_damaged(file, "no gzip file");
  return bytes;
}

}  // namespace

std::vector<std::string> read_lines(const std::filesystem::path& file) {
  const std::string bytes = read_bytes(file);
  std::vector<std::string> lines;
  std::size_t begin = bytes.compare(0, 3, "\xEF\xBB\xBF") == 0 ? 3 : 0;
  while (begin < bytes.size()) {
    const std::size_t end = std::min(bytes.find('\n', begin), bytes.size());
    const bool carriage_return = end > begin && bytes[end - 1] == '\r';
    lines.push_back(bytes.substr(begin, end - begin - (carriage_return ? 1 : 0)));
    begin = end + 1;
  }
  return lines;
}

bool is_valid_utf8(const std::string& bytes) {
  for (std::size_t position = 0; position < bytes.size();) {
    if (next_code_point(bytes, position) == invalid_code_point) return false;
  }
  return true;
}

bool is_blank(const std::string& text) {
  for (std::size_t position = 0; position < text.size();) {
    if (!is_white_space(next_code_point(text, position))) return false;
  }
  return true;
}

Bitext read_bitext(const std::filesystem::path& source, const std::filesystem::path& target) {
  std::vector<std::string> source_lines = read_lines(source), target_lines = read_lines(target);
  if (source_lines.size() != target_lines.size()) {
    throw Error(concat(source.string(), " has ", source_lines.size(), " lines but ", target.string(), " has ",
                       target_lines.size()),
                "line i of one must translate line i of the other");
  }
  Bitext bitext;
  for (std::size_t i = 0; i < source_lines.size(); ++i) {
    if (!is_valid_utf8(source_lines[i]) || !is_valid_utf8(target_lines[i])) {
      bitext.invalid_lines.push_back(i + 1);
    } else if (is_blank(source_lines[i]) || is_blank(target_lines[i])) {
      bitext.empty_lines.push_back(i + 1);
    } else {
      bitext.source.push_back(std::move(source_lines[i]));
      bitext.target.push_back(std::move(target_lines[i]));
      bitext.line.push_back(i + 1);
    }
  }
  return bitext;
}

Bitext read_monolingual(const std::filesystem::path& source) {
  std::vector<std::string> lines = read_lines(source);
  Bitext bitext;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (!is_valid_utf8(lines[i])) {
      bitext.invalid_lines.push_back(i + 1);
    } else if (is_blank(lines[i])) {
      bitext.empty_lines.push_back(i + 1);
    } else {
      bitext.source.push_back(std::move(lines[i]));
      bitext.line.push_back(i + 1);
    }
  }
  return bitext;
}

}  // namespace rest
