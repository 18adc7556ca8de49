// What is embedded is what the browser needs: every file that the page names is there, compressed copies are the same
// bytes, and the policy has nothing inline to forbid.
#include "ui/embedded.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <set>
#include <string>

namespace weir::ui {
namespace {

std::string gunzip(std::string_view compressed, size_t size) {
  std::string plain(size + 1, '\0');
  z_stream stream{};
  EXPECT_EQ(inflateInit2(&stream, 15 + 16), Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(compressed.data()));
  stream.avail_in = static_cast<uInt>(compressed.size());
  stream.next_out = reinterpret_cast<Bytef*>(plain.data());
  stream.avail_out = static_cast<uInt>(plain.size());
  EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
  plain.resize(stream.total_out);
  inflateEnd(&stream);
  return plain;
}

std::set<std::string> attribute_values(std::string_view html, std::string_view attribute) {
  std::set<std::string> values;
  const std::string start = std::string(attribute) + "=\"";
  for (size_t at = html.find(start); at != std::string_view::npos; at = html.find(start, at + 1)) {
    const size_t from = at + start.size();
    values.emplace(html.substr(from, html.find('"', from) - from));
  }
  return values;
}

TEST(EmbeddedPages, hold_every_file_that_the_first_page_names) {
  const EmbeddedFile* index = find_embedded_file("/index.html");
  ASSERT_NE(index, nullptr);
  EXPECT_EQ(index->content_type, "text/html; charset=utf-8");
  std::set<std::string> named = attribute_values(index->bytes, "src");
  named.merge(attribute_values(index->bytes, "href"));
  EXPECT_GE(named.size(), 3U);
  for (const auto& path : named) {
    EXPECT_NE(find_embedded_file(path), nullptr) << path;
  }
}

TEST(EmbeddedPages, have_compressed_copies_of_the_same_bytes) {
  size_t compressed = 0;
  for (const auto& file : embedded_files()) {
    if (file.bytes_gzip.empty()) {
      continue;
    }
    ++compressed;
    EXPECT_LT(file.bytes_gzip.size(), file.bytes.size()) << file.path;
    EXPECT_EQ(gunzip(file.bytes_gzip, file.bytes.size()), file.bytes) << file.path;
  }
  EXPECT_GE(compressed, 3U);
}

TEST(EmbeddedPages, are_sorted_named_once_and_tagged_by_content) {
  std::set<std::string_view> tags;
  std::string_view before;
  for (const auto& file : embedded_files()) {
    EXPECT_LT(before, file.path);
    before = file.path;
    EXPECT_FALSE(file.bytes.empty()) << file.path;
    EXPECT_TRUE(file.etag.starts_with('"') && file.etag.ends_with('"')) << file.path;
    EXPECT_TRUE(tags.insert(file.etag).second) << file.path;
  }
}

TEST(EmbeddedPages, have_nothing_inline_that_the_policy_would_refuse) {
  const std::string_view html = find_embedded_file("/index.html")->bytes;
  EXPECT_EQ(html.find("<style"), std::string_view::npos);
  EXPECT_EQ(html.find(" style="), std::string_view::npos);
  EXPECT_EQ(html.find("javascript:"), std::string_view::npos);
  for (size_t at = html.find("<script"); at != std::string_view::npos; at = html.find("<script", at + 1)) {
    const std::string_view tag = html.substr(at, html.find('>', at) - at);
    EXPECT_NE(tag.find("src="), std::string_view::npos) << tag;
  }
}

TEST(EmbeddedPages, know_no_file_beside_their_own) {
  EXPECT_EQ(find_embedded_file("/nothing.js"), nullptr);
  EXPECT_EQ(find_embedded_file(""), nullptr);
  EXPECT_EQ(find_embedded_file("/../etc/passwd"), nullptr);
}

}  // namespace
}  // namespace weir::ui
