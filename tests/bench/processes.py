"""Programs that the benchmark starts, and what the kernel says of them."""

import ctypes
import os
import signal
import subprocess
import time

PR_SET_PDEATHSIG = 1
libc = ctypes.CDLL(None, use_errno=True)


class Failure(Exception):
    """What keeps the benchmark from going on, in a sentence."""


class Program:
    """A program in a session of its own, whose output goes to a file. It does not outlive us."""

    def __init__(self, words, log, **environment):
        self.name = os.path.basename(words[0])
        self.log = log
        with open(log, "ab") as file:
            self.process = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=file, stderr=file, preexec_fn=be_ours,
                env={**os.environ, **environment})
        self.pid = self.process.pid

    def expect(self, what, claim, seconds=20):
        """Waits until the claim holds."""
        deadline = time.monotonic() + seconds
        while not claim():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise Failure(f"{self.name} {what}: {tail(self.log)}")
            time.sleep(0.0005)

    def stop(self):
        members = tree(self.pid)
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for pid in members[1:]:
            end(pid)


def be_ours():
    os.setsid()
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def end(pid):
    """Waits a little for a process that was a child of one of ours, then ends it."""
    for _ in range(500):
        if not alive(pid):
            return
        time.sleep(0.002)
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def tail(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()[-500:].strip() or "and says nothing"


def tree(pid):
    """That process and all that descend from it."""
    pids = [pid]
    for each in pids:
        pids += children(each)
    return pids


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            return [int(word) for word in file.read().split()]
    except OSError:
        return []


def name_of(pid):
    with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as file:
        return file.read().strip()


def cpu_time(pids):
    """Nanoseconds on a processor that these processes have had, with all their threads."""
    return sum(thread_time(f"/proc/{pid}/task/{thread}/schedstat")
               for pid in pids for thread in threads(pid))


def threads(pid):
    try:
        return os.listdir(f"/proc/{pid}/task")
    except OSError:
        return []


def thread_time(path):
    try:
        with open(path, encoding="ascii") as file:
            return int(file.read().split()[0])
    except OSError:
        return 0


def private_memory(pid):
    """Bytes that a process has for itself alone."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        fields = dict(line.split(":") for line in file if ":" in line.split()[0])
    return sum(int(fields[name].split()[0]) * 1024 for name in ("Private_Clean", "Private_Dirty"))


def busy_time():
    """Nanoseconds that all processors have worked since the start of the machine, and could have."""
    with open("/proc/stat", encoding="ascii") as file:
        ticks = [int(word) for word in file.readline().split()[1:9]]
    tick = 10**9 // os.sysconf("SC_CLK_TCK")
    idle = ticks[3] + ticks[4]
    return (sum(ticks) - idle) * tick, sum(ticks) * tick
