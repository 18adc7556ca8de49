// TLS of listeners: which versions are spoken, that certificates are exchanged while connections live, and that the
// one for development is made once and kept private.
#include "core/runtime/tls.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace weir {
namespace {

constexpr WallTime kNow{1'700'000'000'000'000};

std::string content(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

class TlsTest : public ::testing::Test {
 protected:
  TlsTest() {
    ::signal(SIGPIPE, SIG_IGN);
    std::string pattern = (std::filesystem::temp_directory_path() / "weir-tls-XXXXXX").string();
    folder = ::mkdtemp(pattern.data());
  }
  ~TlsTest() override { std::filesystem::remove_all(folder); }

  TlsFiles make(const std::string& name, WallTime now = kNow) {
    auto made = self_signed_certificate(real_files(), folder + "/" + name, now);
    EXPECT_TRUE(made) << made.error().text();
    return made.value_or(TlsFiles{});
  }
  std::string folder;
};

// A client of OpenSSL's own, driven in turns with the server in one thread.
struct Client {
  Client(TlsCredentials& credentials, int version) {
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_security_level(context, 0);  // so that old versions can be offered at all
    SSL_CTX_set_min_proto_version(context, version);
    SSL_CTX_set_max_proto_version(context, version);
    connection = SSL_new(context);
    SSL_set_fd(connection, ends[0]);
    server = std::make_unique<TlsStream>(credentials.context(), ends[1]);
  }
  ~Client() {
    server.reset();
    SSL_free(connection);
    SSL_CTX_free(context);
    ::close(ends[0]);
    ::close(ends[1]);
  }
  bool shake_hands() {
    bool is_ours_done = false, is_theirs_done = false;
    for (int turn = 0; turn < 100 && !(is_ours_done && is_theirs_done); ++turn) {
      if (!is_theirs_done) {
        const int result = SSL_connect(connection);
        is_theirs_done = result == 1;
        if (result != 1 && SSL_get_error(connection, result) != SSL_ERROR_WANT_READ) return false;
      }
      if (is_ours_done) continue;
      const auto step = server->handshake();
      if (step.outcome == TlsStream::Outcome::failed) return false;
      is_ours_done = step.outcome == TlsStream::Outcome::done;
    }
    return is_ours_done && is_theirs_done;
  }
  std::string shown_certificate() const {
    X509* certificate = SSL_get1_peer_certificate(connection);
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    X509_digest(certificate, EVP_sha256(), digest, &size);
    X509_free(certificate);
    return {reinterpret_cast<char*>(digest), size};
  }
  int ends[2] = {-1, -1};
  SSL_CTX* context = nullptr;
  SSL* connection = nullptr;
  std::unique_ptr<TlsStream> server;
};

TEST_F(TlsTest, speaks_1_2_and_1_3_and_nothing_older) {
  auto credentials = TlsCredentials::open(real_files(), make("tls"));
  ASSERT_TRUE(credentials) << credentials.error().text();
  EXPECT_TRUE(Client(**credentials, TLS1_3_VERSION).shake_hands());
  EXPECT_TRUE(Client(**credentials, TLS1_2_VERSION).shake_hands());
  EXPECT_FALSE(Client(**credentials, TLS1_1_VERSION).shake_hands());
  EXPECT_FALSE(Client(**credentials, TLS1_VERSION).shake_hands());
}

TEST_F(TlsTest, carries_bytes_both_ways_and_says_when_it_would_wait) {
  auto credentials = TlsCredentials::open(real_files(), make("tls"));
  ASSERT_TRUE(credentials) << credentials.error().text();
  Client client(**credentials, TLS1_3_VERSION);
  ASSERT_TRUE(client.shake_hands());
  EXPECT_EQ(client.server->version(), "TLSv1.3");
  char buffer[16] = {};
  EXPECT_EQ(client.server->read(buffer, sizeof buffer).outcome, TlsStream::Outcome::wants_readable);
  EXPECT_EQ(SSL_write(client.connection, "ping", 4), 4);
  const auto got = client.server->read(buffer, sizeof buffer);
  EXPECT_EQ(got.outcome, TlsStream::Outcome::done);
  EXPECT_EQ(std::string(buffer, got.bytes), "ping");
  EXPECT_EQ(client.server->write("pong!", 5).bytes, 5u);
  EXPECT_EQ(SSL_read(client.connection, buffer, sizeof buffer), 5);
  SSL_shutdown(client.connection);
  EXPECT_EQ(client.server->read(buffer, sizeof buffer).outcome, TlsStream::Outcome::ended);
}

TEST_F(TlsTest, garbage_fails_and_a_silent_client_waits) {
  auto credentials = TlsCredentials::open(real_files(), make("tls"));
  ASSERT_TRUE(credentials) << credentials.error().text();
  Client client(**credentials, TLS1_3_VERSION);
  EXPECT_EQ(client.server->handshake().outcome, TlsStream::Outcome::wants_readable);
  ASSERT_EQ(::write(client.ends[0], "GET / HTTP/1.1\r\n\r\n", 18), 18);
  EXPECT_EQ(client.server->handshake().outcome, TlsStream::Outcome::failed);
}

TEST_F(TlsTest, the_certificate_for_development_is_made_once_and_its_key_is_private) {
  const TlsFiles paths = make("tls");
  const std::string first = content(paths.certificate);
  struct stat found {};
  ASSERT_EQ(::stat(paths.key.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0600u);
  make("tls", {kNow.micros + days(700).micros});
  EXPECT_EQ(content(paths.certificate), first) << "it is good for long enough";
  make("tls", {kNow.micros + days(800).micros});
  EXPECT_NE(content(paths.certificate), first) << "it would have ended within 30 days";
  const std::string second = content(paths.certificate);
  std::filesystem::remove(paths.key);
  make("tls", {kNow.micros + days(800).micros});
  EXPECT_NE(content(paths.certificate), second) << "without its key it is of no use";
}

TEST_F(TlsTest, files_that_change_are_shown_to_new_connections_and_bad_ones_are_not) {
  const TlsFiles paths = make("tls");
  auto credentials = TlsCredentials::open(real_files(), paths);
  ASSERT_TRUE(credentials) << credentials.error().text();
  EXPECT_FALSE((*credentials)->reload_if_changed().value());
  Client before(**credentials, TLS1_3_VERSION);
  ASSERT_TRUE(before.shake_hands());

  const TlsFiles others = make("others");
  std::ofstream(paths.certificate) << content(others.certificate);
  const auto torn = (*credentials)->reload_if_changed();
  ASSERT_FALSE(torn);
  EXPECT_NE(torn.error().message.find("is not that of"), std::string::npos) << torn.error().text();
  EXPECT_FALSE((*credentials)->reload_if_changed().value()) << "told once";
  Client between(**credentials, TLS1_3_VERSION);
  ASSERT_TRUE(between.shake_hands());
  EXPECT_EQ(between.shown_certificate(), before.shown_certificate());

  std::ofstream(paths.key) << content(others.key);
  EXPECT_TRUE((*credentials)->reload_if_changed().value());
  Client after(**credentials, TLS1_3_VERSION);
  ASSERT_TRUE(after.shake_hands());
  EXPECT_NE(after.shown_certificate(), before.shown_certificate());
  char buffer[4];
  EXPECT_EQ(SSL_write(before.connection, "ping", 4), 4);
  EXPECT_EQ(before.server->read(buffer, 4).bytes, 4u) << "connections go on with what they began with";
}

TEST_F(TlsTest, what_is_no_certificate_or_key_is_an_error_that_names_the_file) {
  const TlsFiles paths = make("tls");
  std::ofstream(folder + "/none.pem") << "hello\n";
  for (const TlsFiles& wrong :
       {TlsFiles{folder + "/none.pem", paths.key}, TlsFiles{paths.certificate, folder + "/none.pem"},
        TlsFiles{paths.certificate, folder + "/missing.pem"}}) {
    const auto opened = TlsCredentials::open(real_files(), wrong);
    ASSERT_FALSE(opened);
    EXPECT_NE(opened.error().text().find(folder), std::string::npos) << opened.error().text();
  }
}

}  // namespace
}  // namespace weir
