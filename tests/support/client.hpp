#pragma once

#include <chrono>
#include <string>

namespace support {

struct Answer {
  int status = 0;  // 0: there was no answer
  std::string headers;
  std::string body;
};

// An HTTP client (libcurl) that keeps its connection, as a browser does. For one thread.
class Client {
 public:
  enum class Connection { kept, closed_each_time };

  explicit Client(Connection connection = Connection::kept);
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client();

  // Longest time for one request; 30 s without it. Then there is no answer.
  void limit(std::chrono::milliseconds patience);

  Answer get(const std::string& url);
  Answer post(const std::string& url, const std::string& body);

 private:
  Answer perform(const std::string& url);

  void* curl_;
};

// One GET on a connection of its own.
Answer get(const std::string& url);

}  // namespace support
