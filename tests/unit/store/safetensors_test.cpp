#include "rest/store/safetensors.hpp"

#include "unit/store/store_fixture.hpp"

namespace rest {
namespace {

class SafetensorsFile : public StoreTest {
 protected:
  const std::vector<float> weight_ = {1, 2, 3, 4, 5, 6};
  const std::vector<std::int64_t> steps_ = {-7};
  const std::vector<std::uint16_t> half_ = {0x3f80, 0x4000, 0x4040};
  std::filesystem::path file() const { return dir() / "model.safetensors"; }

  std::vector<TensorView> tensors() const {
    return {{"z.weight", "F32", {2, 3}, weight_.data(), 24},
            {"half", "BF16", {3}, half_.data(), 6},
            {"a.empty", "F64", {0, 5}, nullptr, 0},
            {"steps", "I64", {}, steps_.data(), 8}};
  }

  /// A file of this header text and as many data bytes.
  void put_file(const std::string& header, std::size_t data_bytes) const {
    std::string bytes(8, '\0');
    for (std::size_t i = 0; i < 8; ++i) bytes[i] = static_cast<char>((header.size() >> (8 * i)) & 0xff);
    put(file(), bytes + header + std::string(data_bytes, 'x'));
  }
};

TEST_F(SafetensorsFile, comes_back_as_written_in_order) {
  write_safetensors(file(), tensors(), {{"kind", "policy"}});
  const Safetensors there(file());
  ASSERT_EQ(there.tensors().size(), 4u);
  const auto written = tensors();
  for (std::size_t i = 0; i < 4; ++i) {
    const TensorView &a = written[i], &b = there.tensors()[i];
    EXPECT_EQ(a.name, b.name);
    EXPECT_EQ(a.dtype, b.dtype);
    EXPECT_EQ(a.shape, b.shape);
    EXPECT_EQ(std::string(static_cast<const char*>(a.data), a.bytes),
              std::string(static_cast<const char*>(b.data), b.bytes));
  }
  EXPECT_EQ(there.metadata(), (std::map<std::string, std::string>{{"kind", "policy"}}));
  EXPECT_EQ(static_cast<const float*>(there.at("z.weight").data)[5], 6.0f);
}

TEST_F(SafetensorsFile, has_the_layout_of_the_format) {
  write_safetensors(file(), {{"w", "F32", {1}, weight_.data(), 4}});
  const std::string bytes = bytes_of(file());
  const std::string header = R"({"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";
  const std::size_t padded = (header.size() + 7) / 8 * 8;
  ASSERT_EQ(bytes.size(), 8 + padded + 4);
  EXPECT_EQ(static_cast<unsigned char>(bytes[0]), padded);
  EXPECT_EQ(bytes.substr(8, padded), header + std::string(padded - header.size(), ' '));
}

TEST_F(SafetensorsFile, names_file_and_tensor_when_a_tensor_is_missing) {
  write_safetensors(file(), tensors());
  const std::string message = error_of([&] { Safetensors(file()).at("bias"); });
  EXPECT_TRUE(contains(message, "bias"));
  EXPECT_TRUE(contains(message, file().string()));
}

TEST_F(SafetensorsFile, refuses_to_write_what_does_not_fit) {
  EXPECT_TRUE(contains(error_of([&] { write_safetensors(file(), {{"w", "F32", {7}, weight_.data(), 24}}); }), "w"));
  EXPECT_TRUE(contains(error_of([&] { write_safetensors(file(), {{"w", "F31", {6}, weight_.data(), 24}}); }), "w"));
  const TensorView w{"w", "F32", {6}, weight_.data(), 24};
  EXPECT_TRUE(contains(error_of([&] { write_safetensors(file(), {w, w}); }), "twice"));
  EXPECT_TRUE(contains(error_of([&] { write_safetensors(dir() / "no" / "where", {w}); }), "where"));
}

TEST_F(SafetensorsFile, that_is_missing_empty_or_cut_anywhere_is_an_error) {
  EXPECT_TRUE(contains(error_of([&] { Safetensors{file()}; }), file().string()));
  write_safetensors(file(), tensors());
  const std::string whole = bytes_of(file());
  for (std::size_t bytes = 0; bytes < whole.size(); ++bytes) {
    put(file(), whole.substr(0, bytes));
    EXPECT_TRUE(contains(error_of([&] { Safetensors{file()}; }), file().string())) << bytes;
  }
}

TEST_F(SafetensorsFile, that_is_malformed_is_an_error) {
  const auto entry = [](const std::string& dtype, const std::string& shape, const std::string& offsets) {
    return R"({"w":{"dtype":)" + dtype + R"(,"shape":)" + shape + R"(,"data_offsets":)" + offsets + "}}";
  };
  const std::vector<std::string> headers = {
      "",
      "[]",
      "{",
      R"({"w":5})",
      R"({"w":{"dtype":"F32","shape":[2]}})",
      entry("\"F32\"", "[2]", "[0]"),
      entry("\"F32\"", "[2]", "[0,9]"),
      entry("\"F32\"", "[2]", "[8,0]"),
      entry("\"F32\"", "[2]", "[-8,0]"),
      entry("\"F32\"", "[3]", "[0,8]"),
      entry("\"F32\"", "[-2]", "[0,8]"),
      entry("\"F32\"", "2", "[0,8]"),
      entry("\"F32\"", "[2.0]", "[0,8]"),
      entry("\"F32\"", "[4611686018427387906]", "[0,8]"),
      entry("\"F32\"", "[4294967296,4294967296]", "[0,8]"),
      entry("\"X32\"", "[2]", "[0,8]"),
      entry("7", "[2]", "[0,8]"),
      entry("\"F32\"", "[1]", "[0,4]"),
      entry("\"F32\"", "[1]", "[4,8]"),
      R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
      R"({"__metadata__":[],"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})",
      R"({"__metadata__":{"a":1},"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})",
  };
  for (const std::string& header : headers) {
    put_file(header, 8);
    EXPECT_TRUE(contains(error_of([&] { Safetensors{file()}; }), file().string())) << header;
  }
  put_file(entry("\"F32\"", "[2]", "[0,8]"), 8);
  EXPECT_NO_THROW(Safetensors{file()});
  put(file(), std::string(8, '\xff') + "{}");
  EXPECT_TRUE(contains(error_of([&] { Safetensors{file()}; }), file().string()));
}

}  // namespace
}  // namespace rest
