#include "symbols/digest.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <memory>
#include <optional>

#include "base/shared_library.h"
#include "base/suggest.h"

namespace trigon::symbols {
namespace {

struct Algorithm {
  Digest::Kind kind;
  std::string_view name;  // as policies and OpenSSL call it
  size_t hex_digits;      // 0: any even number
};
constexpr std::array<Algorithm, 5> kAlgorithms = {{{Digest::Kind::kSha1, "sha1", 40},
                                                   {Digest::Kind::kSha256, "sha256", 64},
                                                   {Digest::Kind::kSha384, "sha384", 96},
                                                   {Digest::Kind::kSha512, "sha512", 128},
                                                   {Digest::Kind::kBuildId, "build-id", 0}}};

const Algorithm& algorithm_of(Digest::Kind kind) {
  return *std::find_if(kAlgorithms.begin(), kAlgorithms.end(), [&](const Algorithm& a) { return a.kind == kind; });
}

// The part of libcrypto that is used.
struct Crypto {
  decltype(&EVP_MD_CTX_new) new_context = nullptr;
  decltype(&EVP_MD_CTX_free) free_context = nullptr;
  decltype(&EVP_get_digestbyname) by_name = nullptr;
  decltype(&EVP_DigestInit_ex) init = nullptr;
  decltype(&EVP_DigestUpdate) update = nullptr;
  decltype(&EVP_DigestFinal_ex) final = nullptr;
};

Result<Crypto> load_crypto() {
  TRIGON_TRY(const SharedLibrary library, SharedLibrary::open("libcrypto.so.3", "libssl3"));
  Crypto crypto;
  crypto.new_context = library.function<EVP_MD_CTX*()>("EVP_MD_CTX_new");
  crypto.free_context = library.function<void(EVP_MD_CTX*)>("EVP_MD_CTX_free");
  crypto.by_name = library.function<const EVP_MD*(const char*)>("EVP_get_digestbyname");
  crypto.init = library.function<int(EVP_MD_CTX*, const EVP_MD*, ENGINE*)>("EVP_DigestInit_ex");
  crypto.update = library.function<int(EVP_MD_CTX*, const void*, size_t)>("EVP_DigestUpdate");
  crypto.final = library.function<int(EVP_MD_CTX*, unsigned char*, unsigned int*)>("EVP_DigestFinal_ex");
  if (!crypto.new_context || !crypto.free_context || !crypto.by_name || !crypto.init || !crypto.update || !crypto.final)
    return Error(ErrorCode::kUnsupported, "libcrypto.so.3 lacks a function that digests need");
  return crypto;
}

std::string to_hex(const unsigned char* bytes, size_t n) {
  std::string out;
  for (size_t i = 0; i < n; ++i) {
    out += "0123456789abcdef"[bytes[i] >> 4];
    out += "0123456789abcdef"[bytes[i] & 15];
  }
  return out;
}

}  // namespace

Result<Digest> Digest::parse(std::string_view text) {
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos)
    return Error("digest '" + std::string(text) +
                 "' has no algorithm: write ALGORITHM:HEX, for example sha256:9f86d081…");
  const std::string_view name = text.substr(0, colon);
  const auto algorithm =
      std::find_if(kAlgorithms.begin(), kAlgorithms.end(), [&](const Algorithm& a) { return a.name == name; });
  if (algorithm == kAlgorithms.end()) {
    std::vector<std::string_view> names;
    names.reserve(kAlgorithms.size());
    for (const Algorithm& a : kAlgorithms) names.push_back(a.name);
    return Error("digest algorithm '" + std::string(name) + "' is not known" + did_you_mean(name, names) +
                 "; known are sha1, sha256, sha384, sha512 and build-id");
  }
  Digest digest;
  digest.kind = algorithm->kind;
  for (const char c : text.substr(colon + 1)) {
    if (std::isxdigit(static_cast<unsigned char>(c)) == 0)
      return Error("digest '" + std::string(text) + "' has a character that is no hexadecimal digit: '" + c + "'");
    digest.hex += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  const size_t digits = digest.hex.size();
  if (algorithm->hex_digits != 0 ? digits != algorithm->hex_digits : digits == 0 || digits % 2 != 0)
    return Error("digest '" + std::string(text) + "' has " + std::to_string(digits) + " hexadecimal digits; " +
                 std::string(name) + " has " +
                 (algorithm->hex_digits != 0 ? std::to_string(algorithm->hex_digits) : "an even number of them"));
  return digest;
}

std::string Digest::to_string() const { return std::string(algorithm_of(kind).name) + ":" + hex; }

Result<Digest> digest_of(const ElfFile& file, Digest::Kind kind) {
  Digest digest;
  digest.kind = kind;
  if (kind == Digest::Kind::kBuildId) {
    digest.hex = file.build_id();
    if (digest.hex.empty()) return Error(ErrorCode::kNotFound, file.name() + ": has no build id");
    return digest;
  }
  static const Result<Crypto> crypto = load_crypto();
  if (!crypto.ok()) return Error(crypto.error());
  const EVP_MD* algorithm = crypto->by_name(algorithm_of(kind).name.data());
  const std::unique_ptr<EVP_MD_CTX, decltype(crypto->free_context)> context(crypto->new_context(),
                                                                            crypto->free_context);
  // SHA-1 is switched off on some hardened hosts.
  if (algorithm == nullptr || context == nullptr || crypto->init(context.get(), algorithm, nullptr) != 1)
    return Error(ErrorCode::kUnsupported,
                 std::string(algorithm_of(kind).name) + ": libcrypto on this machine does not offer it");
  std::array<char, size_t{64} * 1024> chunk;
  const uint64_t size = file.bytes().size();
  for (uint64_t at = 0; at < size;) {
    const size_t want = std::min<uint64_t>(chunk.size(), size - at);
    const size_t n = file.bytes().read_some(at, chunk.data(), want);
    if (n != want) return Error(file.name() + ": changed or could not be read while its digest was taken");
    if (crypto->update(context.get(), chunk.data(), n) != 1) return Error(file.name() + ": digest failed");
    at += n;
  }
  unsigned char value[EVP_MAX_MD_SIZE];
  unsigned int length = 0;
  if (crypto->final(context.get(), value, &length) != 1) return Error(file.name() + ": digest failed");
  digest.hex = to_hex(value, length);
  return digest;
}

Result<void> check_digests(const ElfFile& file, const std::vector<Digest>& allowed) {
  std::string found;
  for (const Algorithm& algorithm : kAlgorithms) {
    const auto of_kind = [&](const Digest& digest) { return digest.kind == algorithm.kind; };
    if (std::none_of(allowed.begin(), allowed.end(), of_kind)) continue;
    auto digest = digest_of(file, algorithm.kind);
    if (digest.ok() && std::find(allowed.begin(), allowed.end(), *digest) != allowed.end()) return {};
    if (!found.empty()) found += ", ";
    found += digest.ok() ? digest->to_string() : digest.error().message();
  }
  std::string expected;
  for (const Digest& digest : allowed) expected += (expected.empty() ? "" : ", ") + digest.to_string();
  return Error(ErrorCode::kPermission,
               file.name() + ": is not a file that the policy allows: found " + found + ", allowed " + expected);
}

Result<void> check_digests(const ElfFile& file, const std::vector<std::string>& allowed) {
  std::vector<Digest> digests;
  for (const std::string& text : allowed) {
    TRIGON_TRY(Digest digest, Digest::parse(text));
    digests.push_back(std::move(digest));
  }
  return check_digests(file, digests);
}

}  // namespace trigon::symbols
