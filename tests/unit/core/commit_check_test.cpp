#include "rest/core/commit_check.hpp"

#include "unit/store/store_fixture.hpp"

namespace rest {
namespace {

namespace fs = std::filesystem;

class CommitCheckTest : public StoreTest {
 protected:
  fs::path file() const { return dir() / "thing.json"; }
  fs::path record() const { return file().string() + ".commit.json"; }
  CommitState state(Hashing hashing = Hashing::on) const { return check_committed(file(), hashing).state; }
};

TEST_F(CommitCheckTest, TellsEveryStateFromTheOthers) {
  EXPECT_EQ(state(), CommitState::absent);
  commit_json(file(), {{"a", 1}}, make_lineage("thing", {}, {}));
  EXPECT_EQ(state(), CommitState::complete);
  const std::string bytes = bytes_of(file()), written = bytes_of(record());
  put(file(), "[" + bytes.substr(1));
  EXPECT_EQ(state(), CommitState::other_bytes);
  EXPECT_EQ(state(Hashing::off), CommitState::complete);
  put(file(), bytes + " ");
  EXPECT_EQ(state(), CommitState::other_size);
  fs::remove(file());
  EXPECT_EQ(state(), CommitState::no_artefact);
  put(file(), bytes);
  put(record(), "{}");
  EXPECT_EQ(state(), CommitState::unreadable_record);
  fs::remove(record());
  EXPECT_EQ(state(), CommitState::no_record);
  put(record(), written);
  fs::rename(file(), dir() / "other.json");
  fs::rename(record(), dir() / "other.json.commit.json");
  EXPECT_EQ(check_committed(dir() / "other.json", Hashing::on).state, CommitState::other_name);
}

TEST_F(CommitCheckTest, TheRecordIsThereWheneverItCanBeRead) {
  commit_json(file(), {{"a", 1}}, make_lineage("thing", {}, {}));
  truncate(file());
  EXPECT_EQ(check_committed(file(), Hashing::on).record.value().lineage.at("kind"), "thing");
  put(record(), "nonsense");
  EXPECT_FALSE(check_committed(file(), Hashing::on).record);
}

TEST_F(CommitCheckTest, SettingAsideMovesRecordAndArtefactOverWhatIsThere) {
  const fs::path aside = dir() / "damaged/deep/thing.json";
  commit_json(file(), {{"a", 1}}, make_lineage("thing", {}, {}));
  const std::string bytes = bytes_of(file());
  set_aside(file(), aside);
  EXPECT_EQ(state(), CommitState::absent);
  EXPECT_EQ(bytes_of(aside), bytes);
  put(file(), "second");
  set_aside(file(), aside);
  EXPECT_EQ(bytes_of(aside), "second");
  EXPECT_FALSE(fs::exists(aside.string() + ".commit.json"));  // the first one's: it says nothing of the second
}

TEST_F(CommitCheckTest, SetsDirectoriesAside) {
  commit_directory(dir() / "update-1", make_lineage("thing", {}, {}),
                   [](const fs::path& folder) { put(folder / "state", "x"); });
  set_aside(dir() / "update-1", dir() / "damaged/update-1");
  EXPECT_FALSE(fs::exists(dir() / "update-1"));
  EXPECT_EQ(check_committed(dir() / "damaged/update-1", Hashing::on).state, CommitState::complete);
}

}  // namespace
}  // namespace rest
