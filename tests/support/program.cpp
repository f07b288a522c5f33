#include "support/program.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <sstream>
#include <utility>

#include "support/child.hpp"
#include "support/folder.hpp"

namespace support {
namespace {

[[noreturn]] void become(const Words& words, const std::string& log_file) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int log = open(log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  const int input = open("/dev/null", O_RDONLY);
  dup2(input, STDIN_FILENO);
  dup2(log, STDOUT_FILENO);
  dup2(log, STDERR_FILENO);
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  execvp(arguments[0], arguments.data());
  _exit(127);
}

}  // namespace

Program::Program(const Words& words, std::string log_file)
    : Offspring(fork()), log_file_(std::move(log_file)) {
  if (pid() == 0) become(words, log_file_);
}

Program::~Program() {
  if (is_over()) return;
  signal(SIGTERM);
  if (!eventually([this] { return has_ended(); })) signal(SIGKILL);
  wait();
}

std::string Program::log() const { return contents_of(log_file_); }

std::vector<pid_t> children_of(pid_t pid) {
  const std::string id = std::to_string(pid);
  std::ifstream list("/proc/" + id + "/task/" + id + "/children");
  std::vector<pid_t> children;
  for (pid_t child = 0; list >> child;) children.push_back(child);
  return children;
}

std::string status_of(pid_t pid, const std::string& field) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  std::string line;
  while (std::getline(status, line) && !line.starts_with(field + ":")) continue;
  std::istringstream parts(line.substr(std::min(line.size(), field.size() + 1)));
  std::string text;
  for (std::string part; parts >> part;) text += (text.empty() ? "" : " ") + part;
  return text;
}

Result run(const Words& words) {
  const Folder folder;
  Program program(words, folder / "log");
  const int code = program.wait();
  return {code, program.log()};
}

}  // namespace support
