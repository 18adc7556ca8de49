#include "platform/access/secrets.h"

#include <openssl/evp.h>

#include <array>

#include "core/base/text.h"

namespace weir::access {
namespace {

constexpr size_t kKeyBytes = 32, kNonceBytes = 12, kTagBytes = 16;
constexpr size_t kValueBytesMax = 65'536;
constexpr char kFormat = 1;

struct CipherDeleter {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Cipher = std::unique_ptr<EVP_CIPHER_CTX, CipherDeleter>;

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

Status check_name(std::string_view name) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  bool good = !name.empty() && name.size() <= 63 && letter(name[0]);
  for (const char c : name) good = good && (letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-');
  if (good) return {};
  return Error(Code::invalid, shown(name) + " is no name of a secret",
               "a letter, then letters, digits, _ . or -, up to 63");
}

// base64 of: format byte, nonce, tag, ciphertext. The name is authenticated with it.
Result<std::string> sealed_with(const std::string& key, std::string_view name, std::string_view value, Random& random) {
  std::string nonce;
  for (int i = 0; i < 2; ++i) {
    const uint64_t word = random.next();
    nonce.append(reinterpret_cast<const char*>(&word), sizeof word);
  }
  nonce.resize(kNonceBytes);
  Cipher cipher(EVP_CIPHER_CTX_new());
  std::string out(value.size(), '\0');
  std::array<unsigned char, kTagBytes> tag{};
  int length = 0;
  const bool done =
      cipher && EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, bytes_of(key), bytes_of(nonce)) == 1 &&
      EVP_EncryptUpdate(cipher.get(), nullptr, &length, bytes_of(name), static_cast<int>(name.size())) == 1 &&
      EVP_EncryptUpdate(cipher.get(), reinterpret_cast<unsigned char*>(out.data()), &length, bytes_of(value),
                        static_cast<int>(value.size())) == 1 &&
      EVP_EncryptFinal_ex(cipher.get(), reinterpret_cast<unsigned char*>(out.data()) + length, &length) == 1 &&
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, kTagBytes, tag.data()) == 1;
  if (!done) return Error(Code::internal, "the secret could not be sealed");
  return base64_encode(std::string(1, kFormat) + nonce +
                       std::string(reinterpret_cast<const char*>(tag.data()), tag.size()) + out);
}

Result<std::string> unsealed_with(const std::string& key, std::string_view name, std::string_view stored) {
  const Error damaged(Code::corrupt, "secret " + std::string(name) + " was changed, or sealed with another key",
                      "set it again: weir secret set " + std::string(name));
  auto decoded = base64_decode(stored);
  if (!decoded || decoded->size() < 1 + kNonceBytes + kTagBytes) return damaged;
  const std::string_view sealed = *decoded;
  if (sealed[0] != kFormat) return Error(Code::unsupported, "secret " + std::string(name) + " has a newer format");
  const std::string_view nonce = sealed.substr(1, kNonceBytes);
  std::string tag(sealed.substr(1 + kNonceBytes, kTagBytes));
  const std::string_view text = sealed.substr(1 + kNonceBytes + kTagBytes);
  Cipher cipher(EVP_CIPHER_CTX_new());
  std::string out(text.size(), '\0');
  int length = 0;
  const bool done =
      cipher && EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, bytes_of(key), bytes_of(nonce)) == 1 &&
      EVP_DecryptUpdate(cipher.get(), nullptr, &length, bytes_of(name), static_cast<int>(name.size())) == 1 &&
      EVP_DecryptUpdate(cipher.get(), reinterpret_cast<unsigned char*>(out.data()), &length, bytes_of(text),
                        static_cast<int>(text.size())) == 1 &&
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, kTagBytes, tag.data()) == 1 &&
      EVP_DecryptFinal_ex(cipher.get(), reinterpret_cast<unsigned char*>(out.data()) + length, &length) == 1;
  if (!done) return damaged;
  return out;
}

}  // namespace

Result<std::string> Secrets::key(Missing missing) {
  if (!key_.empty()) return key_;
  if (source_.key) {
    auto decoded = source_.key->size() == 2 * kKeyBytes ? hex_decode(*source_.key) : base64_decode(*source_.key);
    if (!decoded || decoded->size() != kKeyBytes) {
      return Error(Code::invalid, "WEIR_KEY is not 32 bytes as 64 hexadecimal digits or base64",
                   "openssl rand -hex 32");
    }
    key_ = *decoded;
    return key_;
  }
  TRY_ASSIGN(bool there, parts_.files.exists(source_.file));
  if (there) {
    TRY_ASSIGN(std::string text, read_file(parts_.files, source_.file, 4096));
    auto decoded = hex_decode(trim(text));
    if (!decoded || decoded->size() != kKeyBytes)
      return Error(Code::corrupt, source_.file + " is not a key of 64 hexadecimal digits");
    key_ = *decoded;
    return key_;
  }
  if (missing == Missing::refuse) {
    return Error(Code::denied, source_.file + " is missing, so no secret can be read",
                 "restore it, or give the key in WEIR_KEY");
  }
  std::string made;
  for (size_t i = 0; i < kKeyBytes / sizeof(uint64_t); ++i) {
    const uint64_t word = parts_.random.next();
    made.append(reinterpret_cast<const char*>(&word), sizeof word);
  }
  TRY(replace_file(parts_.files, source_.file, hex_encode(made) + "\n"));
  key_ = made;
  return key_;
}

Status Secrets::put(std::string_view name, std::string_view value) {
  TRY(check_name(name));
  if (value.empty()) return Error(Code::invalid, "the secret is empty");
  if (value.size() > kValueBytesMax) return Error(Code::too_large, "the secret is larger than 64 KiB");
  MutexLock lock(mutex_);
  TRY_ASSIGN(std::string sealing_key, key(Missing::make));
  control::Secret secret;
  secret.name = std::string(name);
  TRY_ASSIGN(secret.sealed, sealed_with(sealing_key, name, value, parts_.random));
  secret.changed_at = parts_.clock.wall();
  return parts_.control.put_secret(secret);
}

Result<std::vector<SecretInfo>> Secrets::list() {
  TRY_ASSIGN(auto stored, parts_.control.secrets());
  std::vector<SecretInfo> out;
  for (auto& secret : stored) out.push_back({std::move(secret.name), secret.changed_at});
  return out;
}

Status Secrets::remove(std::string_view name) {
  TRY(check_name(name));
  return parts_.control.remove_secret(name);
}

Result<std::string> Secrets::find(std::string_view name) {
  TRY_ASSIGN(auto stored, parts_.control.secrets());
  std::vector<std::string> names;
  for (const auto& secret : stored) {
    if (secret.name == name) {
      MutexLock lock(mutex_);
      TRY_ASSIGN(std::string sealing_key, key(Missing::refuse));
      return unsealed_with(sealing_key, name, secret.sealed);
    }
    names.push_back(secret.name);
  }
  const auto near = nearest(name, names);
  return Error(Code::not_found, "no secret is named " + shown(name),
               near ? "did you mean " + *near + "?" : "weir secret set " + std::string(name));
}

Result<std::string> Secrets::seal(std::string_view name, std::string_view value) {
  MutexLock lock(mutex_);
  TRY_ASSIGN(const std::string sealing_key, key(Missing::make));
  return sealed_with(sealing_key, name, value, parts_.random);
}

Result<std::string> Secrets::unseal(std::string_view name, std::string_view sealed) {
  MutexLock lock(mutex_);
  TRY_ASSIGN(const std::string sealing_key, key(Missing::refuse));
  return unsealed_with(sealing_key, name, sealed);
}

}  // namespace weir::access
