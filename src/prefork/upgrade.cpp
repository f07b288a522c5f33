#include "prefork/upgrade.hpp"

#include <exception>
#include <utility>

#include "os/log.hpp"
#include "os/process.hpp"
#include "os/retreat.hpp"

namespace prefork {
namespace {

std::vector<std::string> with_path(std::vector<std::string> words, const std::string& program) {
  if (words.empty()) words.emplace_back();
  words.front() = program;
  return words;
}

// At the front, where no word can end the options before it.
std::vector<std::string> with_question(std::vector<std::string> words) {
  words.insert(words.begin() + 1, "-t");
  return words;
}

bool accepts(const os::Trial::Result& result) {
  return result.code == 0 && result.output.find(os::Handover::acceptance) != std::string::npos;
}

std::string reason(const os::Trial::Result& result) {
  if (result.code != 0) return result.last_line();
  return "the program says nothing of taking over; stop this pool and start that program instead";
}

}  // namespace

Upgrade::Upgrade(Master& master, Image image, Hooks hooks, const os::Inheritance& inheritance)
    : master_(master),
      program_(os::program_path(image.words.empty() ? "" : image.words.front())),
      image_(std::move(image)),
      hooks_(std::move(hooks)) {
  image_.words = with_path(std::move(image_.words), program_);
  const auto& refusal = inheritance.refusal();
  PoolRecord& record = master_.scoreboard().pool();
  record.reloads =
      inheritance.number("reloads") + (inheritance.is_succession() && !refusal ? 1 : 0);
  record.reloads_refused = inheritance.number("reloads refused");
  if (refusal) book_refusal(*refusal);
}

void Upgrade::request() {
  again_ = trial_.has_value();
  if (!trial_) start_trial();
}

void Upgrade::start_trial() try {
  os::log(os::Level::notice, "reload: trying " + program_);
  if (hooks_.begun) hooks_.begun();
  trial_.emplace(os::Trial::Case{
      .program = program_,
      .words = with_question(image_.words),
      .variable = std::string(os::Handover::question) + "=" + handover().text(),
  });
  master_.watch(trial_->fd(), [this] { judge(); });
} catch (const std::exception& error) {
  trial_.reset();
  refuse(error.what());
}

void Upgrade::judge() {
  const os::Trial::Result result = trial_->result();
  master_.forget(trial_->fd());
  trial_.reset();
  if (master_.is_stopping()) return;
  if (std::exchange(again_, false)) return start_trial();
  if (accepts(result)) {
    execute();
  } else {
    refuse(reason(result));
  }
}

void Upgrade::refuse(const std::string& why) {
  book_refusal(why);
  if (hooks_.refused) hooks_.refused(why);
}

void Upgrade::book_refusal(const std::string& why) {
  os::log(os::Level::error, "reload refused: " + why);
  ++master_.scoreboard().pool().reloads_refused;
}

void Upgrade::execute() try {
  os::log(os::Level::notice, "reload: executing " + program_);
  os::Handover handed = handover();
  std::optional<os::Retreat> retreat;
  if (image_.configuration) retreat.emplace(*image_.configuration).hand_over(handed);
  handed.exec(program_, image_.words);
} catch (const std::exception& error) {
  refuse(error.what());
}

os::Handover Upgrade::handover() const {
  os::Handover handover;
  hooks_.hand_over(handover);
  for (const pid_t child : master_.children()) handover.give_child(child);
  const PoolRecord& record = master_.scoreboard().pool();
  handover.give_number("reloads", record.reloads);
  handover.give_number("reloads refused", record.reloads_refused);
  return handover;
}

}  // namespace prefork
