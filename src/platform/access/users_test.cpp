// The directory of users: what is changed survives, whoever is wrong is refused, and nothing that is kept is a
// password.
#include "platform/access/users.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "core/base/hash.h"
#include "core/base/text.h"
#include "core/io/simulated_clock.h"
#include "core/io/simulated_files.h"
#include "platform/access/access.h"

namespace weir::access {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Kind = RoleInfo::Kind;

constexpr const char* kGood = "Correct-Horse7";
constexpr PasswordCost kCheap{.memory_kib = 64, .passes = 1};

class UsersTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = ::testing::TempDir() + "weir-users-XXXXXX";
    folder_ = mkdtemp(name.data());
    open();
  }
  void TearDown() override {
    close();
    std::filesystem::remove_all(folder_);
  }
  void close() {
    access_.reset();
    users_.reset();
    control_.reset();
  }
  void open(UsersOptions options = {.cost = kCheap}) {
    close();
    auto control = control::Control::open(folder_ + "/control.db", clock_);
    ASSERT_TRUE(control) << control.error().text();
    control_ = std::move(*control);
    auto users = Users::open(*control_, clock_, random_, options);
    ASSERT_TRUE(users) << users.error().text();
    users_ = std::move(*users);
    auto access = Access::open(*control_, *users_, clock_, random_);
    ASSERT_TRUE(access) << access.error().text();
    access_ = std::move(*access);
  }
  UserInfo make(const std::string& name, UserChange with = {}) {
    auto made = users_->create_user({.name = name, .with = std::move(with)});
    EXPECT_TRUE(made) << made.error().text();
    return made ? *made : UserInfo{};
  }
  UserInfo make_with_password(const std::string& name, const std::string& password = kGood, bool keeps_md5 = false) {
    return make(name, {.password = PasswordChange{password, keeps_md5}});
  }
  Result<UserInfo> set(const std::string& user, const std::string& setting, std::optional<std::string> value) {
    return users_->alter_user(user, {.settings = {{setting, std::move(value)}}});
  }
  uint32_t make_role(const std::string& name, Kind kind = Kind::role) {
    auto made = users_->create_role({name, kind}, kOwnerUser);
    EXPECT_TRUE(made) << made.error().text();
    return made ? made->id : 0;
  }
  std::string everything_on_disk() {
    std::string out;
    for (const auto& file : std::filesystem::directory_iterator(folder_)) {
      std::ifstream in(file.path(), std::ios::binary);
      out.append(std::istreambuf_iterator<char>(in), {});
    }
    return out;
  }

  std::string folder_;
  ManualClock clock_;
  SeededRandom random_{3};
  std::unique_ptr<control::Control> control_;
  std::unique_ptr<Users> users_;
  std::unique_ptr<Access> access_;
};

