#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "rest/core/committed.hpp"
#include "rest/core/error.hpp"

namespace rest {

/// A folder of its own for each test, removed afterwards, and ways to damage what is in it.
class StoreTest : public testing::Test {
 protected:
  StoreTest() {
    std::string name = (std::filesystem::temp_directory_path() / "rest-store-XXXXXX").string();
    if (!mkdtemp(name.data())) throw Error("cannot make " + name);
    dir_ = name;
  }
  ~StoreTest() override {
    std::error_code ignored;
    std::filesystem::remove_all(dir_, ignored);
  }
  const std::filesystem::path& dir() const { return dir_; }

  static std::string bytes_of(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  static void put(const std::filesystem::path& file, const std::string& bytes) {
    std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes;
  }
  static void flip_middle_byte(const std::filesystem::path& file) {
    std::string bytes = bytes_of(file);
    bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 0x10);
    put(file, bytes);
  }
  static void truncate(const std::filesystem::path& file) {
    std::filesystem::resize_file(file, std::filesystem::file_size(file) / 2);
  }

  /// Message of the Error that `call` throws.
  template <class Call>
  static std::string error_of(Call&& call) {
    try {
      call();
    } catch (const Error& error) {
      return error.what();
    }
    ADD_FAILURE() << "no Error";
    return {};
  }

  /// Runs Python with h5py and `f`, the path of a file; false when there is no such Python.
  static bool python(const std::string& code, const std::filesystem::path& f) {
    const char* named = std::getenv("REST_PYTHON");
    const std::string program = named && *named ? named : "python3";
    if (std::system((program + " -c 'import h5py' 2>/dev/null").c_str()) != 0) return false;
    const std::filesystem::path script = f.string() + ".py";
    put(script, "import h5py, numpy as np\nf = '" + f.string() + "'\n" + code);
    EXPECT_EQ(std::system((program + " " + script.string()).c_str()), 0) << code;
    return true;
  }

  /// Alters the content of a committed file with h5py (`h` is the open file) and commits it again, so that its record
  /// and digest are right and only the content is wrong. False when there is no h5py.
  static bool alter(const std::filesystem::path& file, const std::string& code) {
    const std::filesystem::path copy = file.string() + ".altered";
    std::filesystem::copy_file(file, copy, std::filesystem::copy_options::overwrite_existing);
    if (!python("h = h5py.File(f, 'r+')\n" + code + "\nh.close()\n", copy)) return false;
    const Lineage lineage = find_committed(file).value().lineage;
    remove_committed(file);
    commit_file(file, lineage, [&](const std::filesystem::path& path) { std::filesystem::copy_file(copy, path); });
    return true;
  }

  /// Replaces a column by other values ("[1, 2]") of the same or another type ("u4").
  static std::string replace(const std::string& name, const std::string& values, const std::string& type) {
    return "del h['" + name + "']; h['" + name + "'] = np.array(" + values + ", '" + type + "')";
  }

 private:
  std::filesystem::path dir_;
};

inline testing::AssertionResult contains(const std::string& text, const std::string& part) {
  if (text.find(part) != std::string::npos) return testing::AssertionSuccess();
  return testing::AssertionFailure() << '"' << text << "\" does not contain \"" << part << '"';
}

}  // namespace rest
