#include "actions/http_get.h"

#include <curl/curl.h>

#include <algorithm>

#include "base/shared_library.h"

namespace trigon::actions {
namespace {

// What is read of an answer before the connection is closed. Short answers leave it open for the next request.
constexpr size_t kMaxAnswer = size_t{64} << 10;

size_t throw_away(char*, size_t size, size_t count, void* total) {
  auto* seen = static_cast<size_t*>(total);
  *seen += size * count;
  return *seen > kMaxAnswer ? 0 : size * count;
}

int is_stopped(void* stop, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<const std::atomic<bool>*>(stop)->load(std::memory_order_relaxed) ? 1 : 0;
}

}  // namespace

// The part of libcurl that is used.
struct HttpGet::Curl {
  decltype(curl_global_init)* global_init = nullptr;
  decltype(curl_easy_init)* init = nullptr;
  decltype(curl_easy_reset)* reset = nullptr;
  decltype(curl_easy_setopt)* set = nullptr;
  decltype(curl_easy_perform)* perform = nullptr;
  decltype(curl_easy_cleanup)* cleanup = nullptr;
  decltype(curl_easy_strerror)* error_text = nullptr;
  CURL* handle = nullptr;

  ~Curl() {
    if (handle != nullptr) cleanup(handle);
  }

  static Result<std::unique_ptr<Curl>> load() {
    TRIGON_TRY(const SharedLibrary library, SharedLibrary::open("libcurl.so.4", "libcurl4"));
    auto curl = std::make_unique<Curl>();
    curl->global_init = library.function<decltype(curl_global_init)>("curl_global_init");
    curl->init = library.function<decltype(curl_easy_init)>("curl_easy_init");
    curl->reset = library.function<decltype(curl_easy_reset)>("curl_easy_reset");
    curl->set = library.function<decltype(curl_easy_setopt)>("curl_easy_setopt");
    curl->perform = library.function<decltype(curl_easy_perform)>("curl_easy_perform");
    curl->cleanup = library.function<decltype(curl_easy_cleanup)>("curl_easy_cleanup");
    curl->error_text = library.function<decltype(curl_easy_strerror)>("curl_easy_strerror");
    if (!curl->global_init || !curl->init || !curl->reset || !curl->set || !curl->perform || !curl->cleanup ||
        !curl->error_text)
      return Error(ErrorCode::kUnsupported, "libcurl.so.4 lacks a function that GetUrl needs");
    if (curl->global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK) curl->handle = curl->init();
    if (curl->handle == nullptr) return Error("libcurl could not be initialised");
    return curl;
  }

  // False when this libcurl cannot be kept to the two protocols.
  bool only_http() const {
    // CURLOPT_PROTOCOLS_STR by its number: headers before 7.85 do not have it, the library that is loaded may.
    constexpr auto kProtocolsStr = static_cast<CURLoption>(CURLOPTTYPE_STRINGPOINT + 318);
    if (set(handle, kProtocolsStr, "http,https") == CURLE_OK) return true;
      // Before 7.85.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
    return set(handle, CURLOPT_PROTOCOLS, static_cast<long>(CURLPROTO_HTTP | CURLPROTO_HTTPS)) == CURLE_OK;
#pragma GCC diagnostic pop
  }
};

HttpGet::HttpGet(const std::atomic<bool>* stop) : stop_(stop) {}
HttpGet::~HttpGet() = default;

Result<void> HttpGet::run(const std::string& url, std::chrono::milliseconds deadline) {
  if (curl_ == nullptr) {
    TRIGON_TRY(curl_, Curl::load());
  }
  CURL* handle = curl_->handle;
  curl_->reset(handle);  // connections stay
  size_t seen = 0;
  char detail[CURL_ERROR_SIZE] = {};
  const long limit = static_cast<long>(std::max<int64_t>(1, deadline.count()));
  if (!curl_->only_http()) return Error(ErrorCode::kUnsupported, "this libcurl cannot be kept to http and https");
  curl_->set(handle, CURLOPT_URL, url.c_str());
  curl_->set(handle, CURLOPT_TIMEOUT_MS, limit);
  curl_->set(handle, CURLOPT_CONNECTTIMEOUT_MS, limit);
  curl_->set(handle, CURLOPT_NOSIGNAL, 1L);  // not the only thread
  curl_->set(handle, CURLOPT_FOLLOWLOCATION, 0L);
  curl_->set(handle, CURLOPT_PATH_AS_IS, 1L);  // what was allowed is what is asked for
  curl_->set(handle, CURLOPT_USERAGENT, "trigon");
  curl_->set(handle, CURLOPT_WRITEFUNCTION, &throw_away);
  curl_->set(handle, CURLOPT_WRITEDATA, &seen);
  curl_->set(handle, CURLOPT_NOPROGRESS, 0L);
  curl_->set(handle, CURLOPT_XFERINFOFUNCTION, &is_stopped);
  curl_->set(handle, CURLOPT_XFERINFODATA, stop_);
  curl_->set(handle, CURLOPT_ERRORBUFFER, detail);
  const CURLcode code = curl_->perform(handle);
  curl_->set(handle, CURLOPT_ERRORBUFFER, nullptr);
  if (code == CURLE_OK || (code == CURLE_WRITE_ERROR && seen > kMaxAnswer)) return {};
  return Error("GetUrl " + url + ": " + (detail[0] != '\0' ? detail : curl_->error_text(code)));
}

}  // namespace trigon::actions