TEST_F(UsersTest, begins_with_the_owner_and_the_predefined_roles) {
  const auto directory = users_->directory();
  ASSERT_EQ(directory->users().size(), 1u);
  EXPECT_EQ(directory->user("weir")->id, 1u);
  EXPECT_TRUE(directory->is_superuser(1));
  EXPECT_FALSE(directory->user("weir")->has_password);
  EXPECT_EQ(directory->role("sys:superuser", Kind::role)->id, 10'000u);
  EXPECT_EQ(directory->role("sys:monitor", Kind::role)->id, 10'004u);
  EXPECT_EQ(users_->alter_user("weir", {.superuser = false}).error().code, Code::conflict);
  EXPECT_EQ(users_->drop_user("weir").error().code, Code::conflict);
  EXPECT_EQ(users_->drop_role({"sys:dba"}, true).error().code, Code::conflict);
  EXPECT_EQ(users_->authenticate("weir", "", "p").error().code, Code::unauthenticated);
}

TEST_F(UsersTest, keeps_what_was_changed_over_a_restart) {
  UserChange with;
  with.password = PasswordChange{kGood};
  with.create_database = true;
  with.connection_limit = std::optional<int>(5);
  with.valid_until = std::optional<WallTime>(WallTime{clock_.wall().micros + days(3).micros});
  with.session_timeout = std::optional<Duration>(seconds(600));
  const UserInfo ada = make("ada", with);
  EXPECT_EQ(ada.id, 100u);
  ASSERT_TRUE(set("ada", "search_path", "marketing, public"));
  ASSERT_TRUE(set("ada", "statement_timeout", "5"));
  ASSERT_TRUE(set("ada", "statement_timeout", std::nullopt));
  const uint32_t analysts = make_role("analysts");
  ASSERT_TRUE(users_->grant_role({analysts, ada.id, true}));
  const uint64_t version = users_->directory()->version();
  open();
  const auto directory = users_->directory();
  EXPECT_EQ(directory->version(), version);
  const UserInfo* back = directory->user("ada");
  ASSERT_NE(back, nullptr);
  EXPECT_EQ(back, directory->user(100));
  EXPECT_TRUE(back->create_database);
  EXPECT_FALSE(back->superuser);
  EXPECT_EQ(back->connection_limit, 5);
  EXPECT_EQ(back->session_timeout, seconds(600));
  EXPECT_EQ(back->valid_until, with.valid_until);
  EXPECT_EQ(back->created_at, clock_.wall());
  EXPECT_TRUE(back->has_password);
  EXPECT_THAT(back->settings, ElementsAre(std::pair<std::string, std::string>{"search_path", "marketing, public"}));
  EXPECT_THAT(directory->roles_of(100), ElementsAre(analysts));
  EXPECT_TRUE(directory->memberships()[0].with_admin);
  EXPECT_TRUE(users_->authenticate("ada", kGood, "p"));
}

TEST_F(UsersTest, keeps_no_password_and_what_replaces_one_leaves_nothing_of_it) {
  make_with_password("ada", kGood, true);
  const auto old = users_->scram("ada");
  ASSERT_TRUE(old);
  ASSERT_TRUE(users_->alter_user("ada", {.password = PasswordChange{"Another-One8"}}));
  EXPECT_FALSE(users_->authenticate("ada", kGood, "p"));
  EXPECT_TRUE(users_->authenticate("ada", "Another-One8", "p"));
  ASSERT_TRUE(control_->scrub());
  close();
  const std::string disk = everything_on_disk();
  EXPECT_THAT(disk, Not(HasSubstr(kGood)));
  EXPECT_THAT(disk, Not(HasSubstr("Another-One8")));
  EXPECT_THAT(disk, Not(HasSubstr(base64_encode(old->stored_key))));
  EXPECT_THAT(disk, HasSubstr("$argon2id$"));
}

TEST_F(UsersTest, gives_a_number_once) {
  EXPECT_EQ(make("ada").id, 100u);
  ASSERT_TRUE(users_->drop_user("ada"));
  const uint32_t role = make_role("r");
  ASSERT_TRUE(users_->drop_role({"r"}, false));
  open();
  EXPECT_EQ(make("ada").id, 101u);
  EXPECT_EQ(make_role("r"), role + 1);
  EXPECT_EQ(make_role("r", Kind::group), role + 2);
}

TEST_F(UsersTest, refuses_names_that_are_none_or_taken) {
  make("ada");
  make_role("analysts");
  const auto code = [&](const std::string& name) { return users_->create_user({.name = name}).error().code; };
  EXPECT_EQ(code(""), Code::invalid);
  EXPECT_EQ(code(std::string(128, 'x')), Code::invalid);
  EXPECT_EQ(code("a\nb"), Code::invalid);
  EXPECT_EQ(code("\xff"), Code::invalid);
  for (const char* taken : {"ada", "analysts", "public", "Public", "weir", "rdsdb", "token", "sys:me"})
    EXPECT_EQ(code(taken), Code::conflict) << taken;
  EXPECT_EQ(make(std::string(127, 'x')).name.size(), 127u);
  EXPECT_EQ(make("Ada Lovelace é").name, "Ada Lovelace é");
  EXPECT_EQ(users_->create_role({"ada"}, 1).error().code, Code::conflict);
  EXPECT_TRUE(users_->create_role({"ada", Kind::group}, 1)) << "a group may be called as a user";
  EXPECT_EQ(users_->create_role({"sys:mine"}, 1).error().code, Code::conflict);
  EXPECT_EQ(users_->rename_user("ada", "analysts").error().code, Code::conflict);
  EXPECT_EQ(users_->rename_user("ad", "x").error().hint, "did you mean 'ada'?");
  EXPECT_EQ(users_->create_user({.name = "b", .member_of = {77}}).error().code, Code::not_found);
  EXPECT_EQ(users_->directory()->user("b"), nullptr);
}

TEST_F(UsersTest, roles_reach_through_roles_and_never_in_a_circle) {
  const UserInfo ada = make("ada");
  const uint32_t a = make_role("a"), b = make_role("b"), c = make_role("c"), group = make_role("g", Kind::group);
  ASSERT_TRUE(users_->grant_role({a, ada.id, false}));
  ASSERT_TRUE(users_->grant_role({b, a, false}));
  ASSERT_TRUE(users_->grant_role({c, b, false}));
  ASSERT_TRUE(users_->grant_role({group, ada.id, false}));
  EXPECT_THAT(users_->directory()->roles_of(ada.id), ElementsAre(a, b, c, group));
  EXPECT_EQ(users_->grant_role({a, c, false}).error().code, Code::conflict);
  EXPECT_EQ(users_->grant_role({a, a, false}).error().code, Code::conflict);
  EXPECT_EQ(users_->grant_role({group, a, false}).error().code, Code::invalid);
  EXPECT_EQ(users_->grant_role({group, ada.id, true}).error().code, Code::invalid);
  EXPECT_EQ(users_->grant_role({a, group, false}).error().code, Code::invalid);
  EXPECT_EQ(users_->grant_role({a, 4'711, false}).error().code, Code::not_found);
  EXPECT_EQ(users_->grant_role({a, 10'000, false}).error().code, Code::conflict) << "predefined roles get no others";
  EXPECT_EQ(users_->drop_role({"b"}, false).error().code, Code::conflict);
  ASSERT_TRUE(users_->drop_role({"b"}, true));
  EXPECT_THAT(users_->directory()->roles_of(ada.id), ElementsAre(a, group));
  ASSERT_TRUE(users_->revoke_role({a, ada.id, false}));
  EXPECT_EQ(users_->revoke_role({a, ada.id, false}).error().code, Code::not_found);
  ASSERT_TRUE(users_->drop_role({"g", Kind::group}, false)) << "a group goes with its members";
  EXPECT_TRUE(users_->directory()->roles_of(ada.id).empty());
}

TEST_F(UsersTest, an_admin_option_stays_until_it_is_taken) {
  const UserInfo ada = make("ada");
  const uint32_t role = make_role("r");
  ASSERT_TRUE(users_->grant_role({role, ada.id, true}));
  ASSERT_TRUE(users_->grant_role({role, ada.id, false}));
  EXPECT_TRUE(users_->directory()->memberships()[0].with_admin);
  ASSERT_TRUE(users_->revoke_admin_option({role, ada.id, false}));
  EXPECT_FALSE(users_->directory()->memberships()[0].with_admin);
  EXPECT_EQ(users_->revoke_admin_option({role, ada.id, false}).error().code, Code::not_found);
}

TEST_F(UsersTest, a_member_of_the_superusers_role_is_one) {
  const UserInfo ada = make("ada");
  EXPECT_FALSE(users_->directory()->is_superuser(ada.id));
  const uint32_t inner = make_role("inner");
  ASSERT_TRUE(users_->grant_role({10'000, inner, false}));
  ASSERT_TRUE(users_->grant_role({inner, ada.id, false}));
  EXPECT_TRUE(users_->directory()->is_superuser(ada.id));
}

TEST_F(UsersTest, who_owns_something_is_not_dropped) {
  const UserInfo ada = make("ada");
  ASSERT_TRUE(users_->create_role({"hers"}, ada.id));
  EXPECT_THAT(users_->drop_user("ada").error().message, HasSubstr("owns the role 'hers'"));
  ASSERT_TRUE(users_->set_role_owner({"hers"}, kOwnerUser));
  std::vector<std::string> held{"the table a", "the table b", "the table c", "the table d", "the table e", "f", "g"};
  users_->ask_before_drop([&](uint32_t id) -> Result<std::vector<std::string>> {
    if (id != ada.id) return std::vector<std::string>{};
    return held;
  });
  const auto refused = users_->drop_user("ada");
  EXPECT_EQ(refused.error().code, Code::conflict);
  EXPECT_THAT(refused.error().message, HasSubstr("the table a, the table b"));
  EXPECT_THAT(refused.error().message, HasSubstr("2 more"));
  EXPECT_TRUE(users_->drop_role({"hers"}, false));
  held.clear();
  EXPECT_TRUE(users_->drop_user("ada"));
  EXPECT_EQ(users_->drop_user("ada").error().code, Code::not_found);
}

TEST_F(UsersTest, settings_are_bounded_and_can_be_reset) {
  make("ada");
  EXPECT_EQ(set("ada", "no name", "x").error().code, Code::invalid);
  EXPECT_EQ(set("ada", "x", std::string(5'000, 'x')).error().code, Code::invalid);
  for (int i = 0; i < 64; ++i) ASSERT_TRUE(set("ada", "s" + std::to_string(i), "1"));
  EXPECT_EQ(set("ada", "one_more", "1").error().code, Code::too_large);
  EXPECT_TRUE(set("ada", "s1", "2"));
  ASSERT_TRUE(users_->reset_settings("ada"));
  EXPECT_TRUE(users_->directory()->user("ada")->settings.empty());
  EXPECT_EQ(users_->alter_user("ada", {.session_timeout = std::optional<Duration>(seconds(59))}).error().code,
            Code::invalid);
  EXPECT_EQ(users_->alter_user("ada", {.connection_limit = std::optional<int>(-1)}).error().code, Code::invalid);
}

TEST_F(UsersTest, bounds_its_tables) {
  open({.users_max = 2, .roles_max = 6, .memberships_max = 1, .cost = kCheap});
  const UserInfo ada = make("ada");
  make("bob");
  EXPECT_EQ(users_->create_user({.name = "cy"}).error().code, Code::busy);
  const uint32_t role = make_role("r");
  EXPECT_EQ(users_->create_role({"s"}, 1).error().code, Code::busy);
  ASSERT_TRUE(users_->grant_role({role, ada.id, false}));
  EXPECT_EQ(users_->grant_role({role, 101, false}).error().code, Code::busy);
}

// --- passwords ------------------------------------------------------------------------------------------------------

TEST(Password, keeps_redshifts_rule_and_never_says_the_password) {
  for (const char* good : {"Abcdefg1", "ZZZ!~#$%^&*()z9"}) EXPECT_TRUE(check_password(good)) << good;
  EXPECT_TRUE(check_password("Aa1" + std::string(61, 'x')));
  for (const std::string& bad :
       {std::string("Abcdef1"), "Aa1" + std::string(62, 'x'), std::string("abcdefg1"), std::string("ABCDEFG1"),
        std::string("Abcdefgh"), std::string("Abc def1"), std::string("Abcdef/1"), std::string("Abcdef@1"),
        std::string("Abcdef'1"), std::string("Abcdef\"1"), std::string("Abcdef\\1"), std::string("Abcdefé1"),
        std::string("Abcdef\0g1", 9)}) {
    const auto refused = check_password(bad);
    EXPECT_EQ(refused.error().code, Code::invalid) << bad;
    EXPECT_THAT(refused.error().text(), Not(HasSubstr(bad)));
  }
  SeededRandom random(1);
  std::string last;
  for (int i = 0; i < 50; ++i) {
    const std::string made = random_password(random);
    EXPECT_TRUE(check_password(made)) << made;
    EXPECT_EQ(made.size(), 24u);
    EXPECT_NE(made, last);
    last = made;
  }
}

// The example of RFC 7677 §3: user "user", password "pencil".
TEST(Scram, agrees_with_the_example_of_the_standard) {
  const auto verifier = make_scram_verifier("pencil", *base64_decode("W22ZaJ0SNY7soEsUEjb6gQ=="), 4096);
  ASSERT_TRUE(verifier);
  const std::string messages =
      "n=user,r=rOprNGfwEbeRWgbNEkqO,"
      "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,"
      "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
  std::string proof = *base64_decode("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
  EXPECT_TRUE(scram_proof_fits(*verifier, messages, proof));
  EXPECT_EQ(base64_encode(scram_server_signature(*verifier, messages)), "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
  EXPECT_FALSE(scram_proof_fits(*verifier, messages + "x", proof));
  proof[0] = static_cast<char>(proof[0] ^ 1);
  EXPECT_FALSE(scram_proof_fits(*verifier, messages, proof));
  EXPECT_FALSE(scram_proof_fits(*verifier, messages, ""));
}

TEST(Scram, is_read_from_its_text_and_from_nothing_else) {
  const auto verifier = make_scram_verifier("pencil", "0123456789abcdef");
  const std::string text = verifier->text();
  EXPECT_EQ(text.size(), 133u);
  const auto back = ScramVerifier::parse(text);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->text(), text);
  for (size_t cut = 0; cut < text.size(); ++cut) EXPECT_FALSE(ScramVerifier::parse(text.substr(0, cut))) << cut;
  for (const char* wrong : {"SCRAM-SHA-1$4096:YQ==$x:y", "SCRAM-SHA-256$1:YQ==$YQ==:YQ==", "a$b$c$d"})
    EXPECT_FALSE(ScramVerifier::parse(wrong)) << wrong;
}

TEST_F(UsersTest, argon2_takes_the_password_and_nothing_else) {
  open({});  // at the real cost
  make_with_password("ada");
  EXPECT_TRUE(users_->authenticate("ada", kGood, "p"));
  for (const char* wrong : {"", "correct-horse7", "Correct-Horse7 ", "Correct-Horse"})
    EXPECT_EQ(users_->authenticate("ada", wrong, "p").error().code, Code::unauthenticated) << wrong;
  EXPECT_EQ(users_->authenticate("ada", std::string(1 << 20, 'x'), "p").error().code, Code::unauthenticated);
  const auto unknown = users_->authenticate("nobody", kGood, "p");
  EXPECT_EQ(unknown.error().text(), users_->authenticate("ada", "Wrong-one1", "p").error().text());
}

TEST_F(UsersTest, takes_redshifts_forms_of_a_password) {
  make_with_password("text", "sha256|Mypassword1");
  EXPECT_TRUE(users_->authenticate("text", "Mypassword1", "p"));
  EXPECT_TRUE(users_->scram("text"));

  const std::string salt(32, 's');
  make_with_password("digest", "sha256|" + sha256_hex("Mypassword1" + salt) + "|" + hex_encode(salt));
  EXPECT_FALSE(users_->scram("digest")) << "the text is not known yet";
  EXPECT_FALSE(users_->authenticate("digest", "Mypassword2", "p"));
  EXPECT_TRUE(users_->authenticate("digest", "Mypassword1", "p"));
  EXPECT_TRUE(users_->scram("digest")) << "and since its first sign-in it is";
  EXPECT_TRUE(users_->authenticate("digest", "Mypassword1", "p"));

  // What Redshift's page of CREATE USER gives for the user admin and 'Mypassword1'… made here as PostgreSQL does.
  make_with_password("old", *md5_of("Mypassword1", "old"));
  EXPECT_TRUE(users_->authenticate("old", "Mypassword1", "p"));
  EXPECT_FALSE(users_->authenticate("old", "Mypassword2", "p"));
  EXPECT_EQ(users_->md5("old"), *md5_of("Mypassword1", "old"));
  EXPECT_FALSE(users_->scram("old"));

  const std::vector<std::string> wrong_forms{"sha256|" + std::string(64, 'a'),
                                             "sha256|ab|cd",
                                             "sha256|short",
                                             "sha256|",
                                             "sha256|" + std::string(64, 'a') + "|" + std::string(64, 'g'),
                                             "md5" + std::string(32, 'x')};
  for (const std::string& wrong : wrong_forms) {
    const auto refused = users_->create_user({.name = "x", .with = {.password = PasswordChange{wrong}}});
    ASSERT_FALSE(refused) << wrong;
    EXPECT_EQ(refused.error().code, Code::invalid) << wrong;
  }
}

TEST_F(UsersTest, the_md5_form_is_kept_only_where_it_was_asked_for) {
  make_with_password("new");
  EXPECT_FALSE(users_->md5("new"));
  make_with_password("both", kGood, true);
  EXPECT_EQ(users_->md5("both"), *md5_of(kGood, "both"));
  EXPECT_TRUE(users_->scram("both"));
  // The MD5 is of the name, too.
  auto renamed = users_->rename_user("both", "other");
  ASSERT_TRUE(renamed);
  EXPECT_TRUE(renamed->has_password);
  EXPECT_FALSE(users_->md5("other"));
  EXPECT_TRUE(users_->authenticate("other", kGood, "p"));
  make_with_password("old", *md5_of(kGood, "old"));
  renamed = users_->rename_user("old", "older");
  ASSERT_TRUE(renamed);
  EXPECT_FALSE(renamed->has_password);
  EXPECT_FALSE(users_->authenticate("older", kGood, "p"));
}

TEST_F(UsersTest, md5_is_postgresqls) {
  EXPECT_EQ(*md5_of("secret", "joe"), "md5c59ec932d911ffdf487595b5a2adf973");  // printf secretjoe | md5sum
}

TEST_F(UsersTest, a_password_ends_and_can_be_disabled) {
  make("ada", {.password = PasswordChange{kGood},
               .valid_until = std::optional<WallTime>(WallTime{clock_.wall().micros + hours(1).micros})});
  EXPECT_TRUE(users_->authenticate("ada", kGood, "p"));
  EXPECT_TRUE(users_->scram("ada"));
  clock_.advance(hours(1));
  const auto late = users_->authenticate("ada", kGood, "p");
  EXPECT_EQ(late.error().code, Code::unauthenticated);
  EXPECT_THAT(late.error().message, HasSubstr("was valid until"));
  EXPECT_THAT(users_->authenticate("ada", "Wrong-one1", "p").error().message, Not(HasSubstr("until")));
  EXPECT_FALSE(users_->scram("ada"));
  ASSERT_TRUE(users_->alter_user("ada", {.valid_until = std::optional<WallTime>()}));
  EXPECT_TRUE(users_->authenticate("ada", kGood, "p"));

  auto disabled = users_->alter_user("ada", {.password = PasswordChange{}});
  ASSERT_TRUE(disabled);
  EXPECT_TRUE(disabled->is_disabled);
  EXPECT_FALSE(disabled->has_password);
  EXPECT_FALSE(users_->scram("ada"));
  EXPECT_FALSE(users_->authenticate("ada", kGood, "p"));
  EXPECT_EQ(users_->alter_user("ada", {.superuser = true}).error().code, Code::conflict);
  auto enabled = users_->alter_user("ada", {.password = PasswordChange{kGood}, .superuser = true});
  ASSERT_TRUE(enabled);
  EXPECT_FALSE(enabled->is_disabled);
  EXPECT_EQ(users_->alter_user("ada", {.password = PasswordChange{}}).error().code, Code::conflict);
}

TEST_F(UsersTest, a_decoy_is_always_the_same_and_fits_nothing) {
  const ScramVerifier first = users_->decoy("nobody");
  open();
  EXPECT_EQ(users_->decoy("nobody").text(), first.text());
  EXPECT_NE(users_->decoy("somebody").salt, first.salt);
  EXPECT_EQ(first.salt.size(), kScramSaltBytes);
  EXPECT_TRUE(ScramVerifier::parse(first.text()));
  EXPECT_EQ(users_->end_proof({"nobody", "p", true}).error().code, Code::unauthenticated);
}

TEST_F(UsersTest, slows_down_who_guesses_at_any_door) {
  make_with_password("ada");
  const auto token = access_->create_token({.role = Role::read});
  for (int i = 0; i < 4; ++i) EXPECT_FALSE(users_->authenticate("ada", "Wrong-one1", "10.0.0.1:" + std::to_string(i)));
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(users_->end_proof({"ada", "10.0.0.1", false}));
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(access_->sign_in("guess", "10.0.0.1"));
  EXPECT_EQ(users_->authenticate("ada", kGood, "10.0.0.1").error().code, Code::busy);
  EXPECT_EQ(users_->check_peer("10.0.0.1").error().code, Code::busy);
  EXPECT_EQ(access_->sign_in(token->text, "10.0.0.1").error().code, Code::busy);
  EXPECT_TRUE(users_->authenticate("ada", kGood, "10.0.0.2"));
  clock_.advance(minutes(6));
  EXPECT_TRUE(users_->authenticate("ada", kGood, "10.0.0.1"));
}

TEST_F(UsersTest, tells_of_each_sign_in_and_names_nobody_who_is_none) {
  std::vector<std::string> told;
  users_->tell_sign_ins(
      [&](const SignIn& one) { told.push_back(one.user + " " + one.peer + (one.is_good ? " good" : " refused")); });
  make_with_password("ada");
  EXPECT_TRUE(users_->authenticate("ada", kGood, "p"));
  EXPECT_FALSE(users_->authenticate("ada", "Wrong-one1", "p"));
  EXPECT_FALSE(users_->authenticate("my-Passw0rd", "", "p")) << "somebody typed it a line too early";
  EXPECT_TRUE(users_->end_proof({"ada", "q", true}));
  EXPECT_THAT(told, ElementsAre("ada p good", "ada p refused", " p refused", "ada q good"));
}

// --- sessions and tokens of users -----------------------------------------------------------------------------------

TEST_F(UsersTest, a_session_is_the_users_until_the_password_changes) {
  make_with_password("ada");
  auto session = access_->sign_in_user({"ada", kGood, "p"});
  ASSERT_TRUE(session) << session.error().text();
  EXPECT_EQ(session->identity->role, Role::read);
  EXPECT_EQ(session->identity->user, "ada");
  EXPECT_EQ(session->identity->user_id, 100u);
  EXPECT_EQ(access_->sign_in_user({"ada", "Wrong-one1", "p"}).error().code, Code::unauthenticated);
  ASSERT_TRUE(access_->flush_last_used());
  open();
  EXPECT_EQ((*access_->session(session->cookie))->user, "ada");
  ASSERT_TRUE(users_->rename_user("ada", "lovelace"));
  ASSERT_TRUE(users_->alter_user("lovelace", {.superuser = true}));
  EXPECT_EQ((*access_->session(session->cookie))->user, "lovelace");
  EXPECT_EQ((*access_->session(session->cookie))->role, Role::admin);
  ASSERT_TRUE(users_->alter_user("lovelace", {.password = PasswordChange{"Another-One8"}}));
  EXPECT_EQ(access_->session(session->cookie).error().code, Code::unauthenticated);
}

TEST_F(UsersTest, everybody_changes_the_own_password_by_the_present_one) {
  make_with_password("ada", kGood, true);
  const auto mine = access_->sign_in_user({"ada", kGood, "p"});
  const auto change = [&](const char* now, const char* next) {
    return access_->change_password({.name = "ada", .now = now, .next = next, .peer = "p"});
  };
  EXPECT_EQ(change("Wrong-one1", "Another-One8").error().code, Code::unauthenticated);
  EXPECT_EQ(change(kGood, "short").error().code, Code::invalid);
  EXPECT_TRUE(access_->session(mine->cookie)) << "what was refused ends nothing";
  const auto renewed = change(kGood, "Another-One8");
  ASSERT_TRUE(renewed) << renewed.error().text();
  EXPECT_FALSE(access_->session(mine->cookie));
  EXPECT_EQ((*access_->session(renewed->cookie))->user, "ada");
  EXPECT_FALSE(users_->authenticate("ada", kGood, "p"));
  EXPECT_EQ(users_->md5("ada"), *md5_of("Another-One8", "ada")) << "the form for old drivers stays with it";
  ASSERT_TRUE(users_->alter_user("ada", {.password = PasswordChange{}}));
  EXPECT_FALSE(change("Another-One8", kGood)) << "a disabled one is an administrator's to give";
}

TEST_F(UsersTest, a_users_token_may_what_the_user_may_and_ends_with_it) {
  make("ada");
  EXPECT_EQ(access_->create_token({.user = "nobody"}).error().code, Code::not_found);
  EXPECT_EQ(access_->create_token({.role = Role::write, .user = "ada"}).error().code, Code::invalid);
  const auto token = access_->create_token({.user = "ada"});
  ASSERT_TRUE(token) << token.error().text();
  auto session = access_->sign_in(token->text, "p");
  ASSERT_TRUE(session);
  EXPECT_EQ((*access_->authenticate(token->text))->role, Role::read);
  EXPECT_EQ((*access_->authenticate(token->text))->user, "ada");
  ASSERT_TRUE(users_->alter_user("ada", {.superuser = true}));
  EXPECT_EQ((*access_->authenticate(token->text))->role, Role::admin);
  EXPECT_TRUE(access_->first_sign_in()->has_value()) << "a user's token is not the administrator's";
  ASSERT_TRUE(users_->drop_user("ada"));
  EXPECT_EQ(access_->authenticate(token->text).error().code, Code::unauthenticated);
  EXPECT_EQ(access_->session(session->cookie).error().code, Code::unauthenticated);
  make("ada");
  EXPECT_EQ(access_->authenticate(token->text).error().code, Code::unauthenticated) << "another ada";
}

TEST_F(UsersTest, a_token_can_be_proved_on_the_wire) {
  const auto token = access_->create_token({.role = Role::admin, .expires_in = hours(1)});
  ASSERT_TRUE(token);
  open();
  const auto kept = access_->scram_of_token(token->id);
  ASSERT_TRUE(kept);
  EXPECT_EQ(make_scram_verifier(token->text, kept->salt)->stored_key, kept->stored_key);
  EXPECT_EQ((*access_->identity_of_token(token->id))->role, Role::admin);
  EXPECT_EQ(access_->tokens()[0].requests, 1u);
  EXPECT_FALSE(access_->scram_of_token("nobody"));
  EXPECT_FALSE(access_->identity_of_token("nobody"));
  clock_.advance(hours(2));
  EXPECT_FALSE(access_->scram_of_token(token->id));
  EXPECT_FALSE(access_->identity_of_token(token->id));
}

// --- threads, power -------------------------------------------------------------------------------------------------

// Goal: readers see whole directories while they change. Also food for the thread sanitizer.
TEST_F(UsersTest, readers_see_whole_directories_while_they_change) {
  make_with_password("ada");
  const uint32_t role = make_role("r");
  std::atomic<bool> stop{false};
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      while (!stop) {
        const auto directory = users_->directory();
        for (const Membership& one : directory->memberships()) EXPECT_NE(directory->user(one.member), nullptr);
        EXPECT_TRUE(users_->scram("ada"));
        EXPECT_TRUE(users_->authenticate("ada", kGood, "p"));
      }
    });
  }
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(users_->create_user({.name = "u", .member_of = {role}}));
    ASSERT_TRUE(users_->drop_user("u"));
  }
  stop = true;
  for (std::thread& reader : readers) reader.join();
}

// Goal: whatever was reported survives each power cut, and of the change under way all or nothing. Method: seeds; the
// cut falls on any write or sync.
TEST(UsersPower, every_reported_change_survives_a_power_cut_whole) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    SimulatedFiles files;
    ManualClock clock;
    SeededRandom random(seed);
    ASSERT_TRUE(files.make_directories("/p/.weir"));
    ASSERT_TRUE(files.sync_directory("/p"));
    size_t reported = 0;
    for (int cut = 0; cut < 4; ++cut) {
      files.power_off_after(1 + random_below(random, 800));
      size_t under_way = reported;
      [&] {
        auto control = control::Control::open(files, "/p/.weir/control.db", clock);
        if (!control) return;
        auto users = Users::open(**control, clock, random, {.cost = kCheap});
        if (!users) return;
        for (int i = 0; i < 200; ++i) {
          const std::string name = "u" + std::to_string(reported);
          under_way = reported + 1;
          if (!(*users)->create_user(
                  {.name = name, .with = {.password = PasswordChange{kGood}}, .member_of = {10'004}})) {
            return;
          }
          reported = under_way;
        }
      }();
      files.power_cut(random);
      auto control = control::Control::open(files, "/p/.weir/control.db", clock);
      ASSERT_TRUE(control) << control.error().text();
      auto users = Users::open(**control, clock, random, {.cost = kCheap});
      ASSERT_TRUE(users) << users.error().text();
      const auto directory = (*users)->directory();
      const size_t found = directory->users().size() - 1;
      ASSERT_TRUE(found == reported || found == under_way) << found << " of " << reported << " or " << under_way;
      ASSERT_EQ(directory->memberships().size(), found) << "a user and its roles are one change";
      if (found > 0) {
        EXPECT_TRUE((*users)->authenticate("u" + std::to_string(found - 1), kGood, "p"));
      }
      reported = found;
    }
  }
}

}  // namespace
}  // namespace weir::access
