#include "rest/core/committed.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <vector>

#include "rest/core/error.hpp"

namespace rest {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

fs::path record_path(const fs::path& path) { return path.string() + ".commit.json"; }
fs::path temporary_path(const fs::path& path) { return path.string() + ".tmp"; }

[[noreturn]] void fail(const fs::path& path, const std::string& what) {
  throw Error(path.string() + " " + what, std::strerror(errno),
              errno == ENOSPC || errno == EDQUOT ? "free some space and start again: nothing complete was lost"
                                                 : "check the directory and its permissions");
}

/// Makes the bytes (or, for a directory, the names in it) survive a power cut.
void sync(const fs::path& path, int flags) {
  const int descriptor = open(path.c_str(), flags | O_CLOEXEC);
  if (descriptor < 0) fail(path, "cannot be opened");
  const int status = fsync(descriptor);
  const int problem = errno;
  close(descriptor);
  if (status != 0) {
    errno = problem;
    fail(path, "cannot be synchronised");
  }
}
void sync_file(const fs::path& file) { sync(file, O_RDONLY); }
void sync_directory(const fs::path& directory) { sync(directory, O_RDONLY | O_DIRECTORY); }
fs::path folder_of(const fs::path& path) { return path.has_parent_path() ? path.parent_path() : fs::path("."); }

void rename_durably(const fs::path& from, const fs::path& to) {
  if (std::rename(from.c_str(), to.c_str()) != 0) fail(to, "cannot be put in place");
  sync_directory(folder_of(to));
}

void write_text(const fs::path& file, const std::string& text) {
  errno = 0;
  std::ofstream out(file, std::ios::binary | std::ios::trunc);
  out << text;
  out.close();
  if (!out) fail(file, "cannot be written");
}

/// Every regular file below a directory, as sorted relative names.
std::vector<fs::path> files_below(const fs::path& directory) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    if (entry.is_regular_file()) files.push_back(fs::relative(entry.path(), directory));
  }
  std::sort(files.begin(), files.end());
  return files;
}

struct Content {
  std::uint64_t bytes = 0;
  std::string sha256;
};

Content content_of(const fs::path& path) {
  if (!fs::is_directory(path)) return {fs::file_size(path), sha256_of_file(path)};
  Content content;
  std::string lines;
  for (const fs::path& file : files_below(path)) {
    content.bytes += fs::file_size(path / file);
    lines += file.string() + ' ' + sha256_of_file(path / file) + '\n';
  }
  content.sha256 = sha256(lines);
  return content;
}

std::uint64_t size_of(const fs::path& path) {
  if (!fs::is_directory(path)) return fs::file_size(path);
  std::uint64_t bytes = 0;
  for (const fs::path& file : files_below(path)) bytes += fs::file_size(path / file);
  return bytes;
}

void commit_record(const fs::path& path, const Content& content, const Lineage& lineage, const json& sidecar) {
  const json record = {{"name", path.filename().string()}, {"bytes", content.bytes}, {"sha256", content.sha256},
                       {"lineage", lineage},               {"sidecar", sidecar}};
  const fs::path temporary = temporary_path(record_path(path));
  write_text(temporary, record.dump(1) + "\n");
  sync_file(temporary);
  rename_durably(temporary, record_path(path));
}

/// Runs `work`; if it throws, removes the temporary and passes the exception on.
template <class Work>
void cleaning_up(const fs::path& temporary, Work work) {
  try {
    work();
  } catch (...) {
    std::error_code ignored;
    fs::remove_all(temporary, ignored);
    throw;
  }
}

void make_folder(const fs::path& path) {
  std::error_code problem;
  fs::create_directories(folder_of(path), problem);
  if (problem) throw Error(folder_of(path).string() + " cannot be made", problem.message(), "check its permissions");
}

