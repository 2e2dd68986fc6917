// Digest: what an ELF file must be, as policies write it (`binaryDigests`): "sha256:9f86…", "build-id:4f3e…".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "symbols/elf_file.h"

namespace trigon::symbols {

struct Digest {
  enum class Kind { kSha1, kSha256, kSha384, kSha512, kBuildId };
  Kind kind = Kind::kSha256;
  std::string hex;  // lower case

  // "algo:hex". An error says which algorithms there are or how long the number should be.
  static Result<Digest> parse(std::string_view text);
  std::string to_string() const;
  bool operator==(const Digest&) const = default;
};

// Of the bytes of the file, or its build id. Reads the whole file once (64 KiB at a time); libcrypto is loaded when it
// is first needed (package libssl3), which is kUnsupported when it is not there. Blocking, any thread.
Result<Digest> digest_of(const ElfFile& file, Digest::Kind kind);

// Whether the file is one of them. kPermission when none matches: what was found and what was allowed.
Result<void> check_digests(const ElfFile& file, const std::vector<Digest>& allowed);
// The same with digests as policies write them.
Result<void> check_digests(const ElfFile& file, const std::vector<std::string>& allowed);

}  // namespace trigon::symbols
