// Servers on the loopback interface that a test can look into: HTTP and DNS, each one thread.
#pragma once

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/fd.h"

namespace trigon::test {

class LoopbackServer {
 public:
  LoopbackServer(const LoopbackServer&) = delete;
  LoopbackServer& operator=(const LoopbackServer&) = delete;
  uint16_t port() const { return port_; }
  // What was asked for, in order.
  std::vector<std::string> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }
  bool wait_for(size_t count) const {
    for (int i = 0; i < 500 && requests().size() < count; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    return requests().size() >= count;
  }

 protected:
  explicit LoopbackServer(int type) : socket_(::socket(AF_INET, type | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    if (::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), size) == 0 &&
        ::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0)
      port_ = ntohs(address.sin_port);
  }
  ~LoopbackServer() = default;
  void start(std::function<void()> serve) { thread_ = std::thread(std::move(serve)); }
  void stop() {
    stopping_ = true;
    thread_.join();
  }
  bool readable(int fd) const {
    pollfd poll{fd, POLLIN, 0};
    return ::poll(&poll, 1, 20) > 0;
  }
  void remember(std::string request) {
    const std::lock_guard lock(mutex_);
    requests_.push_back(std::move(request));
  }

  Fd socket_;
  std::atomic<bool> stopping_{false};

 private:
  uint16_t port_ = 0;
  mutable std::mutex mutex_;
  std::vector<std::string> requests_;
  std::thread thread_;
};

// Answers each request with what `answer` makes of its first line; nothing when that is empty, and the connection
// stays.
class HttpServer : public LoopbackServer {
 public:
  explicit HttpServer(std::function<std::string(const std::string&)> answer)
      : LoopbackServer(SOCK_STREAM), answer_(std::move(answer)) {
    ::listen(socket_.get(), 16);
    start([this] { serve(); });
  }
  ~HttpServer() { stop(); }
  std::string url(const std::string& path) const { return "http://127.0.0.1:" + std::to_string(port()) + path; }

 private:
  void serve() {
    std::list<Fd> connections;
    while (!stopping_) {
      std::vector<pollfd> polls{{socket_.get(), POLLIN, 0}};
      for (const Fd& connection : connections) polls.push_back({connection.get(), POLLIN, 0});
      if (::poll(polls.data(), polls.size(), 20) <= 0) continue;
      size_t i = 1;
      for (auto connection = connections.begin(); connection != connections.end(); ++i) {
        const bool keep = polls[i].revents == 0 || one_request(connection->get());
        connection = keep ? std::next(connection) : connections.erase(connection);
      }
      if (polls[0].revents != 0) connections.emplace_back(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    }
  }
  bool one_request(int fd) {
    std::string request;
    char buffer[4096];
    while (request.find("\r\n\r\n") == std::string::npos) {
      const ssize_t n = ::recv(fd, buffer, sizeof(buffer), 0);
      if (n <= 0) return false;
      request.append(buffer, static_cast<size_t>(n));
    }
    const std::string line = request.substr(0, request.find("\r\n"));
    remember(line);
    const std::string text = answer_(line);
    return ::send(fd, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size());
  }
  std::function<std::string(const std::string&)> answer_;
};

// Answers questions with an rcode, or not at all (-1).
class DnsServer : public LoopbackServer {
 public:
  explicit DnsServer(int rcode) : LoopbackServer(SOCK_DGRAM), rcode_(rcode) {
    start([this] { serve(); });
  }
  ~DnsServer() { stop(); }

 private:
  void serve() {
    while (!stopping_) {
      if (!readable(socket_.get())) continue;
      unsigned char packet[512];
      sockaddr_in from{};
      socklen_t size = sizeof(from);
      const ssize_t n = ::recvfrom(socket_.get(), packet, sizeof(packet), 0, reinterpret_cast<sockaddr*>(&from), &size);
      if (n < 12) continue;
      // Header, then the question: labels with their lengths, type, class.
      std::string name;
      ssize_t at = 12;
      while (at < n && packet[at] != 0) {
        name.append(reinterpret_cast<char*>(packet + at + 1), packet[at]).push_back('.');
        at += packet[at] + 1;
      }
      if (at + 5 > n) continue;
      remember(name + " " + std::to_string(packet[at + 1] << 8 | packet[at + 2]));
      if (rcode_ < 0) continue;
      std::string answer(reinterpret_cast<char*>(packet), static_cast<size_t>(at + 5));
      answer[2] = static_cast<char>(0x81);           // an answer, recursion wanted
      answer[3] = static_cast<char>(0x80 | rcode_);  // recursion offered
      answer[7] = rcode_ == 0 ? 1 : 0;               // answers
      answer[9] = answer[11] = 0;
      // The name of the question, A, IN, 60 s, 192.0.2.1.
      if (rcode_ == 0) answer.append("\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\1", 16);
      ::sendto(socket_.get(), answer.data(), answer.size(), 0, reinterpret_cast<sockaddr*>(&from), size);
    }
  }
  int rcode_;
};

}  // namespace trigon::test
