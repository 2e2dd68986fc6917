// Exit codes of every verb; in each verb's help and in docs/reference/command-line.md.
#pragma once

#include "base/result.h"

namespace trigon::cli {

enum ExitCode : int {
  kExitOk = 0,
  kExitFailed = 1,
  kExitUsage = 2,
  kExitInvalidPolicy = 3,
  kExitUnsupported = 4,  // this kernel (or its configuration) cannot
};

constexpr int exit_code_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::kUsage:
      return kExitUsage;
    case ErrorCode::kInvalidPolicy:
      return kExitInvalidPolicy;
    case ErrorCode::kUnsupported:
      return kExitUnsupported;
    case ErrorCode::kFailed:
    case ErrorCode::kPermission:
    case ErrorCode::kNotFound:
    case ErrorCode::kBusy:
      return kExitFailed;
  }
  return kExitFailed;
}

// Prints "trigon: message" and returns the code to exit with. A message that is a list of diagnostics stands by itself.
int report(const Error& error);

inline constexpr const char* kExitCodesHelp =
    "Exit codes: 0 fine, 1 failed, 2 usage, 3 invalid policy, 4 this kernel cannot.";

}  // namespace trigon::cli
