#include "support/client.hpp"

#include <curl/curl.h>

#include <mutex>
#include <stdexcept>

namespace support {
namespace {

std::size_t append(char* data, std::size_t size, std::size_t count, void* text) {
  static_cast<std::string*>(text)->append(data, size * count);
  return size * count;
}

}  // namespace

Client::Client(Connection connection) {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  curl_ = curl_easy_init();
  if (curl_ == nullptr) throw std::runtime_error("curl_easy_init");
  curl_easy_setopt(curl_, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl_, CURLOPT_TIMEOUT, 30L);
  curl_easy_setopt(curl_, CURLOPT_NOPROXY, "*");
  curl_easy_setopt(curl_, CURLOPT_WRITEFUNCTION, append);
  curl_easy_setopt(curl_, CURLOPT_HEADERFUNCTION, append);
  if (connection == Connection::closed_each_time) {
    curl_easy_setopt(curl_, CURLOPT_FORBID_REUSE, 1L);
  }
}

Client::~Client() { curl_easy_cleanup(curl_); }

void Client::limit(std::chrono::milliseconds patience) {
  curl_easy_setopt(curl_, CURLOPT_TIMEOUT_MS, static_cast<long>(patience.count()));
}

Answer Client::get(const std::string& url) {
  curl_easy_setopt(curl_, CURLOPT_HTTPGET, 1L);
  return perform(url);
}

Answer Client::post(const std::string& url, const std::string& body) {
  curl_easy_setopt(curl_, CURLOPT_POST, 1L);
  curl_easy_setopt(curl_, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
  curl_easy_setopt(curl_, CURLOPT_POSTFIELDS, body.data());
  return perform(url);
}

Answer Client::perform(const std::string& url) {
  Answer answer;
  curl_easy_setopt(curl_, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl_, CURLOPT_WRITEDATA, &answer.body);
  curl_easy_setopt(curl_, CURLOPT_HEADERDATA, &answer.headers);
  if (curl_easy_perform(curl_) != CURLE_OK) return answer;
  long status = 0;
  curl_easy_getinfo(curl_, CURLINFO_RESPONSE_CODE, &status);
  answer.status = static_cast<int>(status);
  return answer;
}

Answer get(const std::string& url) { return Client(Client::Connection::closed_each_time).get(url); }

}  // namespace support
