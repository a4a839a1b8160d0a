#include "rest/core/committed.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <vector>

#include "rest/core/commit_check.hpp"
#include "rest/core/error.hpp"

namespace rest {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

fs::path record_path(const fs::path& path) { return path.string() + ".commit.json"; }
fs::path temporary_path(const fs::path& path) { return path.string() + ".tmp"; }
fs::path folder_of(const fs::path& path) { return path.has_parent_path() ? path.parent_path() : fs::path("."); }

[[noreturn]] void fail(const fs::path& path, const std::string& what, int number) {
  throw Error(path.string() + " " + what, std::strerror(number),
              number == ENOSPC || number == EDQUOT ? "free some space and start again: nothing complete was lost"
                                                   : "check the directory and its permissions");
}

/// Makes the bytes (or, for a directory, the names in it) survive a power cut.
void sync(const fs::path& path, int flags) {
  const int descriptor = open(path.c_str(), flags | O_CLOEXEC);
  if (descriptor < 0) fail(path, "cannot be opened", errno);
  const int status = fsync(descriptor), number = errno;
  close(descriptor);
  // Some network file systems know no fsync of a directory: there a rename is as durable as it gets.
  const bool unknown = number == EINVAL && (flags & O_DIRECTORY) != 0;
  if (status != 0 && !unknown) fail(path, "cannot be synchronised", number);
}
void sync_file(const fs::path& file) { sync(file, O_RDONLY); }
void sync_directory(const fs::path& directory) { sync(directory, O_RDONLY | O_DIRECTORY); }

void rename_durably(const fs::path& from, const fs::path& to) {
  if (std::rename(from.c_str(), to.c_str()) != 0) fail(to, "cannot be put in place", errno);
  sync_directory(folder_of(to));
}

/// The record must be gone for good before what it vouches for changes.
void remove_record(const fs::path& path) {
  if (unlink(record_path(path).c_str()) == 0) return sync_directory(folder_of(path));
  if (errno != ENOENT && errno != ENOTDIR) fail(record_path(path), "cannot be removed", errno);
}

void remove_tree(const fs::path& path) {
  std::error_code problem;
  fs::remove_all(path, problem);
  if (problem) fail(path, "cannot be removed", problem.value());
}

void make_folder(const fs::path& folder) {
  std::error_code problem;
  fs::create_directories(folder, problem);
  if (problem) fail(folder, "cannot be made", problem.value());
}

void write_text(const fs::path& file, const std::string& text) {
  errno = 0;
  std::ofstream out(file, std::ios::binary | std::ios::trunc);
  out << text;
  out.close();
  if (!out) fail(file, "cannot be written", errno);
}

struct Entries {
  std::vector<fs::path> files, directories;
};

Entries entries_below(const fs::path& directory) {
  Entries entries;
  try {
    for (const auto& entry : fs::recursive_directory_iterator(directory)) {
      if (entry.is_directory()) entries.directories.push_back(entry.path());
      if (entry.is_regular_file()) entries.files.push_back(entry.path());
    }
  } catch (const fs::filesystem_error& problem) {
    fail(directory, "cannot be read", problem.code().value());
  }
  return entries;
}

/// Throws Error when there is no such file or directory.
std::uint64_t size_of(const fs::path& path) {
  std::error_code problem;
  if (!fs::is_directory(path, problem)) {
    const std::uint64_t bytes = fs::file_size(path, problem);
    if (problem) fail(path, "cannot be read", problem.value());
    return bytes;
  }
  std::uint64_t bytes = 0;
  for (const fs::path& file : entries_below(path).files) bytes += size_of(file);
  return bytes;
}

std::string digest_of(const fs::path& path) {
  if (!fs::is_directory(path)) return sha256_of_file(path);
  std::vector<std::string> lines;
  for (const fs::path& file : entries_below(path).files) {
    lines.push_back(file.lexically_relative(path).string() + ' ' + sha256_of_file(file) + '\n');
  }
  std::sort(lines.begin(), lines.end());
  std::string text;
  for (const std::string& line : lines) text += line;
  return sha256(text);
}

/// From a complete and synchronised temporary to a committed artefact. All that can fill the disk, the record's bytes
/// too, comes before the first thing that touches what stood there.
void put_in_place(const fs::path& path, const Lineage& lineage, const json& sidecar) {
  const fs::path temporary = temporary_path(path), record = record_path(path);
  const json content = {{"name", path.filename().string()},
                        {"bytes", size_of(temporary)},
                        {"sha256", digest_of(temporary)},
                        {"lineage", lineage},
                        {"sidecar", sidecar}};
  write_text(temporary_path(record), content.dump(1) + "\n");
  sync_file(temporary_path(record));
  remove_record(path);
  if (fs::is_directory(temporary)) remove_tree(path);  // a rename replaces files, but no directory with files in it
  rename_durably(temporary, path);
  rename_durably(temporary_path(record), record);
}

/// Nothing when there is none that can be read.
std::optional<CommitRecord> read_record(const fs::path& path) {
  std::ifstream in(record_path(path));
  if (!in) return std::nullopt;
  try {
    const json stored = json::parse(in);
    return CommitRecord{stored.at("name"), stored.at("bytes"), stored.at("sha256"), stored.at("lineage")};
  } catch (const json::exception&) {
    return std::nullopt;
  } catch (const std::ios_base::failure&) {
    return std::nullopt;
  }
}

/// Runs `work`; if it throws, removes the temporaries of `path` and passes the exception on.
template <class Work>
void cleaning_up(const fs::path& path, Work work) {
  try {
    work();
  } catch (...) {
    std::error_code ignored;
    fs::remove_all(temporary_path(path), ignored);
    fs::remove(temporary_path(record_path(path)), ignored);
    throw;
  }
}

}  // namespace

