// TLS of every listener: which certificate it shows, and the encrypted bytes of one connection.
//
// Promises
//   - TLS 1.2 and newer; no compression, no renegotiation, no tickets: an idle connection holds no buffers.
//   - Certificate files that changed are read again without a restart. If the new ones are not usable the old ones
//     stay, and the error says why.
//   - For development there is a certificate that vouches for itself: clients encrypt with it and cannot verify whom
//     they speak to, unless they are given the file.
// Threads: TlsCredentials from any; a TlsStream by one at a time. OpenSSL is seen in tls.cpp only.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "core/base/guarded.h"
#include "core/base/result.h"
#include "core/base/time.h"
#include "core/io/files.h"

struct ssl_ctx_st;
struct ssl_st;

namespace weir {

// Paths of PEM files. The certificate's own comes first, those that vouch for it behind it.
struct TlsFiles {
  std::string certificate, key;
};

// The certificate and key (0600) in `folder`, for localhost and the loopback addresses; made if they are missing, and
// anew when the certificate would end within 30 days.
Result<TlsFiles> self_signed_certificate(Files& files, const std::string& folder, WallTime now);

class TlsCredentials {
 public:
  static Result<std::unique_ptr<TlsCredentials>> open(Files& files, TlsFiles paths);
  // Reads the files again if they are others than before. `true`: new ones are shown from now on. Blocks for a small
  // read; call it every few seconds.
  Result<bool> reload_if_changed();
  std::shared_ptr<ssl_ctx_st> context() const;  // shared with the connections that began with it

 private:
  struct Texts {
    std::string certificate, key;
    friend bool operator==(const Texts&, const Texts&) = default;
  };
  TlsCredentials(Files& files, TlsFiles paths) : files_(files), paths_(std::move(paths)) {}
  Result<Texts> read() const;

  Files& files_;
  const TlsFiles paths_;
  mutable Mutex mutex_;
  Texts texts_ GUARDED_BY(mutex_);  // of the last attempt, good or not
  std::shared_ptr<ssl_ctx_st> context_ GUARDED_BY(mutex_);
};

// One connection's encryption, over a non-blocking socket that its owner keeps and closes.
class TlsStream {
 public:
  enum class Outcome {
    done,            // of read() and write(): some bytes
    wants_readable,  // again when the socket can be read
    wants_writable,  // again when it can be written
    ended,           // the other side said that it is over
    failed,          // no TLS, or a broken connection
  };
  struct Step {
    Outcome outcome = Outcome::failed;
    size_t bytes = 0;
  };

  TlsStream(const std::shared_ptr<ssl_ctx_st>& context, int socket);
  ~TlsStream();
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;

  Step handshake();
  Step read(char* into, size_t size);
  Step write(const char* from, size_t size);
  void say_goodbye();           // never waits
  std::string version() const;  // "TLSv1.3"

 private:
  Step step(int result);
  ssl_st* connection_;
};

// The same steps over a non-blocking socket without encryption. `head` and `body` leave in one call.
TlsStream::Step read_plain(int socket, char* into, size_t size);
TlsStream::Step write_plain(int socket, std::string_view head, std::string_view body = {});

}  // namespace weir
