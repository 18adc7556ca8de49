#include "core/runtime/tls.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <utility>

namespace weir {

namespace {

constexpr uint64_t kPemBytesMax = 1 << 20;
constexpr Duration kRenewBefore = days(30);
constexpr Duration kSelfSignedFor = days(825);  // the longest that strict clients take

struct Free {
  void operator()(BIO* memory) const { BIO_free(memory); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(X509_EXTENSION* extension) const { X509_EXTENSION_free(extension); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

std::string last_words() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? "no reason given" : reason;
}

Owned<BIO> memory_of(const std::string& text) {
  return Owned<BIO>(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

std::string text_of(BIO* memory) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(memory, &data);
  return std::string(data, static_cast<size_t>(size));
}

TlsStream::Step plain_step(ssize_t count, TlsStream::Outcome otherwise) {
  if (count > 0) return {TlsStream::Outcome::done, static_cast<size_t>(count)};
  if (count == 0) return {TlsStream::Outcome::ended};
  const bool would_block = errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
  return {would_block ? otherwise : TlsStream::Outcome::failed};
}

// No questions at the terminal for keys with a passphrase.
int no_passphrase(char*, int, int, void*) {
  return 0;
}

Status use_certificates(SSL_CTX* context, const std::string& pem, const std::string& path) {
  const Owned<BIO> memory = memory_of(pem);
  const Owned<X509> own(PEM_read_bio_X509(memory.get(), nullptr, no_passphrase, nullptr));
  if (!own || SSL_CTX_use_certificate(context, own.get()) != 1) {
    return Error(Code::invalid, path + " holds no usable certificate: " + last_words(), "it must be in PEM form");
  }
  while (X509* next = PEM_read_bio_X509(memory.get(), nullptr, no_passphrase, nullptr)) {
    if (SSL_CTX_add0_chain_cert(context, next) == 1) continue;
    X509_free(next);
    return Error(Code::invalid, path + ": " + last_words());
  }
  ERR_clear_error();  // the end of the file is one too
  return {};
}

Status use_key(SSL_CTX* context, const std::string& pem, const TlsFiles& paths) {
  const Owned<BIO> memory = memory_of(pem);
  const Owned<EVP_PKEY> key(PEM_read_bio_PrivateKey(memory.get(), nullptr, no_passphrase, nullptr));
  if (!key) {
    return Error(Code::invalid, paths.key + " holds no usable key: " + last_words(),
                 "it must be in PEM form, without a passphrase");
  }
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1 || SSL_CTX_check_private_key(context) != 1) {
    return Error(Code::invalid,
                 "the key in " + paths.key + " is not that of " + paths.certificate + ": " + last_words());
  }
  return {};
}

// Clients that begin with TLS at once (PostgreSQL's sslnegotiation=direct) name the protocol, and want it confirmed.
int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* size, const unsigned char* offered,
                    unsigned int offered_size, void*) {
  static constexpr unsigned char kKnown[] = "\x0apostgresql\x08http/1.1";
  unsigned char* out = nullptr;
  const int found = SSL_select_next_proto(&out, size, kKnown, sizeof(kKnown) - 1, offered, offered_size);
  *chosen = out;
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

Result<std::shared_ptr<SSL_CTX>> make_context(const std::string& certificate, const std::string& key,
                                              const TlsFiles& paths) {
  std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  if (!context) return Error(Code::internal, "no context for TLS: " + last_words());
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET |
                                         SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_num_tickets(context.get(), 0);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(context.get(),
                   SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_alpn_select_cb(context.get(), choose_protocol, nullptr);
  TRY(use_certificates(context.get(), certificate, paths.certificate));
  TRY(use_key(context.get(), key, paths));
  return context;
}

bool ends_soon(const std::string& pem, WallTime now) {
  const Owned<BIO> memory = memory_of(pem);
  const Owned<X509> certificate(PEM_read_bio_X509(memory.get(), nullptr, no_passphrase, nullptr));
  ERR_clear_error();
  if (!certificate) return true;
  time_t limit = (now.micros + kRenewBefore.micros) / 1'000'000;
  return X509_cmp_time(X509_get0_notAfter(certificate.get()), &limit) <= 0;
}

bool add_extension(X509* certificate, int kind, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const Owned<X509_EXTENSION> extension(X509V3_EXT_conf_nid(nullptr, &context, kind, value));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

Owned<X509> make_certificate(EVP_PKEY* key, WallTime now) {
  Owned<X509> certificate(X509_new());
  uint64_t serial = 0;
  if (!certificate || RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof(serial)) != 1) return {};
  X509_set_version(certificate.get(), 2);
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate.get()), serial >> 1);
  const time_t begins = now.micros / 1'000'000 - 3600;
  const time_t ends = (now.micros + kSelfSignedFor.micros) / 1'000'000;
  ASN1_TIME_set(X509_getm_notBefore(certificate.get()), begins);
  ASN1_TIME_set(X509_getm_notAfter(certificate.get()), ends);
  X509_NAME* const name = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("weir (self-signed)"), -1,
                             -1, 0);
  X509_set_issuer_name(certificate.get(), name);
  X509_set_pubkey(certificate.get(), key);
  const bool is_whole = add_extension(certificate.get(), NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1,IP:::1") &&
                        add_extension(certificate.get(), NID_basic_constraints, "critical,CA:TRUE") &&
                        X509_sign(certificate.get(), key, EVP_sha256()) > 0;
  return is_whole ? std::move(certificate) : Owned<X509>();
}

// Key first, with its mode before its name: nobody else ever reads it, and a certificate without its key is made anew.
Status write_key(Files& files, const std::string& path, const std::string& text) {
  const std::string staging = path + ".new";
  TRY_ASSIGN(const std::unique_ptr<File> file, files.open(staging, OpenMode::create));
  if (::chmod(staging.c_str(), 0600) != 0) return Error(Code::io, "the mode of " + staging + " could not be set");
  TRY(file->truncate(0));
  TRY(file->write_at(0, text));
  TRY(file->sync());
  TRY(files.rename(staging, path));
  return files.sync_directory(parent_path(path));
}

}  // namespace

Result<TlsFiles> self_signed_certificate(Files& files, const std::string& folder, WallTime now) {
  const TlsFiles paths{join_path(folder, "certificate.pem"), join_path(folder, "key.pem")};
  const auto certificate = read_file(files, paths.certificate, kPemBytesMax);
  const auto key = read_file(files, paths.key, kPemBytesMax);
  if (certificate && key && !ends_soon(*certificate, now) && make_context(*certificate, *key, paths)) return paths;

  const Owned<EVP_PKEY> made_key(EVP_EC_gen("P-256"));
  const Owned<X509> made = made_key ? make_certificate(made_key.get(), now) : Owned<X509>();
  if (!made) return Error(Code::internal, "a self-signed certificate could not be made: " + last_words());
  const Owned<BIO> key_text(BIO_new(BIO_s_mem())), certificate_text(BIO_new(BIO_s_mem()));
  if (PEM_write_bio_PrivateKey(key_text.get(), made_key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1 ||
      PEM_write_bio_X509(certificate_text.get(), made.get()) != 1) {
    return Error(Code::internal, "a self-signed certificate could not be written: " + last_words());
  }
  TRY(files.make_directories(folder));
  TRY(write_key(files, paths.key, text_of(key_text.get())));
  TRY(replace_file(files, paths.certificate, text_of(certificate_text.get())));
  return paths;
}

Result<std::unique_ptr<TlsCredentials>> TlsCredentials::open(Files& files, TlsFiles paths) {
  std::unique_ptr<TlsCredentials> made(new TlsCredentials(files, std::move(paths)));
  TRY(made->reload_if_changed());
  return made;
}

Result<TlsCredentials::Texts> TlsCredentials::read() const {
  Texts texts;
  TRY_ASSIGN(texts.certificate, read_file(files_, paths_.certificate, kPemBytesMax));
  TRY_ASSIGN(texts.key, read_file(files_, paths_.key, kPemBytesMax));
  return texts;
}

Result<bool> TlsCredentials::reload_if_changed() {
  TRY_ASSIGN(Texts texts, read());
  {
    MutexLock lock(mutex_);
    if (texts == texts_) return false;
    texts_ = texts;
  }
  TRY_ASSIGN(std::shared_ptr<SSL_CTX> context, make_context(texts.certificate, texts.key, paths_));
  MutexLock lock(mutex_);
  context_ = std::move(context);
  return true;
}

std::shared_ptr<ssl_ctx_st> TlsCredentials::context() const {
  MutexLock lock(mutex_);
  return context_;
}

TlsStream::TlsStream(const std::shared_ptr<ssl_ctx_st>& context, int socket) : connection_(SSL_new(context.get())) {
  if (connection_ != nullptr && SSL_set_fd(connection_, socket) == 1) return;
  SSL_free(connection_);
  connection_ = nullptr;
}

TlsStream::~TlsStream() {
  SSL_free(connection_);
}

TlsStream::Step TlsStream::step(int result) {
  if (result > 0) return {Outcome::done, static_cast<size_t>(result)};
  const int why = SSL_get_error(connection_, result);
  ERR_clear_error();
  switch (why) {
    case SSL_ERROR_WANT_READ:
      return {Outcome::wants_readable};
    case SSL_ERROR_WANT_WRITE:
      return {Outcome::wants_writable};
    case SSL_ERROR_ZERO_RETURN:
      return {Outcome::ended};
    default:
      return {Outcome::failed};
  }
}

TlsStream::Step TlsStream::handshake() {
  if (connection_ == nullptr) return {};
  ERR_clear_error();
  return step(SSL_accept(connection_));
}

TlsStream::Step TlsStream::read(char* into, size_t size) {
  ERR_clear_error();
  return step(SSL_read(connection_, into, static_cast<int>(std::min<size_t>(size, INT_MAX))));
}

TlsStream::Step TlsStream::write(const char* from, size_t size) {
  ERR_clear_error();
  return step(SSL_write(connection_, from, static_cast<int>(std::min<size_t>(size, INT_MAX))));
}

void TlsStream::say_goodbye() {
  if (connection_ == nullptr || !SSL_is_init_finished(connection_)) return;
  ERR_clear_error();
  SSL_shutdown(connection_);
  ERR_clear_error();
}

std::string TlsStream::version() const {
  return connection_ == nullptr ? "" : SSL_get_version(connection_);
}

TlsStream::Step read_plain(int socket, char* into, size_t size) {
  return plain_step(::recv(socket, into, size, MSG_DONTWAIT), TlsStream::Outcome::wants_readable);
}

TlsStream::Step write_plain(int socket, std::string_view head, std::string_view body) {
  std::array<iovec, 2> pieces = {iovec{const_cast<char*>(head.data()), head.size()},
                                 iovec{const_cast<char*>(body.data()), body.size()}};
  msghdr message{};
  message.msg_iov = pieces.data();
  message.msg_iovlen = body.empty() ? 1 : 2;
  return plain_step(::sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT), TlsStream::Outcome::wants_writable);
}

}  // namespace weir
