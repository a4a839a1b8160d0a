#pragma once

#include <filesystem>
#include <optional>

#include "rest/core/committed.hpp"

namespace rest {

/// How what lies on disk agrees with its commit record.
enum class CommitState {
  complete,
  absent,             ///< neither record nor artefact
  no_record,          ///< the artefact alone: unfinished
  unreadable_record,  ///< a record that is no record
  no_artefact,        ///< a record alone
  other_name,         ///< the record was written for something else
  other_size,
  other_bytes,
};

struct CommitCheck {
  std::optional<CommitRecord> record;  ///< there whenever it can be read
  CommitState state;
};

enum class Hashing { on, off };  ///< off: other_bytes goes unnoticed

/// Throws Error only when the artefact cannot be read.
CommitCheck check_committed(const std::filesystem::path& path, Hashing hashing);

/// Moves an artefact out of a run, its record first, so that it does not exist from then on. Replaces what `aside`
/// names.
void set_aside(const std::filesystem::path& path, const std::filesystem::path& aside);

}  // namespace rest
