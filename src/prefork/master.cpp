#include "prefork/master.hpp"

#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <exception>
#include <utility>

#include "os/error.hpp"
#include "os/log.hpp"
#include "os/process.hpp"
#include "os/signals.hpp"

namespace prefork {
namespace {

using namespace std::chrono_literals;

constexpr auto tick = 1s;
constexpr auto attendant_patience = 1s;  // of a stop

std::string milliseconds(Roster::Duration time) {
  return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(time).count()) +
         " ms";
}

bool is_crash(int status) {
  if (!WIFSIGNALED(status)) return false;
  const int signal = WTERMSIG(status);
  return signal == SIGSEGV || signal == SIGBUS || signal == SIGABRT;
}

// A hook that fails must not take the pool along.
template <class Hook, class... Arguments>
void call(const char* name, const Hook& hook, const Arguments&... arguments) try {
  if (hook) hook(arguments...);
} catch (const std::exception& error) {
  os::log(os::Level::error, std::string(name) + ": " + error.what());
}

template <class Number>
void raise_to(std::atomic<Number>& record, Number value) {
  if (value > record) record = value;
}

std::int64_t monotonic_time() {
  return std::chrono::nanoseconds(Master::Clock::now().time_since_epoch()).count();
}

std::int64_t real_time() {
  return std::chrono::nanoseconds(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace

int Master::slots_of(const Limits& limits) { return limits.max_children + turns_of(limits); }

Master::Master(Limits limits, Hooks hooks, const std::vector<pid_t>& predecessors)
    : limits_(std::move(limits)),
      hooks_(std::move(hooks)),
      signals_(
          os::signal_descriptor({SIGCHLD, SIGTERM, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGHUP})),
      bell_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      scoreboard_(slots_of(limits_)),
      roster_(slots_of(limits_)),
      succession_(turns_of(limits_)),
      timekeeper_(limits_, slots_of(limits_)),
      emergency_(limits_),
      demand_(loop_, {hooks_.listening_fd, hooks_.relay_fd}),
      predecessors_(predecessors),
      initial_(initial_workers(limits_, static_cast<int>(predecessors.size()))) {
  if (!bell_) os::fail("eventfd");
}

int Master::run() {
  begin();
  while (!over()) {
    act();
    loop_.wait_until(next_moment());
  }
  os::log(os::Level::notice, "stopped");
  return code_;
}

void Master::begin() {
  os::log(os::Level::notice, "pool of " + std::to_string(limits_.max_children) +
                                 " workers, master is process " + std::to_string(getpid()));
  scoreboard_.pool().started_at = real_time();
  loop_.watch(signals_.get(), [this] { hear(); });
  loop_.watch(bell_.get(), [this] {
    std::uint64_t rings = 0;
    (void)!read(bell_.get(), &rings, sizeof rings);
    look_again_ = Clock::now();
  });
  reap();
  predecessors_.meet();
  if (deadline_) return;  // one of them has ended the pool
  demand_.watch([this] { look_again_ = Clock::now(); });
}

bool Master::over() const {
  return deadline_ && roster_.empty() && predecessors_.empty() && attendant_.empty();
}

Master::Time Master::next_moment() const {
  if (deadline_) return *deadline_;
  Time moment = std::min({next_tick_, look_again_, judge_again_});
  if (const auto dismissal = predecessors_.deadline()) moment = std::min(moment, *dismissal);
  if (attendant_again_) moment = std::min(moment, *attendant_again_);
  return moment;
}

void Master::act() {
  if (deadline_) return enforce_stop();
  const Time now = Clock::now();
  keep_attendant();
  predecessors_.enforce(now);
  if (now >= next_tick_) {
    next_tick_ = now + tick;
    look(Look::tick);
  } else if (now >= look_again_) {
    look(Look::demand);
  }
  if (now >= judge_again_) keep_time();
}

// ---- signals ----

void Master::hear() {
  std::array<signalfd_siginfo, 16> heard{};
  const ssize_t bytes = read(signals_.get(), heard.data(), sizeof heard);
  const auto count = bytes > 0 ? static_cast<std::size_t>(bytes) / sizeof heard[0] : 0;
  for (std::size_t i = 0; i < count; ++i) {
    obey(static_cast<int>(heard[i].ssi_signo), static_cast<pid_t>(heard[i].ssi_pid));
  }
}

void Master::obey(int signal, pid_t sender) {
  const std::string from =
      std::string(strsignal(signal)) + " from process " + std::to_string(sender);
  switch (signal) {
    case SIGCHLD: return reap();
    case SIGUSR1: reopen(); break;
    case SIGUSR2:
    case SIGHUP:
      if (!is_stopping()) call("reload", hooks_.reload);
      break;
    default: return stop(from);
  }
  if (!is_stopping() && signal != SIGUSR2) call("pass on", hooks_.pass_on, signal);
}

// Workers may not be allowed to open files any more, so new ones are started with the new files.
void Master::reopen() {
  if (is_stopping()) return;
  os::log(os::Level::notice, "reopening the logs and replacing the workers");
  call("reopening the logs", hooks_.reopen_logs);
  for (int slot = 0; slot < scoreboard_.size(); ++slot) {
    const auto pid = roster_.worker_in(slot);
    if (pid && !scoreboard_[slot].leaving) succession_.want(*pid);
  }
  tell(attendant_.workers(), SIGTERM);
  look_again_ = Clock::now();
}

// The first one counts: a second Ctrl-C does not hurry requests that are being answered.
void Master::stop(const std::string& why, int code) {
  if (is_stopping()) return;
  code_ = code;
  stopping_since_ = Clock::now();
  os::log(os::Level::notice, "stopping: " + why);
  bool held = false;
  call("hold a stop", std::function([&] { held = hooks_.hold_stop && hooks_.hold_stop(); }));
  if (!held) stop_workers();
}

void Master::stop_workers() {
  if (deadline_) return;
  deadline_ = *stopping_since_ + limits_.process_control_timeout;
  demand_.forget();
  call("stop listening", hooks_.stop_listening);
  tell(roster_.workers(), SIGTERM);
  predecessors_.tell(SIGTERM);
}

// The attendant goes last: it tells how the stop goes on.
void Master::enforce_stop() {
  const bool workers_gone = roster_.empty() && predecessors_.empty();
  if (workers_gone && !last_ones_told_) {
    last_ones_told_ = true;
    tell(attendant_.workers(), SIGTERM);
    deadline_ = Clock::now() + attendant_patience;
  }
  if (Clock::now() < *deadline_) return;
  os::log(os::Level::warning, workers_gone
                                  ? "the attendant did not finish in time: it is ended by force"
                                  : "workers that did not finish in time are ended by force");
  tell(workers_gone ? attendant_.workers() : roster_.workers(), SIGKILL);
  predecessors_.tell(SIGKILL);
  deadline_ = Clock::now() + 1s;
}

void Master::tell(const std::vector<pid_t>& children, int signal) const {
  for (const pid_t pid : children) kill(pid, signal);
}

std::vector<pid_t> Master::children() const {
  std::vector<pid_t> all = roster_.workers();
  for (const pid_t pid : attendant_.workers()) all.push_back(pid);
  for (const pid_t pid : predecessors_.all()) all.push_back(pid);
  return all;
}

// ---- looking, deciding, acting ----

void Master::look(Look kind) {
  look_again_ = Time::max();
  welcome_ready();
  replace_spent();
  const Census now = census();
  record(now);
  if (kind == Look::tick) call("tick", hooks_.tick, now);
  follow(decide(now, limits_, kind, mood_), now);
  start_heirs();
  keep_time();
  announce_ready();
}

void Master::welcome_ready() {
  for (int slot = 0; slot < scoreboard_.size(); ++slot) {
    if (roster_.worker_in(slot) && scoreboard_[slot].idle_since != 0) became_ready(slot);
  }
}

void Master::became_ready(int slot) {
  if (!roster_.prove(slot)) return;
  failed_starts_ = 0;
  const auto old = succession_.ready(*roster_.worker_in(slot));
  if (!old) return;
  if (const auto place = roster_.slot_of(*old)) retire(*place);
}

void Master::replace_spent() {
  for (int slot = 0; slot < scoreboard_.size(); ++slot) {
    const auto pid = roster_.worker_in(slot);
    if (pid && scoreboard_[slot].spent && !scoreboard_[slot].leaving) succession_.want(*pid);
  }
}

Census Master::census() const {
  Census census;
  const auto now = Clock::now();
  for (int slot = 0; slot < scoreboard_.size(); ++slot) {
    const auto pid = roster_.worker_in(slot);
    if (!pid) continue;
    const Slot& worker = scoreboard_[slot];
    census.kept += worker.kept;
    if (worker.leaving) {
      ++census.retiring;
    } else if (worker.stage == Slot::Stage::idle) {
      ++census.idle;
      const auto since = Time(std::chrono::nanoseconds(worker.idle_since));
      census.longest_idle = std::max(
          census.longest_idle, std::chrono::duration_cast<std::chrono::milliseconds>(now - since));
    } else if (worker.stage == Slot::Stage::busy) {
      ++census.busy;
    } else if (!succession_.awaits(*pid)) {
      ++census.starting;
    }
  }
  census.paused = roster_.paused(now);
  const std::function count_queue = [&] { census.queued = hooks_.queued ? hooks_.queued() : 0; };
  call("length of the queue", count_queue);
  if (census.queued == 0 && demand_.is_there()) census.queued = 1;
  return census;
}

void Master::record(const Census& census) {
  raise_to(scoreboard_.pool().max_active, census.busy);
  raise_to(scoreboard_.pool().max_queue, census.queued);
}

void Master::follow(const Decision& decision, const Census& census) {
  if (decision.reached_max) {
    ++scoreboard_.pool().max_children_reached;
    os::log(os::Level::warning, "more workers are wanted than pm.max_children (" +
                                    std::to_string(limits_.max_children) + ") allows: " +
                                    std::to_string(census.queued) + " connections wait");
  }
  const int missing = ready_ ? 0 : initial_ - census.serving() - census.paused;
  const int spawns = std::max(decision.spawn, std::min(missing, limits_.max_spawn_rate));
  int spawned = 0;
  while (spawned < spawns && spawn()) ++spawned;
  if (ready_ && decision.retire > 0) retire_longest_idle();
  if (const auto vacancy = roster_.next_vacancy(Clock::now())) {
    look_again_ = std::min(look_again_, *vacancy);
  }
  const bool may_grow = census.serving() + spawned < limits_.max_children;
  const bool busy = spawned > 0 || census.queued > 0 || census.starting > 0;
  const auto outlook = !may_grow ? Demand::Outlook::full
                       : busy    ? Demand::Outlook::busy
                                 : Demand::Outlook::calm;
  look_again_ = std::min(look_again_, demand_.looked(outlook, Clock::now()));
}

void Master::retire_longest_idle() {
  std::optional<int> longest;
  for (int slot = 0; slot < scoreboard_.size(); ++slot) {
    const Slot& worker = scoreboard_[slot];
    if (!roster_.worker_in(slot) || worker.leaving || worker.stage != Slot::Stage::idle) continue;
    if (!longest || worker.idle_since < scoreboard_[*longest].idle_since) longest = slot;
  }
  if (longest) retire(*longest);
}

void Master::retire(int slot) {
  scoreboard_[slot].leaving = true;
  kill(*roster_.worker_in(slot), SIGQUIT);
}

void Master::start_heirs() {
  while (const auto old = succession_.next()) {
    if (roster_.paused(Clock::now()) > 0) return;
    const auto heir = spawn();
    if (!heir) return;
    succession_.started(*old, *heir);
  }
}

void Master::keep_time() {
  judge_again_ = Time::max();
  for (int slot = 0; slot < scoreboard_.size(); ++slot) {
    const auto pid = roster_.worker_in(slot);
    const Slot& worker = scoreboard_[slot];
    if (!pid || worker.stage != Slot::Stage::busy) continue;
    const auto since = std::max(Time(std::chrono::nanoseconds(worker.busy_since)),
                                roster_.since(slot));  // a worker may write nonsense there
    const auto judgement =
        timekeeper_.judge(slot, since.time_since_epoch(), Clock::now().time_since_epoch());
    judge_again_ = std::min(judge_again_, Time(judgement.next));
    if (judgement.verdict == Timekeeper::Verdict::slow) say_slow(slot, *pid);
    if (judgement.verdict == Timekeeper::Verdict::overdue) kill_overdue(*pid);
  }
  if (timekeeper_.interval()) {
    judge_again_ = std::min(judge_again_, Clock::now() + *timekeeper_.interval());
  }
}

void Master::say_slow(int slot, pid_t pid) {
  ++scoreboard_.pool().slow_requests;
  std::string line = "worker " + std::to_string(pid) + ": a request has taken longer than " +
                     milliseconds(limits_.request_slowlog_timeout);
  std::array<std::byte, Note::capacity> note{};
  const std::size_t size = scoreboard_[slot].note.read(note);
  if (hooks_.describe && size > 0) line += ": " + hooks_.describe(std::span(note).first(size));
  if (hooks_.report_slow) return hooks_.report_slow(line);
  os::log(os::Level::warning, line);
}

// It had its time to answer 504 itself. Its burial counts it.
void Master::kill_overdue(pid_t pid) {
  os::log(os::Level::warning, "worker " + std::to_string(pid) +
                                  " is ended by force: its request has taken longer than "
                                  "request_terminate_timeout, and it does not end by itself");
  kill(pid, SIGKILL);
}

void Master::announce_ready() {
  if (ready_) return;
  if (roster_.proven() < initial_) return;
  ready_ = true;
  os::log(os::Level::notice, "ready to handle connections");
  call("ready", hooks_.ready);
  predecessors_.dismiss(Clock::now() + limits_.process_control_timeout);
}

// ---- births and deaths ----

std::optional<pid_t> Master::spawn() {
  const auto slot = roster_.vacancy(Clock::now());
  if (!slot) return std::nullopt;
  scoreboard_.clear(*slot);
  scoreboard_[*slot].started = monotonic_time();
  scoreboard_[*slot].started_at = real_time();
  const auto pid = fork_child([this, slot](pid_t master) { be_worker(*slot, master); });
  if (!pid) {
    scoreboard_[*slot].stage = Slot::Stage::vacant;
    look_again_ = fork_again_;
    return std::nullopt;
  }
  scoreboard_[*slot].pid = *pid;
  ++scoreboard_.pool().spawned;
  roster_.joined(*slot, *pid, Clock::now());
  return pid;
}

// The child leaves by _exit: what the master owns, it must not tidy up.
std::optional<pid_t> Master::fork_child(const std::function<void(pid_t master)>& live) {
  if (Clock::now() < fork_again_) return std::nullopt;
  const pid_t master = getpid();
  const pid_t pid = fork();
  if (pid > 0) return pid;
  if (pid == 0) {
    _exit(lived(live, master));
  }
  os::log(os::Level::error, std::string("fork: ") + std::strerror(errno) + "; again in 1 s");
  fork_again_ = Clock::now() + 1s;
  return std::nullopt;
}

int Master::lived(const std::function<void(pid_t master)>& live, pid_t master) noexcept try {
  setpgid(0, 0);  // a terminal's Ctrl-C is for the master alone
  loop_.leave();
  signals_.close();
  live(master);
  return 0;
} catch (const std::exception& error) {
  os::log(os::Level::error, std::string("worker: ") + error.what());
  return 1;
}

void Master::be_worker(int slot, pid_t master) {
  Worker worker(scoreboard_[slot],
                {.master = master,
                 .share = share_of(limits_, static_cast<std::uint32_t>(getpid())),
                 .bell = bell_.get(),
                 .place = slot});
  prepare(worker);
  hooks_.serve(worker);
}

void Master::be_attendant(pid_t master) {
  const Child child(master);
  prepare(child);
  hooks_.attend({.child = child, .scoreboard = scoreboard_});
}

void Master::prepare(const Child& child) {
  if (hooks_.prepare_worker) hooks_.prepare_worker(child);
}

void Master::keep_attendant() {
  attendant_again_ = attendant_.next_vacancy(Clock::now());
  if (!hooks_.attend || !attendant_.vacancy(Clock::now())) return;
  const auto pid = fork_child([this](pid_t master) { be_attendant(master); });
  if (pid) {
    attendant_.joined(0, *pid, Clock::now());
  } else {
    attendant_again_ = fork_again_;
  }
}

void Master::reap() {
  int status = 0;
  for (pid_t pid = waitpid(-1, &status, WNOHANG); pid > 0; pid = waitpid(-1, &status, WNOHANG)) {
    bury(pid, status);
  }
  look_again_ = Clock::now();
}

void Master::bury(pid_t pid, int status) {
  if (const auto slot = roster_.slot_of(pid)) return bury_worker(*slot, pid, status);
  if (attendant_.slot_of(pid)) return bury_attendant(pid, status);
  if (predecessors_.left(pid)) return;
  const auto awaited = awaited_.extract(pid);
  if (!awaited.empty()) awaited.mapped()(status);
  // Else a stranger that we adopted, as process 1 of a container does.
}

void Master::bury_worker(int slot, pid_t pid, int status) {
  Slot& worker = scoreboard_[slot];
  const bool overdue = was_overdue(worker);
  const bool served = worker.requests > 0 || worker.leaving || overdue;
  const bool began = worker.idle_since != 0;
  const auto departure =
      roster_.left(pid, served ? Roster::Served::yes : Roster::Served::no, Clock::now());
  succession_.left(pid);
  count_end(worker, overdue, status);
  worker.stage = Slot::Stage::vacant;
  worker.pid = 0;
  if (deadline_) return;
  if (!worker.leaving) {
    os::log(os::Level::warning, "worker " + std::to_string(pid) + " " + os::ending_of(status) +
                                    " after " + milliseconds(departure->life) + ", replaced in " +
                                    milliseconds(departure->pause));
  }
  if (is_crash(status) && emergency_.crashed(Clock::now())) call_emergency();
  if (began) failed_starts_ = 0;
  if (!began && !worker.leaving) count_failed_start();
}

// Ended by its own hand after a 504, or by ours.
bool Master::was_overdue(const Slot& worker) const {
  const std::chrono::nanoseconds limit = limits_.request_terminate_timeout;
  return limit > 0s && worker.stage == Slot::Stage::busy &&
         monotonic_time() - worker.busy_since >= limit.count();
}

void Master::count_end(const Slot& worker, bool overdue, int status) {
  PoolRecord& pool = scoreboard_.pool();
  if (overdue) {
    ++pool.terminated_requests;
  } else if (WIFSIGNALED(status)) {
    ++pool.crashed;
  } else if (WEXITSTATUS(status) != 0) {
    ++pool.failed;
  } else if (worker.leaving) {
    ++pool.recycled;
  }
}

void Master::bury_attendant(pid_t pid, int status) {
  const auto departure = attendant_.left(pid, Roster::Served::no, Clock::now());
  if (deadline_ || (WIFEXITED(status) && WEXITSTATUS(status) == 0)) return;
  os::log(os::Level::warning, "the attendant, process " + std::to_string(pid) + ", " +
                                  os::ending_of(status) + ", replaced in " +
                                  milliseconds(departure->pause));
}

void Master::call_emergency() {
  os::log(os::Level::warning, std::to_string(limits_.emergency_restart_threshold) +
                                  " workers crashed within " +
                                  milliseconds(limits_.emergency_restart_interval) + ": reloading");
  call("reload", hooks_.reload);
}

// While anybody serves, a predecessor or a worker that new ones should join, the pool is better
// than none.
void Master::count_failed_start() {
  if (++failed_starts_ < most_failed_starts) return;
  failed_starts_ = 0;
  const std::string what = std::to_string(most_failed_starts) + " workers in a row could not start";
  if (roster_.proven() > 0 || (!ready_ && !predecessors_.empty())) {
    os::log(os::Level::error, what + ": those that are there go on serving");
    return;
  }
  os::log(os::Level::error, what + "; their own messages above say why. The pool gives up");
  stop("no worker can start", exit_cannot_start);
}

}  // namespace prefork
