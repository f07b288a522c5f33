"""What a request costs in a pool of visits, whatever the pool's size: without nginx, one request at a
time, so that each of them wakes one worker, and pools in turn."""

import contextlib
import dataclasses
import itertools

import fastcgi
import segment
from contenders import Visits, scratch
from processes import cpu_time, tree


class Point:
    """A pool, and the connections to it that are kept."""

    def __init__(self, stack, here, workers=1, connections=1, variables=0):
        key = stack.enter_context(scratch(next(here.keys)))
        if variables:
            segment.fill(key, variables)
        self.visits = Visits(dataclasses.replace(here, workers=workers), f"flat-{key:x}")
        self.visits.run(stack, self.visits.words(key))
        self.connections = [self.connect(stack) for _ in range(connections)]

    def connect(self, stack):
        connection = fastcgi.Connection(self.visits.socket())
        stack.callback(connection.close)
        return connection

    def cost(self, requests):
        """Microseconds of all its processes for a request, each on the next connection."""
        message = self.visits.request()
        pids = tree(self.visits.pool.pid)
        begin = cpu_time(pids)
        for connection in itertools.islice(itertools.cycle(self.connections), requests):
            connection.ask(message)
        return (cpu_time(pids) - begin) / requests / 1000


SCALES = {
    "workers": [1, 4, 16, 64],
    "connections": [1, 10, 100, 1000],
    "variables": [1, 100, 10000, 100000],
}
QUICK_SCALES = {"workers": [1, 4], "connections": [1, 10], "variables": [1, 100]}


def measure(here, rounds, quick, tell):
    """For each scale, for each point on it, what a request cost in each round."""
    requests = 50 if quick else 5000
    return {what: measure_scale(here, what, points, rounds, requests, tell)
            for what, points in (QUICK_SCALES if quick else SCALES).items()}


def measure_scale(here, what, points, rounds, requests, tell):
    costs = {str(number): [] for number in points}
    with contextlib.ExitStack() as stack:
        pools = {number: Point(stack, here, **{what: number}) for number in points}
        for point in pools.values():
            point.cost(len(point.connections) + requests // 10)
        for turn in range(rounds):
            tell(f"{what}: round {turn + 1} of {rounds}")
            for number, point in pools.items():
                costs[str(number)].append(point.cost(requests))
    return costs
