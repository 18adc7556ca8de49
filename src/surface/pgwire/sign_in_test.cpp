// Proofs of who somebody is: SCRAM with RFC 7677's own exchange, MD5, clear text only where nobody reads along, and
// what strangers learn.
#include "surface/pgwire/sign_in.h"

#include <gtest/gtest.h>

#include "core/base/text.h"

namespace weir::pgwire {
namespace {

class FixedRandom final : public Random {
 public:
  uint64_t next() override { return ++count_ * 0x9E3779B97F4A7C15ull; }

 private:
  uint64_t count_ = 0;
};

class Doorman final : public Authenticator {
 public:
  Challenge challenge(const std::string& user) override {
    if (user == "token") return {.kind = Challenge::Kind::cleartext};
    if (user == "old") return {.kind = Challenge::Kind::md5, .verifier = {}, .md5 = "md5" + std::string(32, 'a')};
    return {.kind = Challenge::Kind::scram, .verifier = *access::make_scram_verifier("pencil", "salt of 16 bytes")};
  }
  Status check_peer(const Peer&) override { return is_full ? Status(Error(Code::busy, "too many")) : Status(); }
  Result<warehouse::User> end_proof(const std::string& user, const Peer&, bool is_good) override {
    proofs += is_good ? '+' : '-';
    if (!is_good) return Error(Code::unauthenticated, "the password is wrong");
    return warehouse::User{user, true, false};
  }
  Result<warehouse::User> check_password(const std::string& user, const std::string& password, const Peer&) override {
    if (password != "weir_secret") return Error(Code::unauthenticated, "the password is wrong");
    return warehouse::User{user, true, false};
  }
  warehouse::User owner() override { return {"weir", true, true}; }
  bool is_full = false;
  std::string proofs;
};

class SignInTest : public ::testing::Test {
 protected:
  SignIn make(const std::string& user, bool is_encrypted = false, Peer peer = {}) {
    return SignIn(doorman, random, Transport{std::move(peer), is_encrypted, false}, user);
  }
  Doorman doorman;
  FixedRandom random;
};

std::string sasl_initial(const std::string& mechanism, const std::string& data) {
  std::string out;
  append_text(out, mechanism);
  append_int32(out, static_cast<int32_t>(data.size()));
  return out + data;
}

TEST(Scram, makes_the_exchange_of_rfc_7677) {
  const std::string salt = base64_decode("W22ZaJ0SNY7soEsUEjb6gQ==").value();
  ScramExchange exchange(*access::make_scram_verifier("pencil", salt), "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0");
  EXPECT_EQ(exchange.begin("n,,n=user,r=rOprNGfwEbeRWgbNEkqO").value(),
            "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
  const auto end = exchange.finish(
      "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
  ASSERT_TRUE(end) << end.error().text();
  EXPECT_TRUE(end->is_good);
  EXPECT_EQ(end->message, "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
}

TEST(Scram, what_is_no_exchange_is_refused) {
  const auto begun = [](const char* first) {
    ScramExchange exchange(*access::make_scram_verifier("pencil", "salt of 16 bytes"), "server");
    return exchange.begin(first).has_value();
  };
  EXPECT_TRUE(begun("n,,n=,r=abc"));
  EXPECT_TRUE(begun("y,,n=*,r=abc"));
  for (const char* wrong : {"", "n", "n,,", "n,,n=a", "n,,n=a,r=", "n,,r=abc", "p=tls-server-end-point,,n=,r=abc",
                            "n,a=other,n=,r=abc", "n,,m=x,n=,r=abc", "n,,n=,r=a b"}) {
    EXPECT_FALSE(begun(wrong)) << wrong;
  }
  for (const char* wrong : {"", "c=biws", "c=biws,r=abcserver", "c=eSws,r=abcserver,p=", "c=biws,r=other,p=AAAA",
                            "c=biws,r=abcserver,p=AAAA", "c=biws,r=abcserver,p=!"}) {
    ScramExchange exchange(*access::make_scram_verifier("pencil", "salt of 16 bytes"), "server");
    ASSERT_TRUE(exchange.begin("n,,n=,r=abc"));
    EXPECT_FALSE(exchange.finish(wrong)) << wrong;
  }
}

TEST_F(SignInTest, a_wrong_proof_is_counted_and_says_no_more_than_that) {
  SignIn sign_in = make("ann");
  const auto asked = sign_in.begin();
  ASSERT_TRUE(asked);
  EXPECT_NE(asked->reply.find("SCRAM-SHA-256"), std::string::npos);
  const auto first = sign_in.answer(sasl_initial("SCRAM-SHA-256", "n,,n=,r=abc"));
  ASSERT_TRUE(first) << first.error().text();
  const std::string nonce = first->reply.substr(9 + 2, first->reply.find(",s=") - 11);
  const auto end = sign_in.answer("c=biws,r=" + nonce + ",p=" + base64_encode(std::string(32, 'x')));
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().code, Code::unauthenticated);
  EXPECT_EQ(doorman.proofs, "-");
}

TEST_F(SignInTest, other_mechanisms_and_broken_messages_are_refused) {
  for (const std::string& body : {sasl_initial("SCRAM-SHA-256-PLUS", "n,,n=,r=abc"), sasl_initial("PLAIN", ""),
                                  std::string("SCRAM-SHA-256"), std::string()}) {
    SignIn sign_in = make("ann");
    ASSERT_TRUE(sign_in.begin());
    EXPECT_FALSE(sign_in.answer(body));
  }
  EXPECT_EQ(doorman.proofs, "");
}

TEST_F(SignInTest, clear_text_goes_only_where_nobody_reads_along) {
  SignIn open = make("token");
  const auto refused = open.begin();
  ASSERT_FALSE(refused);
  EXPECT_STREQ(refused.error().sqlstate, "28000");
  SignIn encrypted = make("token", true);
  ASSERT_TRUE(encrypted.begin());
  EXPECT_FALSE(encrypted.answer("weir_secret")) << "not closed";
  EXPECT_FALSE(encrypted.answer(std::string("wrong\0", 6)));
  const auto in = encrypted.answer(std::string("weir_secret\0", 12));
  ASSERT_TRUE(in) << in.error().text();
  EXPECT_EQ(in->user->name, "token");
  SignIn local = make("token", false, {.unix_socket = true, .owner = false, .loopback = false, .address = "unix:1000"});
  EXPECT_TRUE(local.begin()) << "the Unix socket is as good";
}

TEST_F(SignInTest, md5_proves_the_digest_that_is_kept) {
  SignIn sign_in = make("old");
  const auto asked = sign_in.begin();
  ASSERT_TRUE(asked);
  ASSERT_EQ(asked->reply.size(), 13u);
  EXPECT_FALSE(sign_in.answer(std::string("md5") + std::string(32, '0') + std::string(1, '\0')));
  EXPECT_EQ(doorman.proofs, "-");
}

TEST_F(SignInTest, the_owner_needs_no_password_on_the_unix_socket_and_nowhere_else) {
  SignIn owner = make("whoever", false, {.unix_socket = true, .owner = true, .loopback = false, .address = "unix:0"});
  const auto in = owner.begin();
  ASSERT_TRUE(in);
  EXPECT_TRUE(in->user->may_administer);
  SignIn pretender =
      make("weir", false, {.unix_socket = false, .owner = true, .loopback = true, .address = "127.0.0.1:1"});
  EXPECT_FALSE(pretender.begin()->user);
}

TEST_F(SignInTest, a_peer_that_failed_too_often_is_not_asked) {
  doorman.is_full = true;
  EXPECT_EQ(make("ann").begin().error().code, Code::busy);
}

}  // namespace
}  // namespace weir::pgwire
