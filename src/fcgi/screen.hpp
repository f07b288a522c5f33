#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace fcgi {

enum class Verdict {
  incomplete,  // all right so far
  sound,       // a whole request
  reject,      // no request that is answered here, whatever follows
};

// What becomes of a request's body once it has been read.
enum class Bodies { dropped, kept };

// Stands between a socket and libfcgi: reads the records of one request, in whatever pieces they
// come, and says what it makes of them. A pure function of the bytes: no call to the kernel, and
// the pieces do not matter. Once sound or reject, a verdict stays.
//
// Sound is: BEGIN_REQUEST for a responder, PARAMS to its end, STDIN to its end, all of version 1
// and one request id, nothing in between. The parameters are pairs to the last byte, without NUL
// bytes, and without `=` in a name (CGI's form could not tell it from the value's). Everything else
// that FastCGI has is rejected, and what claims to be larger than it may be.
class Screen {
 public:
  static constexpr std::size_t most_parameters = 65535;  // bytes; nginx sends no more, either
  static constexpr std::size_t most_body = 64U << 20U;   // bytes; always read to their end

  explicit Screen(Bodies bodies = Bodies::dropped) : bodies_(bodies) {}

  Verdict take(std::string_view bytes);

  // As new, for the next request of the connection; the memory stays.
  void begin_anew();

  Verdict verdict() const { return verdict_; }

  // Whether any byte has been taken.
  bool has_begun() const { return phase_ != Phase::begin || header_size_ > 0; }

  // Whether bytes came after the end of a sound request. No web server here sends ahead.
  bool has_surplus() const { return surplus_; }

  // Of a sound request: its id, and whether the web server wants to keep the connection.
  std::uint16_t id() const { return id_; }
  bool keeps() const { return keeps_; }

  // A sound request as libfcgi is to see it: the same parameters, in one record, without padding
  // and without the body.
  const std::string& text() const { return text_; }

  // Its body, if bodies are kept.
  const std::string& body() const { return body_; }

 private:
  enum class Phase { begin, parameters, body };

  std::size_t step(std::string_view bytes);
  std::size_t take_header(std::string_view bytes);
  std::size_t take_content(std::string_view bytes);
  std::size_t take_padding(std::string_view bytes);
  bool expects(std::size_t type) const;
  void judge_header();
  void end_record();
  void end_begin();
  void end_parameters();

  Bodies bodies_;
  Verdict verdict_ = Verdict::incomplete;
  Phase phase_ = Phase::begin;
  bool keeps_ = false;
  bool surplus_ = false;
  std::uint16_t id_ = 0;
  std::array<char, 8> header_{};
  std::size_t header_size_ = 0;
  std::size_t content_size_ = 0;  // of the record that is being read
  std::size_t content_left_ = 0;
  std::size_t padding_left_ = 0;
  std::size_t body_size_ = 0;
  std::string text_;
  std::string body_;
};

}  // namespace fcgi
