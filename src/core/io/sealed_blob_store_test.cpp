// Blobs that are sealed in another store: ranges, damage of every kind, wrong keys.
#include "core/io/sealed_blob_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/io/simulated_files.h"

namespace weir {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr size_t kHeader = 84, kStored = kSealedChunk + 16;

class Chance final : public Random {
 public:
  uint64_t next() override { return last_ = last_ * 6364136223846793005u + 1442695040888963407u; }

 private:
  uint64_t last_ = 1;
};

class SealedTest : public ::testing::Test {
 protected:
  void SetUp() override {
    inner_ = std::shared_ptr<LocalBlobStore>(std::move(*LocalBlobStore::open(files_, "s")));
    store_ = make("bucket");
  }
  std::unique_ptr<SealedBlobStore> make(const std::string& name) {
    return std::make_unique<SealedBlobStore>(
        inner_, files_, SealedParts{name, [this]() -> Result<std::string> { return key_; }, random_});
  }
  static std::string content(size_t size) {
    std::string out(size, '\0');
    for (size_t i = 0; i < size; ++i) out[i] = static_cast<char>((i * 131 + i / 251) & 0xff);
    return out;
  }
  // What is read, or "(code)".
  std::string read(const std::string& key, uint64_t offset = 0, size_t size = 10'000'000) {
    const auto file = store_->open(key);
    if (!file) return said(file.error());
    std::string out(size, '\0');
    const auto count = (*file)->read_at(offset, out.data(), out.size());
    if (!count) return said(count.error());
    out.resize(*count);
    return out;
  }
  static std::string said(const Error& error) { return std::string("(") + code_name(error.code) + ") " + error.text(); }
  std::string stored(const std::string& key) { return *read_file(files_, "s/" + key); }
  void store(const std::string& key, const std::string& bytes) { ASSERT_TRUE(inner_->put(key, bytes)); }

  SimulatedFiles files_;
  Chance random_;
  std::string key_ = std::string(32, 'k');
  std::shared_ptr<LocalBlobStore> inner_;
  std::unique_ptr<SealedBlobStore> store_;
};

TEST_F(SealedTest, every_size_around_a_chunk_reads_back_also_in_ranges) {
  for (const size_t size : {size_t{0}, size_t{1}, kSealedChunk - 1, size_t{kSealedChunk}, kSealedChunk + 1,
                            2 * kSealedChunk, 5 * kSealedChunk + 17, 70 * kSealedChunk + 3}) {
    const std::string bytes = content(size);
    ASSERT_TRUE(store_->put("a", bytes));
    EXPECT_EQ(read("a") == bytes, true) << size;
    EXPECT_EQ(store_->find("a")->size, size);
    EXPECT_EQ(store_->list("a")->front().size, size);
    EXPECT_EQ(stored("a").size(), kHeader + size + 16 * std::max<size_t>(1, (size + kSealedChunk - 1) / kSealedChunk));
    for (const uint64_t offset : {size_t{0}, size_t{1}, kSealedChunk - 1, size_t{kSealedChunk}, 3 * kSealedChunk}) {
      for (const size_t count : {size_t{1}, size_t{2}, size_t{kSealedChunk}, 2 * kSealedChunk + 5}) {
        const std::string wanted = offset >= size ? "" : bytes.substr(offset, count);
        EXPECT_EQ(read("a", offset, count) == wanted, true) << size << " " << offset << " " << count;
      }
    }
  }
}

TEST_F(SealedTest, what_lies_on_the_disk_says_nothing) {
  ASSERT_TRUE(store_->put("a", "the secret words"));
  ASSERT_TRUE(store_->put("b", "the secret words"));
  EXPECT_THAT(stored("a"), Not(HasSubstr("secret")));
  EXPECT_NE(stored("a").substr(kHeader), stored("b").substr(kHeader));  // another data key
}

TEST_F(SealedTest, a_changed_byte_anywhere_is_an_error) {
  ASSERT_TRUE(store_->put("a", "words"));
  const std::string good = stored("a");
  for (size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 0x10);
    store("a", bad);
    EXPECT_THAT(read("a"), ::testing::AnyOf(::testing::StartsWith("(corrupt)"), ::testing::StartsWith("(unsupported)"),
                                            ::testing::StartsWith("(denied)")))
        << i;
  }
  store("a", good);
  EXPECT_EQ(read("a"), "words");
}

