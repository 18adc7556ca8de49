// The local store over the simulated disk: durability at every step, keys that try to leave it, and listing.
#include "core/io/blob_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/io/simulated_clock.h"
#include "core/io/simulated_files.h"

namespace weir {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class BlobStoreTest : public ::testing::Test {
 protected:
  void SetUp() override { reopen(); }
  void reopen() {
    store_.reset();
    auto store = LocalBlobStore::open(files_, "p/.weir/store");
    ASSERT_TRUE(store) << store.error().text();
    store_ = std::move(*store);
  }
  std::string content(const std::string& key) {
    const auto path = store_->path_of(key);
    auto bytes = path ? read_file(files_, *path) : Result<std::string>(path.error());
    return bytes ? *bytes : std::string("(") + code_name(bytes.error().code) + ")";
  }
  std::vector<std::string> keys(const std::string& prefix) {
    std::vector<std::string> found;
    const auto blobs = store_->list(prefix);
    EXPECT_TRUE(blobs) << blobs.error().text();
    for (const Blob& blob : *blobs) found.push_back(blob.key);
    return found;
  }
  size_t staged() { return files_.list("p/.weir/store/.staging")->size(); }

  SimulatedFiles files_;
  std::unique_ptr<LocalBlobStore> store_;
};

TEST_F(BlobStoreTest, a_put_is_readable_replaceable_and_removable) {
  ASSERT_TRUE(store_->put("raw/a/1.gz", "first"));
  ASSERT_TRUE(store_->put("raw/a/1.gz", "second"));
  EXPECT_EQ(content("raw/a/1.gz"), "second");
  EXPECT_EQ((*store_->open("raw/a/1.gz"))->size().value(), 6u);
  EXPECT_TRUE(store_->exists("raw/a/1.gz").value());
  ASSERT_TRUE(store_->remove("raw/a/1.gz"));
  EXPECT_FALSE(store_->exists("raw/a/1.gz").value());
  EXPECT_EQ(store_->remove("raw/a/1.gz").error().code, Code::not_found);
  EXPECT_FALSE(store_->remove("raw/a"));  // a folder is no blob
  EXPECT_EQ(staged(), 0u);
}

TEST_F(BlobStoreTest, keys_that_lead_out_or_are_unclear_are_refused_everywhere) {
  const std::string wrong[] = {"",
                               "/etc/passwd",
                               "../x",
                               "a/../../x",
                               "a/..",
                               "a//b",
                               "a/",
                               "./a",
                               "a/./b",
                               ".staging/1",
                               "a\nb",
                               "a\\b",
                               ".x",
                               std::string("a\0", 2),
                               std::string(1025, 'a'),
                               "a\x7f",
                               std::string(256, 'a')};
  for (const std::string& key : wrong) {
    EXPECT_EQ(store_->put(key, "x").error().code, Code::invalid) << key;
    EXPECT_EQ(store_->open(key).error().code, Code::invalid) << key;
    EXPECT_EQ(store_->remove(key).error().code, Code::invalid) << key;
    EXPECT_EQ(store_->exists(key).error().code, Code::invalid) << key;
  }
  EXPECT_THAT(store_->put("a\nb", "x").error().message, HasSubstr("\"a?b\" holds a control character"));
  EXPECT_TRUE(store_->put(std::string(255, 'a'), "x"));
  EXPECT_TRUE(store_->put("dt=2024-01-01/..a/größe 1.parquet", "x"));
}

TEST_F(BlobStoreTest, lists_by_any_prefix_in_order_and_never_the_staging_folder) {
  for (const char* key : {"raw/b/2", "raw/a/1", "raw/a/2", "raw/ab", "lake/x"}) {
    ASSERT_TRUE(store_->put(key, "12"));
  }
  auto writer = store_->write("raw/a/3");  // staged, not finished
  ASSERT_TRUE(writer);
  EXPECT_THAT(keys(""), ElementsAre("lake/x", "raw/a/1", "raw/a/2", "raw/ab", "raw/b/2"));
  EXPECT_THAT(keys("raw/a"), ElementsAre("raw/a/1", "raw/a/2", "raw/ab"));
  EXPECT_THAT(keys("raw/a/"), ElementsAre("raw/a/1", "raw/a/2"));
  EXPECT_THAT(keys("raw/a/2"), ElementsAre("raw/a/2"));
  EXPECT_THAT(keys("none/at/all"), IsEmpty());
  EXPECT_EQ(store_->list("raw/a")->front().size, 2u);
  EXPECT_EQ(store_->list("raw/", 3).error().code, Code::too_large);
  EXPECT_TRUE(store_->list("raw/", 4));
  EXPECT_EQ(store_->list("../").error().code, Code::invalid);
  EXPECT_EQ(store_->list("/").error().code, Code::invalid);
}

TEST_F(BlobStoreTest, copies_a_file_of_any_size) {
  const std::string bytes((1 << 20) + 17, 'x');
  ASSERT_TRUE(replace_file(files_, "source", bytes));
  ASSERT_TRUE(store_->put_file("models/m", files_, "source"));
  EXPECT_EQ(content("models/m"), bytes);
  EXPECT_TRUE(files_.exists("source").value());
  EXPECT_EQ(store_->put_file("models/n", files_, "none").error().code, Code::not_found);
  EXPECT_EQ(staged(), 0u);
}

TEST_F(BlobStoreTest, an_unfinished_blob_leaves_nothing) {
  {
    auto writer = store_->write("a/b");
    ASSERT_TRUE((*writer)->append("part"));
    EXPECT_EQ(staged(), 1u);
  }
  EXPECT_EQ(staged(), 0u);
  EXPECT_EQ(content("a/b"), "(not_found)");
}

TEST_F(BlobStoreTest, a_blob_with_a_failed_write_or_sync_is_never_published) {
  files_.set_capacity(files_.used_bytes() + 4);
  EXPECT_EQ(store_->put("a/b", "12345").error().code, Code::no_space);
  EXPECT_EQ(staged(), 0u);
  auto writer = store_->write("a/b");
  EXPECT_FALSE((*writer)->append("12345"));
  files_.set_capacity(SimulatedFiles::kUnlimited);
  EXPECT_FALSE((*writer)->finish());
  writer->reset();
  files_.fail_sync(1);
  EXPECT_EQ(store_->put("a/b", "12345").error().code, Code::io);
  EXPECT_EQ(content("a/b"), "(not_found)");
  EXPECT_TRUE(store_->put("a/b", "12345"));
}

TEST_F(BlobStoreTest, what_another_writer_staged_can_be_published) {
  const std::string staging = store_->staging_path();
  auto file = files_.open(staging, OpenMode::create);
  ASSERT_TRUE((*file)->write_at(0, "parquet"));
  EXPECT_EQ(store_->publish("p/.weir/elsewhere", "t/1").error().code, Code::invalid);
  EXPECT_EQ(store_->publish(staging, "../1").error().code, Code::invalid);
  ASSERT_TRUE(store_->publish(staging, "t/1"));
  EXPECT_EQ(content("t/1"), "parquet");
}

TEST_F(BlobStoreTest, the_next_start_clears_what_a_crash_left_in_staging) {
  auto file = files_.open("p/.weir/store/.staging/7", OpenMode::create);
  ASSERT_TRUE(file);
  reopen();
  EXPECT_EQ(staged(), 0u);
}

TEST_F(BlobStoreTest, wherever_the_power_goes_a_blob_is_old_or_new_and_stays_if_it_was_acknowledged) {
  const std::string old_bytes(1500, 'o'), new_bytes(2500, 'n');
  int kept = 0;
  for (uint64_t seed = 1; seed <= 500; ++seed) {
    SimulatedFiles files;
    auto store = LocalBlobStore::open(files, ".weir/store");
    ASSERT_TRUE(store);
    const bool replaces = seed % 2 == 0;
    if (replaces) {
      ASSERT_TRUE((*store)->put("raw/s/2024/a", old_bytes));
    }
    files.power_off_after(1 + seed / 2 % 16);
    const bool acknowledged = (*store)->put("raw/s/2024/a", new_bytes).has_value();
    SeededRandom random(seed);
    files.power_cut(random);
    auto again = LocalBlobStore::open(files, ".weir/store");
    ASSERT_TRUE(again) << again.error().text();
    const auto bytes = read_file(files, ".weir/store/raw/s/2024/a");
    if (acknowledged || (bytes && *bytes != old_bytes)) {
      ASSERT_TRUE(bytes) << "seed " << seed;
      ASSERT_EQ(*bytes, new_bytes) << "seed " << seed;
      ++kept;
    } else if (replaces) {
      ASSERT_TRUE(bytes) << "seed " << seed;
    }
    EXPECT_TRUE(files.list(".weir/store/.staging")->empty());
  }
  EXPECT_GT(kept, 100);
}

}  // namespace
}  // namespace weir
