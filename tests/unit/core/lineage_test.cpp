#include <gtest/gtest.h>

#include "rest/core/committed.hpp"

namespace rest {
namespace {

Lineage example(nlohmann::json options) { return make_lineage("shard", {{"policy", "aa"}}, std::move(options)); }

TEST(Lineage, EqualOnesHaveNoDifference) {
  EXPECT_EQ(lineage_difference(example({{"a", 1}, {"b", 2}}), example({{"b", 2}, {"a", 1}})), "");
  EXPECT_EQ(lineage_difference(example({{"t", 1}}), example({{"t", 1.0}})), "") << "equal numbers are equal";
}

TEST(Lineage, DifferenceNamesKeyAndBothValues) {
  EXPECT_EQ(
      lineage_difference(example({{"grow", {{"temperature", 0.8}}}}), example({{"grow", {{"temperature", 1.0}}}})),
      "options.grow.temperature is 0.8 there, 1.0 asked for");
  EXPECT_EQ(
      lineage_difference(make_lineage("shard", {{"policy", "aa"}}, {}), make_lineage("shard", {{"policy", "bb"}}, {})),
      "inputs.policy is \"aa\" there, \"bb\" asked for");
  EXPECT_EQ(lineage_difference(make_lineage("shard", {}, {}), make_lineage("index", {}, {})),
            "kind is \"shard\" there, \"index\" asked for");
}

TEST(Lineage, AKeyOnOneSideOnlyIsADifference) {
  EXPECT_EQ(lineage_difference(example({{"a", 1}}), example({{"a", 1}, {"b", 2}})),
            "options.b is not set there, 2 asked for");
  EXPECT_EQ(lineage_difference(example({{"a", 1}, {"b", 2}}), example({{"a", 1}})),
            "options.b is 2 there, not set asked for");
  EXPECT_NE(lineage_difference(example({{"a", nullptr}}), example(nlohmann::json::object())), "");
}

TEST(Lineage, OfSomethingElseThanObjectsDiffers) {
  EXPECT_NE(lineage_difference("damaged", example({})), "");
  EXPECT_NE(lineage_difference(nullptr, example({})), "");
}

}  // namespace
}  // namespace rest