void commit_file(const fs::path& path, const Lineage& lineage, const std::function<void(const fs::path&)>& write,
                 const std::function<void(const fs::path&)>& verify, const json& sidecar) {
  make_folder(folder_of(path));
  cleaning_up(path, [&] {
    const fs::path temporary = temporary_path(path);
    write(temporary);
    if (verify) verify(temporary);
    sync_file(temporary);
    put_in_place(path, lineage, sidecar);
  });
}

void commit_json(const fs::path& path, const json& content, const Lineage& lineage, const json& sidecar) {
  const auto write = [&](const fs::path& temporary) { write_text(temporary, content.dump(2) + "\n"); };
  commit_file(path, lineage, write, {}, sidecar);
}

json read_json(const fs::path& file) {
  std::ifstream in(file);
  auto parsed = json::parse(in, nullptr, false);
  if (!parsed.is_object()) throw Error(file.string() + " is no JSON object", "", "remove it and start again");
  return parsed;
}

void commit_directory(const fs::path& path, const Lineage& lineage, const std::function<void(const fs::path&)>& write,
                      const json& sidecar) {
  const fs::path temporary = temporary_path(path);
  remove_tree(temporary);
  make_folder(temporary);
  cleaning_up(path, [&] {
    write(temporary);
    const Entries entries = entries_below(temporary);
    for (const fs::path& file : entries.files) sync_file(file);
    for (const fs::path& directory : entries.directories) sync_directory(directory);
    sync_directory(temporary);
    put_in_place(path, lineage, sidecar);
  });
}

std::optional<CommitRecord> find_committed(const fs::path& path) {
  auto record = read_record(path);
  try {
    if (record && size_of(path) == record->bytes) return record;
  } catch (const Error&) {
  }
  return std::nullopt;
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
    std::error_code ignored;
    if (!fs::exists(path, ignored)) throw Error(path.string() + " is missing", "", "make it with " + made_by);
    throw Error(path.string() + " is not complete",
                "truncated, or still being written: no commit record, or one of another size",
                "make it with " + made_by);
  }
  if (digest_of(path) != record->sha256) {
    throw Error(path.string() + " is damaged", "its bytes differ from its commit record's SHA-256",
                "remove it and make it again with " + made_by);
  }
  return *record;
}

CommitCheck check_committed(const fs::path& path, Hashing hashing) {
  std::error_code ignored;
  const bool there = fs::exists(path, ignored);
  if (!fs::exists(record_path(path), ignored)) {
    return {std::nullopt, there ? CommitState::no_record : CommitState::absent};
  }
  auto record = read_record(path);
  const auto state = [&] {
    if (!record) return CommitState::unreadable_record;
    if (!there) return CommitState::no_artefact;
    if (record->name != path.filename()) return CommitState::other_name;
    if (size_of(path) != record->bytes) return CommitState::other_size;
    if (hashing == Hashing::on && digest_of(path) != record->sha256) return CommitState::other_bytes;
    return CommitState::complete;
  }();
  return {std::move(record), state};
}

void set_aside(const fs::path& path, const fs::path& aside) {
  make_folder(folder_of(aside));
  remove_tree(record_path(aside));
  remove_tree(aside);
  std::error_code ignored;
  if (fs::exists(record_path(path), ignored)) {
    rename_durably(record_path(path), record_path(aside));
    sync_directory(folder_of(path));
  }
  if (fs::exists(path, ignored)) rename_durably(path, aside);
}

void remove_committed(const fs::path& path) {
  remove_record(path);
  remove_tree(path);
}

}  // namespace rest
