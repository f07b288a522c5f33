"""User-space instructions for a request, by function, and calls for memory, by caller: callgrind counts
in two runs, and what the longer one has more is what its further requests took."""

import contextlib
import dataclasses
import shutil

import callgrind
import fastcgi
from contenders import Before, Floor, Visits, scratch


class Counted:
    """A pool under callgrind. Without visits' filter of system calls, which knows none of valgrind's."""

    def start(self, stack, _=None):
        key = stack.enter_context(scratch(next(self.here.keys)))
        words = self.words() if self.name == "floor" else self.words(key, "visits.seccomp=no")
        self.run(stack, ["valgrind", "--tool=callgrind", "-q",
                         f"--callgrind-out-file={self.file_of('%p')}", *words])

    def file_of(self, process):
        return f"{self.here.state}/{self.name}.callgrind.{process}"


class CountedVisits(Counted, Visits):
    pass


class CountedBefore(Counted, Before):
    pass


class CountedFloor(Counted, Floor):
    pass


def measure(here, quick, folder, tell):
    """Leaves callgrind's file of the longer run in the folder, for callgrind_annotate and kcachegrind."""
    fewer, more = (20, 60) if quick else (1000, 3000)
    found = {}
    for kind in (CountedVisits, *([CountedBefore] if here.before else []), CountedFloor):
        tell(f"instructions: {kind.name}")
        first, second = (run(kind(dataclasses.replace(here, workers=1)), requests)
                         for requests in (fewer, more))
        shutil.copy(second, f"{folder}/callgrind.{kind.name}")
        functions, callers = (each(look(first), look(second), more - fewer)
                              for look in (callgrind.by_function, callgrind.allocations))
        found[kind.name] = {"total": sum(functions.values()), "functions": by_size(functions),
                            "allocations": sum(callers.values()), "allocating": by_size(callers)}
    return found


def each(first, second, requests):
    second.subtract(first)
    return {name: count / requests for name, count in second.items()}


def by_size(counts):
    return [(name, count) for name, count in sorted(counts.items(), key=lambda item: -item[1])
            if count >= 0.1]


def run(contender, requests):
    """callgrind's file of the one worker, in a life of so many requests."""
    with contextlib.ExitStack() as stack:
        contender.start(stack)
        worker, = contender.pool_workers()
        connection = fastcgi.Connection(contender.socket())
        with connection.socket:
            for _ in range(requests):
                connection.ask(contender.request())
    return contender.file_of(worker)
