"""User-space instructions for a request, by function: callgrind counts in two runs, and what the longer
one has more is what its further requests took."""

import collections
import contextlib
import dataclasses
import os
import re
import subprocess

import fastcgi
from contenders import Floor, Visits, scratch
from processes import Failure


class CountedVisits(Visits):
    """Without the filter of system calls, which knows none of valgrind's."""

    def start(self, stack, _=None):
        key = stack.enter_context(scratch(next(self.here.keys)))
        self.run(stack, under_callgrind(self, self.words(key, "visits.seccomp=no")))


class CountedFloor(Floor):
    def start(self, stack, _=None):
        self.run(stack, under_callgrind(self, self.words()))


def under_callgrind(contender, words):
    return ["valgrind", "--tool=callgrind", "-q", f"--callgrind-out-file={output(contender, '%p')}", *words]


def output(contender, process):
    return f"{contender.here.state}/{contender.name}.callgrind.{process}"


def measure(here, quick, tell):
    fewer, more = (20, 60) if quick else (1000, 3000)
    found = {}
    for kind in (CountedVisits, CountedFloor):
        tell(f"instructions: {kind.name}")
        first, second = (counted(kind(dataclasses.replace(here, workers=1)), requests)
                         for requests in (fewer, more))
        second.subtract(first)
        each = {name: count / (more - fewer) for name, count in second.items()}
        found[kind.name] = {"total": sum(each.values()), "functions": by_cost(each)}
    return found


def by_cost(each):
    return [(name, count) for name, count in sorted(each.items(), key=lambda item: -item[1])
            if count >= 0.5]


def counted(contender, requests):
    """Instructions of the worker, by function, in a life of so many requests."""
    with contextlib.ExitStack() as stack:
        contender.start(stack)
        worker, = contender.pool_workers()
        connection = fastcgi.Connection(contender.socket())
        with connection.socket:
            for _ in range(requests):
                connection.ask(contender.request())
    return by_function(output(contender, worker))


def by_function(path):
    """callgrind_annotate's lines: 12,345 ( 1.23%)  file:function [object]"""
    result = subprocess.run(["callgrind_annotate", "--threshold=100", "--show-percs=no", "--auto=no", path],
                            capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise Failure(f"callgrind_annotate: {result.stderr.strip()}")
    counts = collections.Counter()
    for line in result.stdout.splitlines():
        match = re.match(r"\s*([\d,]+)\s+(?:\S*?:)?(.+?)(?: \[([^]]*)\])?$", line)
        if match and "PROGRAM TOTALS" not in line:
            counts[readable(match[2], match[3])] += int(match[1].replace(",", ""))
    return counts


def readable(function, library):
    """Where a library tells no names, at least the library's; and shorter words for strings."""
    if function.startswith("0x"):
        return f"{os.path.basename(library or '')} {function.replace('0x' + '0' * 12, '0x')}"
    text = "std::char_traits<char>"
    for long, short in ((f"std::__cxx11::basic_string<char, {text}, std::allocator<char> >", "std::string"),
                        (f"std::basic_string_view<char, {text} >", "std::string_view")):
        function = function.replace(long, short)
    return function if len(function) <= 120 else function[:119] + "…"
