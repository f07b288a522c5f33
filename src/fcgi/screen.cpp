#include "fcgi/screen.hpp"

#include <fastcgi.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace fcgi {
namespace {

constexpr std::size_t begin_size = 8;  // of BEGIN_REQUEST's content
constexpr std::size_t header_size = FCGI_HEADER_LEN;
constexpr std::size_t parameters_at = header_size + begin_size + header_size;
constexpr std::size_t usual_size = 1024;

std::size_t byte(std::string_view bytes, std::size_t at) {
  return static_cast<unsigned char>(bytes[at]);
}

std::size_t two_bytes(std::string_view bytes, std::size_t at) {
  return byte(bytes, at) << 8U | byte(bytes, at + 1);
}

char low(std::size_t number) { return static_cast<char>(number & 0xffU); }

using Header = std::array<char, header_size>;

Header header(std::size_t type, std::uint16_t id, std::size_t size) {
  return {FCGI_VERSION_1, low(type), low(id >> 8U), low(id), low(size >> 8U), low(size), 0, 0};
}

// Headers, and content of a header's size, one after the other.
template <std::size_t Count>
std::string_view bytes_of(const std::array<Header, Count>& headers) {
  return {headers.front().data(), Count * header_size};
}

// Takes the length of a name or a value, one byte or four, off the front.
std::optional<std::size_t> take_length(std::string_view& content) {
  if (content.empty()) return std::nullopt;
  const std::size_t first = byte(content, 0);
  const std::size_t size = first < 0x80 ? 1 : 4;
  if (content.size() < size) return std::nullopt;
  const std::size_t length =
      size == 1 ? first : (first & 0x7fU) << 24U | byte(content, 1) << 16U | two_bytes(content, 2);
  content.remove_prefix(size);
  return length;
}

bool contains(std::string_view text, char byte) {
  return text.find(byte) != std::string_view::npos;
}

bool take_pair(std::string_view& content) {
  const auto name = take_length(content);
  const auto value = take_length(content);
  if (!name || !value) return false;
  if (*name > content.size() || *value > content.size() - *name) return false;
  const std::string_view pair = content.substr(0, *name + *value);
  content.remove_prefix(pair.size());
  return !contains(pair, '\0') && !contains(pair.substr(0, *name), '=');
}

bool are_pairs(std::string_view content) {
  while (!content.empty()) {
    if (!take_pair(content)) return false;
  }
  return true;
}

}  // namespace

Verdict Screen::take(std::string_view bytes) {
  while (verdict_ == Verdict::incomplete && !bytes.empty()) bytes.remove_prefix(step(bytes));
  if (verdict_ == Verdict::sound && !bytes.empty()) surplus_ = true;
  return verdict_;
}

void Screen::begin_anew() {
  Screen anew(bodies_);
  anew.text_ = std::move(text_);
  anew.text_.clear();
  *this = std::move(anew);
}

std::size_t Screen::step(std::string_view bytes) {
  if (header_size_ < header_.size()) return take_header(bytes);
  return content_left_ > 0 ? take_content(bytes) : take_padding(bytes);
}

std::size_t Screen::take_header(std::string_view bytes) {
  const std::size_t count = std::min(bytes.size(), header_.size() - header_size_);
  std::copy_n(bytes.begin(), count, header_.begin() + static_cast<std::ptrdiff_t>(header_size_));
  header_size_ += count;
  if (header_size_ < header_.size()) return count;
  judge_header();
  if (verdict_ != Verdict::reject) end_record();
  return count;
}

bool Screen::expects(std::size_t type) const {
  switch (phase_) {
    case Phase::begin: return type == FCGI_BEGIN_REQUEST;
    case Phase::parameters: return type == FCGI_PARAMS;
    case Phase::body: return type == FCGI_STDIN;
  }
  return false;
}

void Screen::judge_header() {
  const std::string_view header(header_.data(), header_.size());
  const auto id = static_cast<std::uint16_t>(two_bytes(header, 2));
  content_size_ = content_left_ = two_bytes(header, 4);
  padding_left_ = byte(header, 6);
  const bool is_ours = phase_ == Phase::begin ? id != FCGI_NULL_REQUEST_ID : id == id_;
  id_ = id;
  if (phase_ == Phase::body) body_size_ += content_size_;
  const bool fits = phase_ == Phase::begin ? content_size_ == begin_size
                    : phase_ == Phase::parameters
                        ? text_.size() - parameters_at + content_size_ <= most_parameters
                        : body_size_ <= most_body;
  if (byte(header, 0) != FCGI_VERSION_1 || !expects(byte(header, 1)) || !is_ours || !fits) {
    verdict_ = Verdict::reject;
  }
}

std::size_t Screen::take_content(std::string_view bytes) {
  const std::size_t count = std::min(bytes.size(), content_left_);
  if (text_.empty()) text_.reserve(usual_size);
  if (phase_ != Phase::body) {
    text_.append(bytes.substr(0, count));
  } else if (bodies_ == Bodies::kept) {
    body_.append(bytes.substr(0, count));
  }
  content_left_ -= count;
  end_record();
  return count;
}

std::size_t Screen::take_padding(std::string_view bytes) {
  const std::size_t count = std::min(bytes.size(), padding_left_);
  padding_left_ -= count;
  end_record();
  return count;
}

void Screen::end_record() {
  if (content_left_ > 0 || padding_left_ > 0) return;
  header_size_ = 0;
  if (phase_ == Phase::begin) {
    end_begin();
  } else if (content_size_ == 0) {
    phase_ == Phase::parameters ? end_parameters() : void(verdict_ = Verdict::sound);
  }
}

void Screen::end_begin() {
  if (two_bytes(text_, 0) != FCGI_RESPONDER) {
    verdict_ = Verdict::reject;
    return;
  }
  keeps_ = (byte(text_, 2) & FCGI_KEEP_CONN) != 0;
  const std::array<Header, 3> beginning = {
      header(FCGI_BEGIN_REQUEST, id_, begin_size),
      Header{0, FCGI_RESPONDER, static_cast<char>(keeps_ ? FCGI_KEEP_CONN : 0)},
      Header{}};  // of the parameters, whose size will be known later
  text_ = bytes_of(beginning);
  phase_ = Phase::parameters;
}

void Screen::end_parameters() {
  const std::string_view content = std::string_view(text_).substr(parameters_at);
  if (!are_pairs(content)) {
    verdict_ = Verdict::reject;
    return;
  }
  const std::size_t size = content.size();
  const Header parameters = header(FCGI_PARAMS, id_, size);
  std::copy(parameters.begin(), parameters.end(), text_.begin() + parameters_at - header_size);
  const std::array<Header, 2> ends = {header(FCGI_PARAMS, id_, 0), header(FCGI_STDIN, id_, 0)};
  text_ += size > 0 ? bytes_of(ends) : bytes_of(ends).substr(header_size);
  phase_ = Phase::body;
}

}  // namespace fcgi
