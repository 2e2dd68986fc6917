// Result<T>: a value or an Error, must be looked at. C++20 has no std::expected; this is the part of it that is used.
//
// Exceptions stay inside the file that calls a throwing library (yaml-cpp, CLI11). An Error says what was tried and on
// what, in lower case and without a final stop; callers add context, only cli/ turns it into text and an exit code.
#pragma once

#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace trigon {

// What went wrong in kind; cli/exit_code.h maps it to the exit codes of the manual.
enum class ErrorCode {
  kFailed,         // anything else
  kUsage,          // the command line or a configuration key
  kInvalidPolicy,  // a policy file
  kUnsupported,    // this kernel (or its configuration) cannot
  kPermission,     // a privilege is missing
  kNotFound,
  kBusy,  // another agent runs
};

class [[nodiscard]] Error {
 public:
  Error(ErrorCode code, std::string message) : code_(code), message_(std::move(message)) {}
  explicit Error(std::string message) : Error(ErrorCode::kFailed, std::move(message)) {}

  // "open /x: Permission denied"; EACCES and EPERM become kPermission, ENOENT kNotFound.
  static Error from_errno(int err, std::string_view what) {
    ErrorCode code = ErrorCode::kFailed;
    if (err == EACCES || err == EPERM) code = ErrorCode::kPermission;
    if (err == ENOENT) code = ErrorCode::kNotFound;
    return Error(code, std::string(what) + ": " + std::strerror(err));
  }
  static Error from_errno(std::string_view what) { return from_errno(errno, what); }

  ErrorCode code() const { return code_; }
  const std::string& message() const { return message_; }

  // Prefixes what was being done: "loading policy x: " + message.
  Error context(std::string_view what) && {
    message_ = std::string(what) + ": " + message_;
    return std::move(*this);
  }
  Error with_code(ErrorCode code) && {
    code_ = code;
    return std::move(*this);
  }

 private:
  ErrorCode code_;
  std::string message_;
};

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: implicit on purpose
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & { return std::get<0>(state_); }
  const T& value() const& { return std::get<0>(state_); }
  T&& value() && { return std::get<0>(std::move(state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const Error& error() const& { return std::get<1>(state_); }
  Error&& error() && { return std::get<1>(std::move(state_)); }

  T value_or(T other) && { return ok() ? std::get<0>(std::move(state_)) : std::move(other); }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::in_place_index<1>, std::move(error)) {}  // NOLINT

  bool ok() const { return error_.index() == 0; }
  explicit operator bool() const { return ok(); }
  const Error& error() const& { return std::get<1>(error_); }
  Error&& error() && { return std::get<1>(std::move(error_)); }

 private:
  std::variant<std::monostate, Error> error_;
};

}  // namespace trigon

// TRIGON_TRY(auto x, expression): binds the value or returns the error. TRIGON_CHECK(expression): the same for void.
// NOLINTBEGIN(bugprone-macro-parentheses): `decl` is a declaration.
#define TRIGON_TRY_CAT2(a, b) a##b
#define TRIGON_TRY_CAT(a, b) TRIGON_TRY_CAT2(a, b)
#define TRIGON_TRY_IMPL(tmp, decl, expr)        \
  auto tmp = (expr);                            \
  if (!tmp.ok()) return std::move(tmp).error(); \
  decl = *std::move(tmp)
#define TRIGON_TRY(decl, expr) TRIGON_TRY_IMPL(TRIGON_TRY_CAT(trigon_try_, __LINE__), decl, expr)
// NOLINTEND(bugprone-macro-parentheses)
#define TRIGON_CHECK(expr)                                                                      \
  do {                                                                                          \
    if (auto trigon_check = (expr); !trigon_check.ok()) return std::move(trigon_check).error(); \
  } while (0)
