#include <fcntl.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "paths.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/folder.hpp"
#include "support/hex.hpp"
#include "support/memory.hpp"
#include "support/program.hpp"
#include "support/site.hpp"
#include "sysv/layout.hpp"
#include "sysv/queue.hpp"
#include "sysv/segment.hpp"
#include "sysv/semaphore.hpp"

using support::contains;
using support::lines_of;
using support::php;
using support::Result;
using support::Words;
namespace header = sysv::layout::header;
namespace chunk = sysv::layout::chunk;

namespace {

// The program at work on a key that nobody uses, and PHP beside it.
struct Tool : support::Scratch {
  support::Folder folder;
  std::string key_text = sysv::text_of(key);
  std::string number = std::to_string(scratch.number());

  static Result ipc(Words words) {
    words.insert(words.begin(), {VISITSCTL, "ipc"});
    return support::run(words);
  }

  // With the lock, as the tutorial's page has it; $m is the segment.
  std::string in_php(const std::string& code) const {
    return php("$s = sem_get(" + number + ", 1, 0600); sem_acquire($s); $m = shm_attach(" + number +
               ", 4096, 0600); " + code);
  }

  void set(std::size_t offset, std::int64_t value) const {
    const auto segment = sysv::Segment::open(key);
    std::memcpy(segment->bytes().data() + offset, &value, sizeof value);
  }

  std::string bytes() const {
    const auto segment = sysv::Segment::open(key);
    return {reinterpret_cast<const char*>(segment->bytes().data()), segment->bytes().size()};
  }
};

// PHP's table of three: at 40, 80 and 128, up to 168.
struct Damaged : Tool {
  std::string backup = folder / "backup";

  Damaged() {
    in_php("shm_put_var($m, 1, 1); shm_put_var($m, 2, 'two hands'); shm_put_var($m, 3, 3);");
  }

