// TLS: a server whose certificate nobody vouches for is refused, one that is vouched for is trusted.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <thread>

#include "core/io/http_client.h"

namespace weir {
namespace {

struct Free {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* connection) const { SSL_free(connection); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(BIO* memory) const { BIO_free(memory); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

// Vouches for itself, for one name or address.
Owned<X509> self_signed(EVP_PKEY* key, const char* alternative_name) {
  Owned<X509> certificate(X509_new());
  X509_set_version(certificate.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
  X509_NAME* const name = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("weir"), -1, -1, 0);
  X509_set_issuer_name(certificate.get(), name);
  X509_set_pubkey(certificate.get(), key);
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate.get(), certificate.get(), nullptr, nullptr, 0);
  X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, NID_subject_alt_name, alternative_name);
  X509_add_ext(certificate.get(), extension, -1);
  X509_EXTENSION_free(extension);
  X509_sign(certificate.get(), key, EVP_sha256());
  return certificate;
}

class TlsServer {
 public:
  TlsServer(const char* alternative_name, int connections) {
    const Owned<EVP_PKEY> key(EVP_EC_gen("P-256"));
    const Owned<X509> certificate = self_signed(key.get(), alternative_name);
    context_.reset(SSL_CTX_new(TLS_server_method()));
    SSL_CTX_use_certificate(context_.get(), certificate.get());
    SSL_CTX_use_PrivateKey(context_.get(), key.get());
    const Owned<BIO> memory(BIO_new(BIO_s_mem()));
    PEM_write_bio_X509(memory.get(), certificate.get());
    char* data = nullptr;
    const long size = BIO_get_mem_data(memory.get(), &data);
    certificate_.assign(data, static_cast<size_t>(size));
    listening_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    EXPECT_EQ(::bind(listening_, reinterpret_cast<sockaddr*>(&address), length), 0);
    EXPECT_EQ(::listen(listening_, 16), 0);
    EXPECT_EQ(::getsockname(listening_, reinterpret_cast<sockaddr*>(&address), &length), 0);
    url_ = "https://127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/";
    thread_ = std::thread([this, connections] {
      for (int i = 0; i < connections; ++i) serve();
    });
  }
  ~TlsServer() {
    thread_.join();
    ::close(listening_);
  }
  const std::string& url() const { return url_; }
  const std::string& certificate() const { return certificate_; }

 private:
  void serve() {
    const int socket = ::accept(listening_, nullptr, nullptr);
    const Owned<SSL> connection(SSL_new(context_.get()));
    SSL_set_fd(connection.get(), socket);
    if (SSL_accept(connection.get()) == 1) {
      char request[4096];
      const std::string reply = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret";
      if (SSL_read(connection.get(), request, sizeof request) > 0) {
        SSL_write(connection.get(), reply.data(), static_cast<int>(reply.size()));
      }
    }
    ::close(socket);
  }

  Owned<SSL_CTX> context_;
  std::string certificate_;
  std::string url_;
  int listening_ = -1;
  std::thread thread_;
};

class Tls : public ::testing::Test {
 protected:
  void SetUp() override {
    ::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes to a client that has left
    std::string name = (std::filesystem::temp_directory_path() / "weir-tls-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string file_of(const TlsServer& server) const {
    std::ofstream(folder_ + "/ca.pem") << server.certificate();
    return folder_ + "/ca.pem";
  }
  std::string folder_;
};

TEST_F(Tls, an_unknown_certificate_is_denied_and_a_known_one_is_trusted) {
  TlsServer server("IP:127.0.0.1", 2);
  const auto refused = HttpClient().send({.url = server.url()});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::denied) << refused.error().text();
  const auto trusted = HttpClient().send({.url = server.url(), .ca_file = file_of(server)});
  ASSERT_TRUE(trusted) << trusted.error().text();
  EXPECT_EQ(trusted->body, "secret");
}

TEST_F(Tls, a_known_certificate_of_another_host_is_denied) {
  TlsServer server("DNS:elsewhere.example", 1);
  const auto refused = HttpClient().send({.url = server.url(), .ca_file = file_of(server)});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::denied) << refused.error().text();
}

TEST_F(Tls, a_missing_file_of_certificates_is_denied_and_named) {
  TlsServer server("IP:127.0.0.1", 1);
  const auto refused = HttpClient().send({.url = server.url(), .ca_file = folder_ + "/none.pem"});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::denied);
  EXPECT_THAT(refused.error().message, ::testing::HasSubstr("none.pem"));
}

}  // namespace
}  // namespace weir
