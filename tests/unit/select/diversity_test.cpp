#include "rest/select/diversity.hpp"

#include "unit/select/scored_fixture.hpp"

namespace rest {
namespace {

class DiversityTest : public ScoredTest {
 protected:
  DiversityTest() { write_step(); }
  Diversity of(double threshold) const {
    ThresholdFilter filter(threshold);
    const ScoredStep step = this->step();
    return diversity_of(CandidateView(step, filter));
  }
};

TEST_F(DiversityTest, is_counted_within_sources) {
  const Diversity all = of(-1.0);
  EXPECT_DOUBLE_EQ(all.distinct_per_source, 7.0 / 4.0);  // 3, 1, 1 and 2 rows; source 2 has none
  EXPECT_DOUBLE_EQ(all.duplicate_share, 1.0 - 7.0 / 12.0);
  // Source 0: 56 and 78 89, all different; source 1: no pairs; source 3: one pair, drawn four times; source 4: 13 14.
  EXPECT_DOUBLE_EQ(all.distinct_2, (1.0 + 1.0 / 4.0 + 1.0) / 3.0);
}

TEST_F(DiversityTest, of_nothing_is_nothing) {
  const Diversity none = of(1.0);
  EXPECT_EQ(none.distinct_per_source, 0.0);
  EXPECT_EQ(none.duplicate_share, 0.0);
  EXPECT_EQ(none.distinct_2, 0.0);
}

}  // namespace
}  // namespace rest
