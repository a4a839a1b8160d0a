#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "rest/core/ragged.hpp"

namespace rest {

/// The decoded prefixes of the live sources: one node a distinct prefix, its number the place of its keys and values in
/// the cache. A node lives as long as something below it is decoded.
class PrefixTree {
 public:
  using Node = std::int32_t;
  static constexpr Node none = -1;

  /// The prefix of `parent` (none: a root, holding the begin piece) followed by `token`.
  Node add(Node parent, Token token);
  /// Gives up a node without children, and with it the ancestors that have no other descendants.
  void release(Node node);
  bool has_children(Node node) const { return nodes_[static_cast<std::size_t>(node)].children > 0; }

  /// Nodes from the root to `node`, length = depth + 1.
  void path(Node node, std::int32_t* out, std::int64_t length) const;
  /// Pieces from the root to `node`, the begin piece left out.
  std::vector<Token> tokens(Node node, std::int64_t depth) const;

  /// Nodes are numbered below this.
  std::int64_t capacity() const { return static_cast<std::int64_t>(nodes_.size()); }

 private:
  struct Entry {
    Node parent;
    std::int32_t children;
    Token token;
  };
  std::vector<Entry> nodes_;
  std::vector<Node> free_;
};

}  // namespace rest
