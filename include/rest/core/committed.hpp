#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace rest {

/// Hexadecimal SHA-256.
std::string sha256(const std::string& bytes);
std::string sha256_of_file(const std::filesystem::path& file);

/// What made an artefact: {"kind": ..., "inputs": {name: digest}, "options": {key: value}}. Two artefacts with equal
/// lineage are interchangeable; what does not change the result (rank count, host, time) does not belong here.
using Lineage = nlohmann::json;
Lineage make_lineage(const std::string& kind, nlohmann::json inputs, nlohmann::json options);

/// The first difference in words ("option grow.temperature is 0.8 there, 1 asked for"), or "" when equal.
std::string lineage_difference(const Lineage& there, const Lineage& asked);

/// Commit record `<path>.commit.json` of a file or directory. What has no record does not exist.
struct CommitRecord {
  std::string name;     ///< file name of the artefact
  std::uint64_t bytes;  ///< its size (directories: the sum over files)
  std::string sha256;   ///< of the file; of a directory: of its sorted "name sha256" lines
  Lineage lineage;
};

/// Writes a file that must survive: `write(tmp)`, `verify(tmp)` (reads back what was written; throws if it is wrong),
/// fsync, rename, fsync of the directory; then the record in the same way. Throws Error naming the file; on failure the
/// temporary file is removed; an artefact that stood there before is kept unless the last step, the renames, failed (it
/// then counts as absent, never as complete).
/// `sidecar` (host, ranks, time, versions) is stored in the record outside the lineage.
void commit_file(const std::filesystem::path& path, const Lineage& lineage,
                 const std::function<void(const std::filesystem::path&)>& write,
                 const std::function<void(const std::filesystem::path&)>& verify = {},
                 const nlohmann::json& sidecar = {});

/// The same for a JSON file.
void commit_json(const std::filesystem::path& path, const nlohmann::json& content, const Lineage& lineage,
                 const nlohmann::json& sidecar = {});

/// A JSON object from a file. Throws Error naming the file when it is missing or holds something else.
nlohmann::json read_json(const std::filesystem::path& file);

/// commit_file for a directory: `write` fills an empty temporary directory.
void commit_directory(const std::filesystem::path& path, const Lineage& lineage,
                      const std::function<void(const std::filesystem::path&)>& write,
                      const nlohmann::json& sidecar = {});

/// The record if the artefact is complete: record readable, every file present with the recorded size.
/// (Hashing is verify_committed's.) Damaged or unfinished ones are absent.
std::optional<CommitRecord> find_committed(const std::filesystem::path& path);

/// True if complete with this lineage, false if absent. Throws Error naming the difference when it is there with
/// another lineage, and how to go on (another run directory or variant, or remove it).
bool is_committed(const std::filesystem::path& path, const Lineage& lineage);

/// The record of something that must be there, with its bytes hashed and compared. Throws Error naming the file:
/// missing (and `made_by`, the program that makes it), truncated, or altered.
CommitRecord verify_committed(const std::filesystem::path& path, const std::string& made_by);

/// Removes record first, then the artefact.
void remove_committed(const std::filesystem::path& path);

}  // namespace rest
