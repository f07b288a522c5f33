#include "visits/activity.hpp"

#include <charconv>
#include <cstring>
#include <numeric>

namespace visits {
namespace {

using Length = std::uint16_t;

// Lengths of the texts, then the content's length, then the texts.
constexpr std::array<std::size_t, 6> rooms = {16, 256, 384, 32, 256, 46};
constexpr std::size_t lengths_size = rooms.size() * sizeof(Length);
constexpr std::size_t head_size = lengths_size + sizeof(std::uint64_t);
static_assert(head_size + std::accumulate(rooms.begin(), rooms.end(), std::size_t{0}) ==
              std::tuple_size_v<ActivityBytes>);

bool is_inside_character(char byte) { return (static_cast<unsigned char>(byte) & 0xc0U) == 0x80; }

std::string_view cut(std::string_view text, std::size_t room) {
  if (text.size() <= room) return text;
  std::size_t size = room;
  while (size > 0 && room - size < 3 && is_inside_character(text[size])) --size;
  return text.substr(0, size);
}

}  // namespace

Activity activity_of(const http::Request& request) {
  Activity activity{.method = request.method,
                    .uri = request.path(),
                    .user = request.parameter("REMOTE_USER"),
                    .script = request.parameter("SCRIPT_FILENAME"),
                    .remote = request.parameter("REMOTE_ADDR")};
  if (activity.uri.size() < request.target.size()) {
    activity.query = request.target.substr(activity.uri.size() + 1);
  }
  const std::string_view length = request.parameter("CONTENT_LENGTH");
  std::from_chars(length.data(), length.data() + length.size(), activity.content_length);
  return activity;
}

std::span<const std::byte> encode(const Activity& activity, ActivityBytes& into) noexcept {
  const std::array<std::string_view, rooms.size()> texts = {activity.method, activity.uri,
                                                            activity.query,  activity.user,
                                                            activity.script, activity.remote};
  std::array<Length, rooms.size()> lengths{};
  std::size_t at = head_size;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const std::string_view text = cut(texts[i], rooms[i]);
    text.copy(reinterpret_cast<char*>(into.data()) + at, text.size());  // no text has no address
    lengths[i] = static_cast<Length>(text.size());
    at += text.size();
  }
  std::memcpy(into.data(), lengths.data(), lengths_size);
  std::memcpy(into.data() + lengths_size, &activity.content_length, sizeof(std::uint64_t));
  return std::span(into).first(at);
}

std::optional<Activity> decode(std::span<const std::byte> bytes) noexcept {
  if (bytes.size() < head_size) return std::nullopt;
  std::array<Length, rooms.size()> lengths{};
  Activity activity;
  std::memcpy(lengths.data(), bytes.data(), lengths_size);
  std::memcpy(&activity.content_length, bytes.data() + lengths_size, sizeof(std::uint64_t));
  const std::array<std::string_view*, rooms.size()> texts = {&activity.method, &activity.uri,
                                                             &activity.query,  &activity.user,
                                                             &activity.script, &activity.remote};
  std::size_t at = head_size;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (lengths[i] > rooms[i] || lengths[i] > bytes.size() - at) return std::nullopt;
    *texts[i] = {reinterpret_cast<const char*>(bytes.data() + at), lengths[i]};
    at += lengths[i];
  }
  if (at != bytes.size()) return std::nullopt;
  return activity;
}

}  // namespace visits
