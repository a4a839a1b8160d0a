#include "rest/reward/perturbation.hpp"

#include <algorithm>
#include <numeric>

#include "../text/utf8.hpp"
#include "rest/core/error.hpp"
#include "rest/core/philox.hpp"

namespace rest {
namespace {

constexpr std::pair<Perturbation, const char*> names[] = {
    {Perturbation::repeat, "repeat"},
    {Perturbation::repeat_phrase, "repeat_phrase"},
    {Perturbation::truncate, "truncate"},
    {Perturbation::drop_words, "drop_words"},
    {Perturbation::shuffle_words, "shuffle_words"},
    {Perturbation::copy_source, "copy_source"},
    {Perturbation::half_source, "half_source"},
    {Perturbation::wrong_source, "wrong_source"},
    {Perturbation::numbers, "numbers"},
    {Perturbation::empty, "empty"},
};

/// Uniform numbers for one text.
class Draws {
 public:
  Draws(Perturbation kind, std::size_t at, std::uint64_t seed)
      : stream_(Purpose::perturbation, seed, static_cast<std::uint64_t>(kind), at) {}
  double uniform() { return stream_.uniform(next_++); }
  /// Below `count`.
  std::size_t below(std::size_t count) {
    return std::min(count - 1, static_cast<std::size_t>(uniform() * static_cast<double>(count)));
  }

 private:
  Philox stream_;
  std::uint32_t next_ = 0;
};

using Words = std::vector<std::u32string>;

constexpr std::size_t fewest_words = 4;

struct Parts {
  Words words;
  bool spaced;  // white space parts them
};

Parts parts_of(const std::string& text) {
  Words words(1), characters;
  for (const char32_t c : to_code_points(text)) {
    if (!is_white_space(c)) {
      words.back().push_back(c);
      characters.push_back({c});
    } else if (!words.back().empty()) {
      words.emplace_back();
    }
  }
  if (words.back().empty()) words.pop_back();
  const bool spaced = words.size() >= fewest_words;
  return {spaced ? words : characters, spaced};
}

std::string joined(const Words& words, bool spaced) {
  std::u32string text;
  for (const std::u32string& word : words) {
    if (spaced && !text.empty()) text.push_back(U' ');
    text += word;
  }
  return to_utf8(text);
}

std::optional<Words> repeat_phrase(Words words, Draws& draws) {
  const std::size_t length = std::min<std::size_t>(words.size(), 1 + draws.below(3));
  const auto first = static_cast<std::ptrdiff_t>(draws.below(words.size() - length + 1));
  const Words phrase(words.begin() + first, words.begin() + first + static_cast<std::ptrdiff_t>(length));
  for (int time = 0; time < 2; ++time) words.insert(words.begin() + first, phrase.begin(), phrase.end());
  return words;
}

std::optional<Words> truncate(Words words) {
  if (words.size() < 2) return std::nullopt;
  words.resize(words.size() - std::max<std::size_t>(1, words.size() / 3));
  return words;
}

std::optional<Words> drop_words(const Words& words, Draws& draws) {
  if (words.size() < 2) return std::nullopt;
  std::vector<std::size_t> places(words.size());
  std::iota(places.begin(), places.end(), std::size_t{0});
  for (std::size_t dropped = std::max<std::size_t>(1, words.size() / 5); dropped > 0; --dropped) {
    places.erase(places.begin() + static_cast<std::ptrdiff_t>(draws.below(places.size())));
  }
  Words kept;
  for (const std::size_t place : places) kept.push_back(words[place]);
  return kept;
}

std::optional<Words> shuffle_words(Words words, Draws& draws) {
  if (words.size() < 2) return std::nullopt;
  for (std::size_t i = words.size() - 1; i > 0; --i) std::swap(words[i], words[draws.below(i + 1)]);
  return words;
}

std::optional<std::string> half_source(const GoodTranslation& good) {
  const Parts text = parts_of(good.text), source = parts_of(good.source);
  if (text.words.size() < 2 || source.words.size() < 2) return std::nullopt;
  const auto half = [](const Words& words) { return static_cast<std::ptrdiff_t>(words.size() / 2); };
  const Words first(text.words.begin(), text.words.begin() + half(text.words));
  const Words second(source.words.begin() + half(source.words), source.words.end());
  return joined(first, text.spaced) + " " + joined(second, source.spaced);
}

/// The nearest one behind, around the end, that is of another source and reads otherwise.
std::optional<std::string> wrong_source(Span<const GoodTranslation> good, std::size_t at, Draws& draws) {
  const std::size_t start = draws.below(good.size());
  for (std::size_t i = 0; i < good.size(); ++i) {
    const GoodTranslation& other = good[(start + i) % good.size()];
    if (other.source != good[at].source && other.text != good[at].text) return other.text;
  }
  return std::nullopt;
}

std::optional<std::string> numbers(const std::string& text, Draws& draws) {
  std::string changed = text;
  for (char& c : changed) {
    if (c < '0' || c > '9') continue;
    c = static_cast<char>('0' + (c - '0' + 1 + static_cast<int>(draws.below(9))) % 10);
  }
  return changed;
}

std::optional<std::string> spoiled(Perturbation kind, Span<const GoodTranslation> good, std::size_t at, Draws& draws) {
  const GoodTranslation& pair = good[at];
  const Parts parts = parts_of(pair.text);
  const auto text_of = [&](const std::optional<Words>& words) {
    return words ? std::optional<std::string>(joined(*words, parts.spaced)) : std::nullopt;
  };
  if (parts.words.empty()) return std::nullopt;
  switch (kind) {
    case Perturbation::repeat:
      return pair.text + (parts.spaced ? " " : "") + pair.text;
    case Perturbation::repeat_phrase:
      return text_of(repeat_phrase(parts.words, draws));
    case Perturbation::truncate:
      return text_of(truncate(parts.words));
    case Perturbation::drop_words:
      return text_of(drop_words(parts.words, draws));
    case Perturbation::shuffle_words:
      return text_of(shuffle_words(parts.words, draws));
    case Perturbation::copy_source:
      return pair.source;
    case Perturbation::half_source:
      return half_source(pair);
    case Perturbation::wrong_source:
      return wrong_source(good, at, draws);
    case Perturbation::numbers:
      return numbers(pair.text, draws);
    case Perturbation::empty:
      return "";
  }
  throw Error("no such perturbation");
}

}  // namespace

std::vector<Perturbation> all_perturbations() {
  std::vector<Perturbation> kinds;
  for (const auto& [kind, name] : names) kinds.push_back(kind);
  return kinds;
}

std::string to_string(Perturbation kind) {
  for (const auto& [each, name] : names) {
    if (each == kind) return name;
  }
  throw Error("no such perturbation");
}

std::optional<std::string> perturbed(Perturbation kind, Span<const GoodTranslation> good, std::size_t at,
                                     std::uint64_t seed) {
  Draws draws(kind, at, seed);
  const auto text = spoiled(kind, good, at, draws);
  return text && *text != good[at].text ? text : std::nullopt;
}

}  // namespace rest