TEST_F(SealedTest, a_cut_anywhere_is_an_error_also_between_chunks) {
  const std::string bytes = content(3 * kSealedChunk + 100);
  ASSERT_TRUE(store_->put("a", bytes));
  const std::string good = stored("a");
  for (const size_t left : {size_t{0}, size_t{10}, kHeader - 1, kHeader, kHeader + 15, kHeader + 16, kHeader + kStored,
                            kHeader + kStored + 16, kHeader + kStored + 17, kHeader + 2 * kStored,
                            kHeader + 3 * kStored, good.size() - 1}) {
    store("a", good.substr(0, left));
    EXPECT_THAT(read("a", 0, 10), ::testing::StartsWith("(corrupt)")) << left;
  }
  store("a", good + "x");
  EXPECT_THAT(read("a", 0, 10), ::testing::StartsWith("(corrupt)"));
}

TEST_F(SealedTest, chunks_in_another_order_or_of_another_blob_are_an_error) {
  const std::string bytes = content(3 * kSealedChunk + 100);
  ASSERT_TRUE(store_->put("a", bytes));
  ASSERT_TRUE(store_->put("b", content(3 * kSealedChunk + 100)));
  const std::string a = stored("a"), b = stored("b");
  store("a", a.substr(0, kHeader) + a.substr(kHeader + kStored, kStored) + a.substr(kHeader, kStored) +
                 a.substr(kHeader + 2 * kStored));
  EXPECT_THAT(read("a"), ::testing::StartsWith("(corrupt)"));
  store("a", a.substr(0, kHeader) + b.substr(kHeader));
  EXPECT_THAT(read("a"), ::testing::StartsWith("(corrupt)"));
  store("a", a.substr(0, kHeader + kStored) + b.substr(kHeader + kStored, kStored) + a.substr(kHeader + 2 * kStored));
  EXPECT_THAT(read("a"), ::testing::StartsWith("(corrupt)"));
  EXPECT_EQ(read("a", 10, 20), bytes.substr(10, 20));  // of chunks that are whole, what was written
  store("a", b);                                       // whole, under another name
  EXPECT_THAT(read("a"), HasSubstr("under another name"));
}

TEST_F(SealedTest, the_wrong_key_and_none_are_told_apart_from_damage) {
  ASSERT_TRUE(store_->put("a", "words"));
  key_ = std::string(32, 'x');
  EXPECT_THAT(read("a"), ::testing::AllOf(::testing::StartsWith("(denied)"), HasSubstr("another key")));
  store("plain", "1,2,3\n");
  EXPECT_THAT(read("plain"), ::testing::AllOf(::testing::StartsWith("(corrupt)"), HasSubstr("is not sealed")));
  SealedBlobStore keyless(
      inner_, files_,
      {"bucket", []() -> Result<std::string> { return Error(Code::not_found, "no secret is named 'K'"); }, random_});
  EXPECT_THAT(keyless.open("a").error().text(), HasSubstr("its key cannot be had: no secret is named 'K'"));
  EXPECT_EQ(keyless.put("b", "x").error().code, Code::not_found);
  EXPECT_FALSE(inner_->exists("b").value());
}

TEST_F(SealedTest, another_buckets_blob_does_not_open) {
  ASSERT_TRUE(store_->put("a", "words"));
  const auto other = make("another");
  EXPECT_EQ(other->open("a").error().code, Code::corrupt);
}

TEST_F(SealedTest, writers_and_staged_files_are_sealed_and_an_unfinished_one_leaves_nothing) {
  {
    auto writer = store_->write("a");
    ASSERT_TRUE((*writer)->append("part"));
    ASSERT_TRUE((*writer)->prepare());
  }
  EXPECT_FALSE(store_->exists("a").value());
  EXPECT_TRUE(files_.list("s/.staging")->empty());
  const std::string staging = store_->staging_path();
  ASSERT_TRUE(replace_file(files_, staging, content(200'000)));
  ASSERT_TRUE(store_->publish(staging, "a"));
  EXPECT_EQ(read("a") == content(200'000), true);
  EXPECT_FALSE(files_.exists(staging).value());
  ASSERT_TRUE(store_->remove("a"));
  EXPECT_FALSE(store_->exists("a").value());
}

}  // namespace
}  // namespace weir
