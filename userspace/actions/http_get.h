// HttpGet: one GET request, the answer thrown away. For canaries and web hooks: that it was asked is the message.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <string>

#include "base/result.h"

namespace trigon::actions {

// libcurl is loaded by the first request. One thread at a time.
class HttpGet {
 public:
  // `stop` becomes true to end a request that is on its way.
  explicit HttpGet(const std::atomic<bool>* stop);
  ~HttpGet();
  HttpGet(const HttpGet&) = delete;
  HttpGet& operator=(const HttpGet&) = delete;

  // Blocks, at most until the deadline. Success: an answer came, whatever its status. Only http and https; redirects
  // are not followed, since they may lead to where the operator did not allow; certificates are verified; proxies are
  // those of the agent's environment (http_proxy, https_proxy, no_proxy). kUnsupported: there is no libcurl.
  Result<void> run(const std::string& url, std::chrono::milliseconds deadline);

 private:
  struct Curl;
  const std::atomic<bool>* stop_;
  std::unique_ptr<Curl> curl_;
};

}  // namespace trigon::actions
