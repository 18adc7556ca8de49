// Indexes and the answers made of them: over files in memory with damage, and random tables against a plain list.
#include "platform/endpoint/answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "core/io/simulated_files.h"

namespace weir::endpoint {
namespace {

constexpr const char* kDeclaration = R"(
path: /x/{k}
table: t
parameters:
  k: {type: text}
  from: {type: integer, from: v, default: -1000000}
  to: {type: integer, to: v, default: 1000000}
columns: [v]
page: {default: 10, max: 1000}
)";

template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().text());
  return std::move(*result);
}

struct Row {
  std::string key;
  int64_t value = 0;
  std::string text;
};

class AnswerTest : public ::testing::Test {
 protected:
  std::shared_ptr<const IndexFile> index(const std::vector<Row>& rows, uint64_t memory = 1 << 20) {
    const std::string path = "/e/" + std::to_string(++files_made_) + ".index";
    EXPECT_TRUE(files_.make_directories("/e"));
    auto file = must(files_.open(path, OpenMode::create_new));
    IndexWriter writer(*file, {1, 2, 3}, 77);
    for (const Row& row : rows) EXPECT_TRUE(writer.add(key_of(row.key), row.value, row.text));
    must(writer.finish());
    path_ = path;
    return must(IndexFile::open(files_, path, std::make_shared<IndexMemory>(memory)));
  }
  Fingerprint key_of(const std::string& key) const {
    std::string bytes;
    append_key_value(bytes, key);
    return fingerprint(keys_.rows, bytes);
  }
  Result<std::string> ask(const Endpoint& endpoint, const std::vector<PartitionIndex>& partitions,
                          const std::string& key, const std::vector<std::pair<std::string, std::string>>& query = {}) {
    TRY_ASSIGN(const Question question, read_question(endpoint, {{key}, query}, keys_, 20'000));
    return answer_of(endpoint, partitions, question, keys_);
  }
  // The rows of all pages, in order.
  std::vector<std::string> ask_all(const Endpoint& endpoint, const std::vector<PartitionIndex>& partitions,
                                   const std::string& key, std::vector<std::pair<std::string, std::string>> query) {
    std::vector<std::string> out;
    for (int page = 0; page < 100'000; ++page) {
      const Json answer = must(Json::parse(must(ask(endpoint, partitions, key, query))));
      EXPECT_EQ(static_cast<size_t>(answer["count"].as_int()), answer["rows"].array().size());
      for (const Json& row : answer["rows"].array()) out.push_back(row.dump());
      if (answer["next"].is_null()) return out;
      std::erase_if(query, [](const auto& pair) { return pair.first == "page"; });
      query.emplace_back("page", answer["next"].as_string());
    }
    ADD_FAILURE() << "it does not end";
    return out;
  }

  SimulatedFiles files_;
  EndpointKeys keys_ = keys_of("secret");
  Endpoint endpoint_ = parse_endpoint(kDeclaration, "e.yaml", "e").endpoint;
  std::string path_;
  int files_made_ = 0;
};

TEST_F(AnswerTest, random_tables_are_answered_as_a_plain_list_says_whatever_the_page_order_and_memory) {
  std::mt19937 chance(11);
  const auto number = [&](int below) { return static_cast<int>(chance() % static_cast<unsigned>(below)); };
  for (int round = 0; round < 40; ++round) {
    Endpoint endpoint = endpoint_;
    endpoint.order = number(2) == 0 ? Order::ascending : Order::descending;
    const bool is_whole = number(2) == 0;
    const int keys = 1 + number(40);
    std::vector<PartitionIndex> partitions;
    std::map<std::string, std::vector<std::pair<int64_t, std::string>>> expected;
    int made = 0;
    for (int day = 0; day < (is_whole ? 1 : 12); ++day) {
      std::vector<Row> rows;
      for (int key = 0; key < keys; ++key) {
        const int count = number(4) == 0 ? 0 : number(round % 8 == 0 ? 700 : 4);
        std::vector<int64_t> values;
        for (int i = 0; i < count; ++i) values.push_back(is_whole ? number(20) - 10 : day);
        std::sort(values.begin(), values.end());
        for (const int64_t value : values) {
          const std::string text = "{\"n\":" + std::to_string(made++) + "}";
          rows.push_back({std::to_string(key), value, text});
          expected[std::to_string(key)].emplace_back(value, text);
        }
      }
      PartitionIndex partition;
      if (!is_whole) partition.day = day;
      const uint64_t memories[] = {0, 4'000, 64 << 20};
      partition.file = index(rows, memories[number(3)]);
      partitions.push_back(std::move(partition));
    }
    for (int key = 0; key <= keys; ++key) {
      const int from = number(24) - 12, to = from + number(24);
      std::vector<std::string> wanted;
      for (const auto& [value, text] : expected[std::to_string(key)]) {
        if (value >= from && value <= to) wanted.push_back(text);
      }
      if (endpoint.order == Order::descending) std::reverse(wanted.begin(), wanted.end());
      const auto found = ask_all(
          endpoint, partitions, std::to_string(key),
          {{"from", std::to_string(from)}, {"to", std::to_string(to)}, {"limit", std::to_string(1 + number(30))}});
      ASSERT_EQ(found, wanted) << "round " << round << " key " << key;
    }
  }
}

TEST_F(AnswerTest, every_flipped_bit_is_told_or_changes_nothing) {
  std::vector<Row> rows;
  for (int i = 0; i < 400; ++i) rows.push_back({std::to_string(i / 4), i % 4, "{\"i\":" + std::to_string(i) + "}"});
  static_cast<void>(index(rows));
  auto file = must(files_.open(path_, OpenMode::read_write));
  const uint64_t size = must(file->size());
  int told = 0;
  for (uint64_t at = 0; at < size; at += 61) {
    char byte = 0;
    must(file->read_at(at, &byte, 1));
    const char changed = static_cast<char>(byte ^ 16);
    ASSERT_TRUE(file->write_at(at, {&changed, 1}));
    for (const uint64_t memory : {uint64_t{0}, uint64_t{1} << 20}) {
      auto opened = IndexFile::open(files_, path_, std::make_shared<IndexMemory>(memory));
      for (int key = 0; opened && key < 100; key += 9) {
        const auto answer = ask(endpoint_, {{std::nullopt, 0, 0, *opened}}, std::to_string(key));
        if (!answer) {
          EXPECT_EQ(answer.error().code, Code::unavailable);
          EXPECT_TRUE((*opened)->is_damaged());
          ++told;
          continue;
        }
        EXPECT_THAT(*answer, ::testing::HasSubstr("{\"i\":" + std::to_string(key * 4 + 3) + "}"));
      }
      if (!opened) ++told;
    }
    ASSERT_TRUE(file->write_at(at, {&byte, 1}));
  }
  EXPECT_GT(told, 100);
}

TEST_F(AnswerTest, another_version_a_short_file_and_a_foreign_one_are_refused) {
  static_cast<void>(index({{"a", 1, "{}"}}));
  auto file = must(files_.open(path_, OpenMode::read_write));
  ASSERT_TRUE(file->truncate(4'096));
  const auto memory = std::make_shared<IndexMemory>(0);
  auto opened = IndexFile::open(files_, path_, memory);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Code::corrupt);
  ASSERT_TRUE(file->truncate(100));
  EXPECT_FALSE(IndexFile::open(files_, path_, memory));
  EXPECT_EQ(IndexFile::open(files_, "/e/nothing", memory).error().code, Code::not_found);
}

TEST_F(AnswerTest, memory_is_given_back_and_a_full_budget_only_costs_reads) {
  const auto memory = std::make_shared<IndexMemory>(100'000);
  auto first = index({{"a", 1, "{}"}});
  EXPECT_TRUE(first->is_resident());
  auto other = must(IndexFile::open(files_, path_, memory));
  EXPECT_GT(memory->used(), 0u);
  other.reset();
  EXPECT_EQ(memory->used(), 0u);
}

TEST_F(AnswerTest, a_cursor_belongs_to_its_request_and_its_key) {
  std::vector<Row> rows;
  for (int i = 0; i < 30; ++i) rows.push_back({"a", i, "{}"});
  const std::vector<PartitionIndex> partitions = {{std::nullopt, 0, 0, index(rows)}};
  const std::string next = must(Json::parse(must(ask(endpoint_, partitions, "a"))))["next"].as_string();
  EXPECT_TRUE(ask(endpoint_, partitions, "a", {{"page", next}, {"limit", "3"}}));
  const auto refused = [&](const Endpoint& endpoint, const std::string& key,
                           std::vector<std::pair<std::string, std::string>> query) {
    const auto answer = ask(endpoint, partitions, key, query);
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, Code::invalid);
    EXPECT_THAT(answer.error().message, ::testing::HasSubstr("'page'"));
  };
  refused(endpoint_, "b", {{"page", next}});
  refused(endpoint_, "a", {{"page", next}, {"from", "-1000000"}});  // what was left out before
  refused(endpoint_, "a", {{"page", next.substr(1)}});
  refused(endpoint_, "a", {{"page", next + "A"}});
  refused(endpoint_, "a", {{"page", std::string(10'000, 'A')}});
  refused(endpoint_, "a", {{"page", ""}});
  Endpoint other = endpoint_;
  other.name = "other";
  refused(other, "a", {{"page", next}});
  EXPECT_EQ(decode_cursor(next, keys_of("another").cursor, "x"), std::nullopt);
}

TEST_F(AnswerTest, a_page_that_ended_within_a_value_goes_on_only_in_the_same_version) {
  const auto rows = [](const char* text) { return std::vector<Row>(5, Row{"a", 1, text}); };
  const std::vector<PartitionIndex> before = {{std::nullopt, 0, 0, index(rows("{\"v\":1}"))}};
  const std::vector<PartitionIndex> after = {{std::nullopt, 0, 0, index(rows("{\"v\":2}"))}};
  const std::string next = must(Json::parse(must(ask(endpoint_, before, "a", {{"limit", "2"}}))))["next"].as_string();
  const auto same = ask(endpoint_, before, "a", {{"limit", "3"}, {"page", next}});
  ASSERT_TRUE(same);
  EXPECT_EQ(*same, "{\"count\":3,\"next\":null,\"rows\":[{\"v\":1},{\"v\":1},{\"v\":1}]}");
  const auto other = ask(endpoint_, after, "a", {{"limit", "3"}, {"page", next}});
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, Code::conflict);
}

TEST_F(AnswerTest, a_missing_index_is_told_only_to_those_who_need_it) {
  Endpoint endpoint = endpoint_;
  const std::vector<PartitionIndex> partitions = {{1, 0, 0, index({{"a", 1, "{}"}})}, {2, 0, 0, nullptr}};
  EXPECT_TRUE(ask(endpoint, partitions, "a", {{"to", "1"}}));
  const auto answer = ask(endpoint, partitions, "a", {{"to", "2"}});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::unavailable);
}

TEST(Parameter, says_what_it_is_and_what_was_expected) {
  Parameter day;
  day.name = "start";
  day.type = ParameterType::date;
  day.otherwise = "today-1";
  day.min = "2026-01-01";
  day.max = "today";
  const int32_t today = *parse_date("2026-11-21");
  EXPECT_EQ(read_parameter(day, std::nullopt, today)->text, "2026-11-20");
  EXPECT_EQ(read_parameter(day, "2026-11-21", today)->number, today);
  for (const char* text : {"2026-11-22", "2025-12-31", "today", "2026-02-30", "", "2026-11-21 "}) {
    const auto read = read_parameter(day, text, today);
    ASSERT_FALSE(read) << text;
    EXPECT_THAT(read.error().message, ::testing::HasSubstr("expected a day as YYYY-MM-DD from 2026-01-01 to today"));
  }
  Parameter count;
  count.name = "n";
  count.type = ParameterType::integer;
  EXPECT_EQ(read_parameter(count, "007", 0)->text, "7");
  for (const char* text : {"+7", "7.0", "9223372036854775808", " 7"})
    EXPECT_FALSE(read_parameter(count, text, 0)) << text;
  EXPECT_FALSE(read_parameter(count, std::nullopt, 0));
  Parameter name;
  name.type = ParameterType::text;
  EXPECT_FALSE(read_parameter(name, std::string("\xff"), 0));
  EXPECT_FALSE(read_parameter(name, std::string(257, 'x'), 0));
}

}  // namespace
}  // namespace weir::endpoint
