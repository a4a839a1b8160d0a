#include "prefix_tree.hpp"

namespace rest {

PrefixTree::Node PrefixTree::add(Node parent, Token token) {
  if (parent != none) ++nodes_[static_cast<std::size_t>(parent)].children;
  if (free_.empty()) {
    nodes_.push_back({parent, 0, token});
    return static_cast<Node>(nodes_.size() - 1);
  }
  const Node node = free_.back();
  free_.pop_back();
  nodes_[static_cast<std::size_t>(node)] = {parent, 0, token};
  return node;
}

void PrefixTree::release(Node node) {
  while (node != none) {
    const Node parent = nodes_[static_cast<std::size_t>(node)].parent;
    free_.push_back(node);
    if (parent == none || --nodes_[static_cast<std::size_t>(parent)].children > 0) return;
    node = parent;
  }
}

void PrefixTree::path(Node node, std::int32_t* out, std::int64_t length) const {
  for (std::int64_t i = length; i-- > 0;) {
    out[i] = node;
    node = nodes_[static_cast<std::size_t>(node)].parent;
  }
}

std::vector<Token> PrefixTree::tokens(Node node, std::int64_t depth) const {
  std::vector<Token> tokens(static_cast<std::size_t>(depth));
  for (std::size_t i = tokens.size(); i-- > 0;) {
    const Entry& entry = nodes_[static_cast<std::size_t>(node)];
    tokens[i] = entry.token;
    node = entry.parent;
  }
  return tokens;
}

}  // namespace rest