void find_difference(const json& there, const json& asked, const std::string& key, std::string& difference) {
  if (!difference.empty() || there == asked) return;
  if (there.is_object() && asked.is_object()) {
    json keys = there;
    keys.update(asked);
    for (const auto& item : keys.items()) {
      const std::string inner = key.empty() ? item.key() : key + "." + item.key();
      const json nothing;
      find_difference(there.contains(item.key()) ? there[item.key()] : nothing,
                      asked.contains(item.key()) ? asked[item.key()] : nothing, inner, difference);
    }
    return;
  }
  const auto shown = [](const json& value) { return value.is_null() ? std::string("not set") : value.dump(); };
  difference = key + " is " + shown(there) + " there, " + shown(asked) + " asked for";
}

}  // namespace

Lineage make_lineage(const std::string& kind, json inputs, json options) {
  return {{"kind", kind},
          {"inputs", inputs.is_null() ? json::object() : std::move(inputs)},
          {"options", options.is_null() ? json::object() : std::move(options)}};
}

std::string lineage_difference(const Lineage& there, const Lineage& asked) {
  std::string difference;
  find_difference(there, asked, "", difference);
  return difference;
}

void commit_file(const fs::path& path, const Lineage& lineage, const std::function<void(const fs::path&)>& write,
                 const std::function<void(const fs::path&)>& verify, const json& sidecar) {
  make_folder(path);
  const fs::path temporary = temporary_path(path);
  cleaning_up(temporary, [&] {
    write(temporary);
    sync_file(temporary);
    if (verify) verify(temporary);
    const Content content = content_of(temporary);
    fs::remove(record_path(path));
    rename_durably(temporary, path);
    commit_record(path, content, lineage, sidecar);
  });
}

void commit_directory(const fs::path& path, const Lineage& lineage, const std::function<void(const fs::path&)>& write,
                      const json& sidecar) {
  make_folder(path);
  const fs::path temporary = temporary_path(path);
  std::error_code ignored;
  fs::remove_all(temporary, ignored);
  if (mkdir(temporary.c_str(), 0777) != 0) fail(temporary, "cannot be made");
  cleaning_up(temporary, [&] {
    write(temporary);
    for (const fs::path& file : files_below(temporary)) sync_file(temporary / file);
    sync_directory(temporary);
    const Content content = content_of(temporary);
    remove_committed(path);
    rename_durably(temporary, path);
    commit_record(path, content, lineage, sidecar);
  });
}

std::optional<CommitRecord> find_committed(const fs::path& path) {
  std::ifstream in(record_path(path));
  if (!in) return std::nullopt;
  const json stored = json::parse(in, nullptr, false);
  try {
    CommitRecord record{stored.at("name"), stored.at("bytes"), stored.at("sha256"), stored.at("lineage")};
    std::error_code problem;
    if (!fs::exists(path, problem) || size_of(path) != record.bytes) return std::nullopt;
    return record;
  } catch (const json::exception&) {
    return std::nullopt;
  } catch (const fs::filesystem_error&) {
    return std::nullopt;
  }
}

bool is_committed(const fs::path& path, const Lineage& lineage) {
  const auto record = find_committed(path);
  if (!record) return false;
  const std::string difference = lineage_difference(record->lineage, lineage);
  if (difference.empty()) return true;
  throw Error(path.string() + " was made with other options or inputs", difference,
              "use another run directory or variant, or remove it to make it again");
}

CommitRecord verify_committed(const fs::path& path, const std::string& made_by) {
  const auto record = find_committed(path);
  if (!record) {
    const bool there = fs::exists(path);
    throw Error(path.string() + (there ? " is not complete" : " is missing"),
                there ? "its commit record is missing, or its size is not the recorded one: truncated, or still being written" : "",
                "make it with " + made_by);
  }
  if (content_of(path).sha256 != record->sha256) {
    throw Error(path.string() + " is damaged", "its bytes differ from its commit record's SHA-256",
                "remove it and make it again with " + made_by);
  }
  return *record;
}

void remove_committed(const fs::path& path) {
  fs::remove(record_path(path));
  fs::remove_all(path);
}

}  // namespace rest
