"""Measures contenders in turn, A B C A B C …, and holds their counters against what was answered."""

import dataclasses
import resource
import time

import load
from processes import Failure, busy_time, cpu_time


@dataclasses.dataclass
class Sample:
    """One contender in one round of one case. Times are microseconds."""

    answered: int
    failed: int
    per_second: float
    p50: float
    p99: float
    pool: float       # processor time of all its processes, for a request
    nginx: float
    client: float     # of ab or wrk
    others: float     # share of the machine that went to neither of us nor to the load


class Clock:
    """Processor time of the parties from here on."""

    def __init__(self, pool, nginx):
        self.parties = (pool, nginx)
        self.begin = self.now()

    def now(self):
        client = resource.getrusage(resource.RUSAGE_CHILDREN)
        return [*(cpu_time(pids) for pids in self.parties),
                (client.ru_utime + client.ru_stime) * 1e9, *busy_time()]

    def read(self):
        pool, nginx, client, busy, total = (b - a for a, b in zip(self.begin, self.now()))
        return pool, nginx, client, max(0, busy - pool - nginx - client) / max(total, 1)


class Tally:
    """A contender's counter is right when it stands between the answers that clients say they got
    and the requests that nginx says it received. With ab the two are the same. wrk stops in the
    midst of requests, at most one for each of its connections: they may be counted or not."""

    def __init__(self, contender):
        self.contender = contender
        self.answered = 0
        self.received = 0
        self.first = contender.count() if contender.counts else 0

    def add(self, answered, received):
        self.answered += answered
        self.received += received

    def result(self):
        if not self.contender.counts:
            return {"answered": self.answered, "received": self.received}
        counted = self.contender.count() - self.first - 1
        return {"answered": self.answered, "received": self.received, "counted": counted,
                "exact": self.answered <= counted <= self.received}


class Rounds:
    def __init__(self, contenders, front, state, requests, seconds):
        self.contenders = contenders
        self.front = front
        self.state = state
        self.requests = requests
        self.seconds = seconds
        self.tallies = {contender.name: Tally(contender) for contender in contenders}

    def warm_up(self):
        for contender in self.contenders:
            self.sample(contender, load.Case("ab", True, 4))

    def measure(self, case, rounds, tell):
        """For each contender its samples, one a round."""
        samples = {contender.name: [] for contender in self.contenders}
        for number in range(rounds):
            for contender in self.contenders:
                tell(f"{case.name}: round {number + 1} of {rounds}, {contender.name}")
                samples[contender.name].append(self.sample(contender, case))
        return samples

    def sample(self, contender, case):
        received = self.front.received()
        clock = Clock(contender.processes(), self.front.workers())
        outcome = load.send(case, f"http://127.0.0.1:{contender.port}/", self.requests,
                            self.seconds, self.state)
        *costs, others = clock.read()
        self.wait_until_quiet()
        self.tallies[contender.name].add(outcome.answered, self.front.received() - received)
        per_request = [cost / max(outcome.answered, 1) / 1000 for cost in costs]
        return Sample(outcome.answered, outcome.failed, outcome.answered / outcome.seconds,
                      outcome.p50, outcome.p99, *per_request, others)

    def wait_until_quiet(self):
        """Until nginx has closed what the load left, with the requests on it."""
        deadline = time.monotonic() + 30
        while not self.front.is_quiet():
            if time.monotonic() > deadline:
                raise Failure("nginx still has connections 30 s after the load has ended")
            time.sleep(0.005)

    def exactness(self):
        return {name: tally.result() for name, tally in self.tallies.items()}
