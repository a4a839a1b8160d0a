#include <gtest/gtest.h>

#include <fstream>

#include "rest/core/committed.hpp"
#include "rest/core/error.hpp"
#include "support/temporary_directory.hpp"

namespace rest {
namespace {

// FIPS 180-4 examples.
TEST(Sha256, GivesTheKnownDigests) {
  EXPECT_EQ(sha256(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(sha256(std::string(1000000, 'a')), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, OfAFileIsThatOfItsBytes) {
  const TemporaryDirectory folder;
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{1} << 20, (std::size_t{3} << 20) + 17}) {
    std::string bytes(size, '\0');
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 31 % 251);
    std::ofstream(folder / "f", std::ios::binary) << bytes;
    EXPECT_EQ(sha256_of_file(folder / "f"), sha256(bytes)) << size << " bytes";
  }
}

TEST(Sha256, OfWhatCannotBeReadIsAnErrorNamingIt) {
  const TemporaryDirectory folder;
  try {
    sha256_of_file(folder / "absent");
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("absent cannot be read (No such file"), std::string::npos) << error.what();
  }
  EXPECT_THROW(sha256_of_file(folder.path()), Error) << "a directory";
}

}  // namespace
}  // namespace rest
