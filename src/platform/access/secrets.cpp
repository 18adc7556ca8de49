#include "platform/access/secrets.h"

#include "core/base/cipher.h"
#include "core/base/text.h"

namespace weir::access {
namespace {

constexpr size_t kValueBytesMax = 65'536;
constexpr char kFormat = 1;

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
  const std::string nonce = random_bytes(random, kCipherNonceBytes);
  TRY_ASSIGN(const std::string sealed, seal_bytes({.key = key, .nonce = nonce, .beside = name}, value));
  return base64_encode(std::string(1, kFormat) + nonce + sealed.substr(value.size()) + sealed.substr(0, value.size()));
}

Result<std::string> unsealed_with(const std::string& key, std::string_view name, std::string_view stored) {
  const Error damaged(Code::corrupt, "secret " + std::string(name) + " was changed, or sealed with another key",
                      "set it again: weir secret set " + std::string(name));
  auto decoded = base64_decode(stored);
  if (!decoded || decoded->size() < 1 + kCipherNonceBytes + kCipherTagBytes) return damaged;
  if ((*decoded)[0] != kFormat) return Error(Code::unsupported, "secret " + std::string(name) + " has a newer format");
  const std::string_view rest = std::string_view(*decoded).substr(1);
  const std::string_view nonce = rest.substr(0, kCipherNonceBytes);
  const std::string_view tag = rest.substr(kCipherNonceBytes, kCipherTagBytes);
  const std::string sealed = std::string(rest.substr(kCipherNonceBytes + kCipherTagBytes)).append(tag);
  auto out = unseal_bytes({.key = key, .nonce = nonce, .beside = name}, sealed);
  return out ? std::move(out) : damaged;
}

}  // namespace

Result<std::string> Secrets::key(Missing missing) {
  if (!key_.empty()) return key_;
  if (source_.key) {
    auto decoded = parse_cipher_key(*source_.key);
    if (!decoded) {
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
    if (!decoded || decoded->size() != kCipherKeyBytes)
      return Error(Code::corrupt, source_.file + " is not a key of 64 hexadecimal digits");
    key_ = *decoded;
    return key_;
  }
  if (missing == Missing::refuse) {
    return Error(Code::denied, source_.file + " is missing, so no secret can be read",
                 "restore it, or give the key in WEIR_KEY");
  }
  const std::string made = random_bytes(parts_.random, kCipherKeyBytes);
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
