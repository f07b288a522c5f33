"""What a request costs in a pool, whatever the pool's size: without nginx, one request at a time, so that
each of them wakes one worker, and pools in turn. Who asks and who answers have one processor for all of
them: to wake somebody on another one costs more than all else, now and then. What the floor's cost grows by
is the machine's."""

import contextlib
import dataclasses
import itertools
import os

import fastcgi
import segment
from contenders import Floor, Visits, scratch
from processes import cpu_time, tree


class Point:
    """A pool, and the connections to it that are kept."""

    def __init__(self, stack, here, kind, workers=1, connections=1, variables=()):
        key = stack.enter_context(scratch(next(here.keys)))
        if variables:
            segment.fill(key, variables)
        self.contender = kind(dataclasses.replace(here, workers=workers), f"{kind.name}-{key:x}")
        self.contender.start(stack, key)
        self.connections = [self.connect(stack) for _ in range(connections)]

    def connect(self, stack):
        connection = fastcgi.Connection(self.contender.socket())
        stack.callback(connection.close)
        return connection

    def cost(self, requests):
        """Microseconds of all its processes for a request, each on the next connection."""
        message = self.contender.request()
        pids = tree(self.contender.pool.pid)
        begin = cpu_time(pids)
        for connection in itertools.islice(itertools.cycle(self.connections), requests):
            connection.ask(message)
        return (cpu_time(pids) - begin) / requests / 1000


@dataclasses.dataclass
class Scale:
    what: str
    kind: type
    points: list
    setting: object  # of a point: what makes its pool so large


SCALES = [
    Scale("workers", Visits, [1, 4, 16, 64], lambda n: {"workers": n}),
    Scale("workers of the floor", Floor, [1, 4, 16, 64], lambda n: {"workers": n}),
    Scale("connections", Visits, [1, 10, 100, 1000], lambda n: {"connections": n}),
    Scale("connections to the floor", Floor, [1, 10, 100, 1000], lambda n: {"connections": n}),
    Scale("variables, the count first", Visits, [1, 100, 10000, 100000], lambda n: {"variables": range(n)}),
    # PHP appends what it puts. The third visit, before the first that is measured, brings it forward; in a segment
    # filled to its last byte none could, and each would walk past all the others.
    Scale("variables, the count last", Visits, [1, 100, 10000, 100000],
          lambda n: {"variables": range(n - 1, -1, -1)}),
]


def measure(here, rounds, quick, tell):
    """For each scale, for each point on it, what a request cost in each round."""
    with one_processor():
        return measure_scales(here, rounds, quick, tell)


@contextlib.contextmanager
def one_processor():
    """For this process, and those that it starts."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(allowed)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def measure_scales(here, rounds, quick, tell):
    return {scale.what: measure_scale(here, scale, scale.points[:2] if quick else scale.points, rounds,
                                      50 if quick else 5000, tell) for scale in SCALES}


def measure_scale(here, scale, points, rounds, requests, tell):
    costs = {str(number): [] for number in points}
    with contextlib.ExitStack() as stack:
        pools = {number: Point(stack, here, scale.kind, **scale.setting(number)) for number in points}
        for point in pools.values():
            point.cost(len(point.connections) + requests // 10)
        for turn in range(rounds):
            tell(f"{scale.what}: round {turn + 1} of {rounds}")
            for number, point in pools.items():
                costs[str(number)].append(point.cost(requests))
    return costs