  // Has the program repair what is damaged now; what PHP reads then.
  std::string repaired() const {
    CHECK(ipc({"check", key_text}).code == 1);
    const std::string before = bytes();
    const Result result = ipc({"repair", key_text, "--yes", "--backup", backup});
    CHECK(result.code == 0);
    CHECK_THAT(result.text, contains(backup));
    CHECK(support::contents_of(backup) == before);
    CHECK(ipc({"check", key_text}).code == 0);
    return in_php(
        "foreach ([1, 2, 3] as $v) echo shm_has_var($m, $v) ? json_encode(shm_get_var($m, $v)) : "
        "'-', ' '; shm_put_var($m, 9, 'new'); echo shm_get_var($m, 9);");
  }
};

// The program on a terminal of its own, and somebody who types.
class Terminal {
 public:
  explicit Terminal(const Words& words) {
    pid_ = forkpty(&fd_, nullptr, nullptr, nullptr);
    if (pid_ == -1) throw std::runtime_error("forkpty");
    if (pid_ != 0) return;
    std::vector<char*> arguments;
    for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    execv(arguments[0], arguments.data());
    _exit(127);
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;
  ~Terminal() { close(fd_); }

  // Reads until that is on the screen, or the program has ended.
  std::string read_to(const std::string& text) {
    std::array<char, 256> buffer{};
    while (screen_.find(text) == std::string::npos) {
      const ssize_t size = read(fd_, buffer.data(), buffer.size());
      if (size <= 0) break;
      screen_.append(buffer.data(), static_cast<std::size_t>(size));
    }
    return screen_;
  }
  void type(const std::string& line) const { (void)!write(fd_, line.data(), line.size()); }

  int wait() {
    read_to("\xff");
    int status = 0;
    waitpid(pid_, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
  }

 private:
  int fd_ = -1;
  pid_t pid_;
  std::string screen_;
};

}  // namespace

TEST_CASE_METHOD(Tool, "On a terminal it asks first, and does nothing but for a yes") {
  in_php("shm_put_var($m, 1, 'tea');");
  for (const auto& [answer, code] :
       std::vector<std::pair<std::string, int>>{{"n\n", 1}, {"\n", 1}, {"\x04", 1}, {"y\n", 0}}) {
    CAPTURE(answer, code);
    CHECK(sysv::Segment::open(key).has_value());
    Terminal terminal({VISITSCTL, "ipc", "rm", key_text});
    CHECK_THAT(terminal.read_to("[y/N]"),
               contains("destroy at key " + key_text + " the segment of"));
    terminal.type(answer);
    CHECK(terminal.wait() == code);
  }
  CHECK_FALSE(sysv::Segment::open(key).has_value());
}

TEST_CASE_METHOD(Tool, "A follower whose reader has left takes no more messages") {
  const auto queue = sysv::Queue::create(key);
  std::array<int, 2> ends{};
  REQUIRE(pipe2(ends.data(), O_CLOEXEC) == 0);
  support::Child follower([&] {
    dup2(ends[1], STDOUT_FILENO);
    execl(VISITSCTL, VISITSCTL, "ipc", "receive", key_text.c_str(), "--follow", "--raw", nullptr);
    return 1;
  });
  close(ends[1]);
  queue->send(sysv::MessageType{1}, "first");
  std::array<char, 16> line{};
  CHECK(read(ends[0], line.data(), line.size()) == 6);
  close(ends[0]);
  queue->send(sysv::MessageType{1}, "second");
  CHECK(follower.wait() == 74);
  CHECK(queue->try_receive().value().body == "second");
}

TEST_CASE_METHOD(Tool,
                 "What every verb says with --json is JSON to PHP, line by line where it follows") {
  in_php("shm_put_var($m, 0, [1]);");
  set(header::total, 5);
  const std::vector<Words> calls = {{"list"},
                                    {"show", key_text},
                                    {"get", key_text, "0"},
                                    {"put", key_text, "1", "5"},
                                    {"remove", key_text, "1", "--yes"},
                                    {"check", key_text},
                                    {"repair", key_text, "--yes", "--backup", folder / "backup"},
                                    {"send", key_text, "1", "5", "--create"},
                                    {"receive", key_text},
                                    {"rm", key_text, "--yes"}};
  for (Words call : calls) {
    CAPTURE(call[0]);
    const std::string page = support::run({VISITSCTL, "ipc", call[0], "--help"}).text;
    CHECK_THAT(page, contains("Usage: visitsctl ipc " + call[0]) && contains("--json"));
    std::string command = VISITSCTL " ipc";
    for (const std::string& word : call) command += " '" + word + "'";
    const Result result = support::run({"sh", "-c", command + " --json 2>/dev/null"});
    CHECK(result.code == 0);
    const std::string file = folder.write(call[0], result.text);
    CHECK(
        php("json_decode(file_get_contents('" + file + "'), flags: JSON_THROW_ON_ERROR);").empty());
  }
}

TEST_CASE_METHOD(Tool, "PHP's values of every type are shown, and PHP reads back what was got") {
  in_php(
      "foreach ([null, true, -5, 0.1, -0.0, INF, 'tea', \"\\xff\\0\", [1, [2]], ['a' => 1, 5 => "
      "null], new ArrayObject([1])] as $i => $v) shm_put_var($m, $i, $v);");
  for (int variable = 0; variable < 11; ++variable) {
    const std::string from = std::to_string(variable);
    const std::string to = std::to_string(variable + 100);
    const Result got = ipc({"get", key_text, from});
    CHECK(got.code == 0);
    CHECK(ipc({"put", key_text, to, lines_of(got.text)[0]}).code == 0);
    CHECK(in_php("echo serialize(shm_get_var($m, " + from + ")) === serialize(shm_get_var($m, " +
                 to + ")) ? 'same' : 'other';") == "same");
    CHECK(ipc({"get", key_text, from, "--raw"}).text == ipc({"get", key_text, to, "--raw"}).text);
  }
  CHECK(ipc({"get", key_text, "6", "--text"}).text == "tea\n");
}

TEST_CASE_METHOD(Tool, "PHP parses every document that is made for programs") {
  in_php("shm_put_var($m, 7, [1, 'x']);");
  ipc({"send", key_text, "1", "5", "--create"});
  const std::string list = folder.write("list", ipc({"list", "--json"}).text);
  const std::string show = folder.write("show", ipc({"show", key_text, "--json"}).text);
  const std::string check = folder.write("check", ipc({"check", key_text, "--json"}).text);
  const std::string message = folder.write("message", ipc({"receive", key_text, "--json"}).text);
  const std::string rm = folder.write("rm", ipc({"rm", key_text, "--yes", "--json"}).text);
  const auto parsed = [](const std::string& file, const std::string& code) {
    return php("$d = json_decode(file_get_contents('" + file +
               "'), true, 512, JSON_THROW_ON_ERROR); " + code);
  };
  CHECK(parsed(list, "foreach ($d['segments'] as $s) if ($s['key'] == '" + key_text +
                         "') echo $s['size'], json_encode($s['php_table']);") == "4096true");
  CHECK(parsed(show,
               "echo json_encode($d['segment']['variables'][0]['value']), "
               "$d['segment']['start'], $d['semaphore']['free'], $d['queue']['messages'];") ==
        "[1,\"x\"]4011");
  CHECK(parsed(check, "echo json_encode([$d['sound'], $d['findings']]);") == "[true,[]]");
  CHECK(parsed(message, "echo $d['type'], $d['value'];") == "15");
  CHECK(parsed(rm, "echo json_encode($d['segment']);") == "true");
}

TEST_CASE_METHOD(Tool, "The key of a file is the one that PHP's ftok has") {
  const std::string file = folder.write("page.php", "");
  const std::string id = "ftok('" + file + "', 'p')";
  php("$m = shm_attach(" + id + ", 4096, 0600); shm_put_var($m, 1, 'here');");
  CHECK(ipc({"get", file, "1"}).text == "\"here\"\n");
  CHECK(ipc({"rm", file, "--yes"}).code == 0);
  CHECK(ipc({"rm", file, "--yes"}).code == 1);
}

TEST_CASE_METHOD(Tool, "put waits for PHP's lock, and gives up after its patience") {
  in_php("shm_put_var($m, 0, 1);");
  sysv::Semaphore other(key);
  REQUIRE(other.try_acquire());
  const Result result = ipc({"put", key_text, "0", "2", "--wait", "0.05"});
  CHECK(result.code == 75);
  CHECK_THAT(result.text, contains("last process that changed it was " + std::to_string(getpid())));
  CHECK(ipc({"put", key_text, "0", "2", "--no-lock"}).code == 0);
  support::Program waiting({VISITSCTL, "ipc", "put", key_text, "0", "3"}, folder / "log");
  CHECK(support::eventually([&] { return sysv::Semaphore::status(key)->waiting == 1; }));
  CHECK_THAT(ipc({"show", key_text}).text, contains("0 free, 2 handles") && contains("1 waiting,"));
  CHECK(ipc({"get", key_text, "0"}).text == "2\n");
  other.release();
  CHECK(waiting.wait() == 0);
  CHECK(ipc({"get", key_text, "0"}).text == "3\n");
}

TEST_CASE_METHOD(Damaged, "What would destroy is refused without --yes, and destroys nothing") {
  set(header::free, 0);
  const std::string before = bytes();
  for (const Words& words : std::vector<Words>{
           {"remove", key_text, "1"}, {"repair", key_text, "--backup", backup}, {"rm", key_text}}) {
    const Result result = ipc(words);
    CHECK(result.code == 64);
    CHECK_THAT(result.text, contains("say --yes"));
  }
  CHECK(bytes() == before);
  CHECK(sysv::Semaphore::status(key).has_value());
  CHECK(support::contents_of(backup).empty());
}

TEST_CASE_METHOD(Damaged, "Room counted twice by a PHP that died while removing is repaired (R1)") {
  set(header::free, 4096 - 168 + 48);
  CHECK(repaired() == "1 \"two hands\" 3 new");
}

TEST_CASE_METHOD(Damaged, "A table cut off by a PHP that died before moving it is repaired (R2)") {
  set(header::free, 4096 - 168 + 48);
  set(header::end, 168 - 48);
  CHECK(repaired() == "1 \"two hands\" 3 new");
}

TEST_CASE_METHOD(Damaged, "A chunk that a dead PHP left behind the end is no damage (A1 to A4)") {
  set(168 + chunk::next, 40);
  CHECK(ipc({"check", key_text}).code == 0);
  set(168 + chunk::key, 4);
  set(168 + chunk::length, 4);
  CHECK(ipc({"check", key_text}).code == 0);
}

TEST_CASE_METHOD(Damaged, "An end that moved before the room was counted is repaired (A5)") {
  set(168 + chunk::key, 4);
  set(168 + chunk::length, 4);
  set(168 + chunk::next, 40);
  std::int64_t text = 0;
  std::memcpy(&text, "i:4;", 4);
  set(168 + chunk::text, text);
  set(header::end, 208);
  CHECK(repaired() == "1 \"two hands\" 3 new");
  CHECK(ipc({"get", key_text, "4"}).text == "4\n");
}

TEST_CASE_METHOD(Tool, "A header that PHP never finished is repaired, where PHP cannot (I1, I2)") {
  for (const std::int64_t offset : {0, 40}) {
    in_php("");
    for (const std::size_t word : {header::start, header::end}) set(word, offset);
    for (const std::size_t word : {header::free, header::total}) set(word, 0);
    CHECK(in_php("echo json_encode(@shm_put_var($m, 1, 1));") == "false");
    const std::string before = bytes();
    const std::string backup = folder / std::to_string(offset);
    CHECK(ipc({"repair", key_text, "--yes", "--backup", backup}).code == 0);
    CHECK(support::contents_of(backup) == before);
    CHECK(in_php("echo json_encode(shm_put_var($m, 1, 1));") == "true");
    CHECK(ipc({"rm", key_text, "--yes"}).code == 0);
  }
}

// The cases of php-src's own reports, in which PHP crashes, loops, or writes where it should not.
TEST_CASE_METHOD(Damaged,
                 "Every hostile header or chunk is found, and repaired as far as it goes") {
  using Damage = std::vector<std::pair<std::size_t, std::int64_t>>;
  const std::string all = "1 \"two hands\" 3 new";
  const std::int64_t tera = std::int64_t{1} << 40;
  const std::vector<std::pair<Damage, std::string>> cases = {
      {{{header::end, 1 << 30}}, all},
      {{{header::start, -tera}}, all},
      {{{header::start, 0}}, all},
      {{{header::free, tera}}, all},
      {{{header::free, -1}}, all},
      {{{header::end, tera}, {header::free, tera}}, all},
      {{{header::end, 40}, {header::free, tera}}, "- - - new"},
      {{{80 + chunk::length, INT64_MAX}}, all},
      {{{80 + chunk::length, -5}}, all},
      {{{80 + chunk::length, 0}}, all},
      {{{40 + chunk::next, 0}}, all},
      {{{40 + chunk::next, -40}}, all},
      {{{80 + chunk::next, -40}}, all},
      {{{40 + chunk::next, std::int64_t{1} << 62}}, all},
      {{{128 + chunk::next, 60000}}, all},
      {{{header::end, 1 << 30}, {40 + chunk::length, 1 << 20}}, all},
      {{{128 + chunk::key, 1}}, "1 \"two hands\" - new"},
  };
  const std::string sound = bytes();
  for (std::size_t i = 0; i < cases.size(); ++i) {
    CAPTURE(i);
    const auto segment = sysv::Segment::open(key);
    std::memcpy(segment->bytes().data(), sound.data(), sound.size());
    for (const auto& [offset, value] : cases[i].first) set(offset, value);
    backup = folder / std::to_string(i);
    CHECK(repaired() == cases[i].second);
  }
}

TEST_CASE_METHOD(Tool, "Foreign data is refused by every verb that writes, and stays as it was") {
  const auto segment = sysv::Segment::create(key, 4096);
  const sysv::Semaphore semaphore(key);
  for (std::size_t at = 0; at < 4096; at += 8) set(at, 0x0123456789abcdef);
  const std::string before = bytes();
  CHECK(ipc({"check", key_text}).code == 65);
  CHECK(ipc({"repair", key_text, "--yes", "--backup", folder / "backup"}).code == 65);
  CHECK(ipc({"put", key_text, "0", "5", "--create"}).code == 65);
  CHECK(ipc({"remove", key_text, "0", "--yes"}).code == 65);
  CHECK(bytes() == before);
  CHECK(support::contents_of(folder / "backup").empty());
}

TEST_CASE_METHOD(Tool, "A follower prints what PHP sends, and ends as it is told") {
  REQUIRE(sysv::Queue::create(key).has_value());
  support::Program follower({VISITSCTL, "ipc", "receive", key_text, "--follow", "--json"},
                            folder / "log");
  php("$q = msg_get_queue(" + number +
      "); msg_send($q, 1, ['path' => '/', 'count' => 7]); msg_send($q, 2, 'raw', false); "
      "msg_send($q, 3, new ArrayObject());");
  CHECK(support::eventually([&] { return lines_of(follower.log()).size() == 3; }));
  follower.signal(SIGINT);
  CHECK(follower.wait() == 0);
  const auto lines = lines_of(follower.log());
  REQUIRE(lines.size() == 3);
  CHECK(lines[0] == R"({"type":1,"value":{"path":"/","count":7}})");
  CHECK(lines[1] == R"({"type":2,"bytes":"raw"})");
  CHECK_THAT(lines[2], contains(R"("value":{"php":"O:11:\"ArrayObject\")"));
}

TEST_CASE_METHOD(Tool, "PHP receives what was sent, as its own values and raw") {
  CHECK(ipc({"send", key_text, "4", R"({"a":[1,2.5]})", "--create"}).code == 0);
  CHECK(ipc({"send", key_text, "5", "--raw", "plain"}).code == 0);
  CHECK(php("$q = msg_get_queue(" + number +
            "); msg_receive($q, 0, $t, 100, $m); echo $t, json_encode($m); "
            "msg_receive($q, 0, $t, 100, $m, false); echo $t, $m;") == R"(4{"a":[1,2.5]}5plain)");
  CHECK(ipc({"receive", key_text}).code == 1);
}

TEST_CASE_METHOD(Tool, "A watcher prints what PHP changes, and ends as it is told") {
  in_php("shm_put_var($m, 0, 1);");
  support::Program watcher({VISITSCTL, "ipc", "watch", key_text, "0", "--interval", "0.01"},
                           folder / "log");
  CHECK(support::eventually([&] { return watcher.log() == "0: 1\n"; }));
  in_php("shm_put_var($m, 0, 'two');");
  CHECK(support::eventually([&] { return lines_of(watcher.log()).size() == 2; }));
  CHECK(lines_of(watcher.log())[1] == "0: 1 -> \"two\"");
  watcher.signal(SIGTERM);
  CHECK(watcher.wait() == 0);
}
