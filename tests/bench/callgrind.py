"""What a file of callgrind's says."""

import collections
import os
import re
import subprocess

from processes import Failure

ALLOCATORS = re.compile(r"^(malloc|calloc|realloc|posix_memalign|aligned_alloc|operator new.*)$")


def by_function(path):
    """Instructions of each function itself, by callgrind_annotate: 12,345 file:function [object]"""
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


def allocations(path):
    """How often each function called for memory. In the file a name stands at its first use: fn=(7) main,
    later fn=(7); cfn= names who is called by fn=, and the line calls= after it how often; ob= and cob=
    are their libraries."""
    names, calls = {}, collections.Counter()
    caller = callee = library = None
    with open(path, encoding="utf-8", errors="replace") as file:
        for line in file:
            kind, _, rest = line.rstrip("\n").partition("=")
            if kind == "ob":
                library = named(names, "ob", rest)
            elif kind == "cob":
                named(names, "ob", rest)
            elif kind == "fn":
                caller = readable(named(names, "fn", rest), library)
            elif kind == "cfn":
                callee = named(names, "fn", rest)
            elif kind == "calls" and ALLOCATORS.match(callee) and not ALLOCATORS.match(caller):
                calls[caller] += int(rest.split()[0])
    return calls


def named(names, kind, text):
    number, _, name = text.partition(" ")
    return names.setdefault((kind, number), name)


def readable(function, library):
    """Where a library tells no names, at least the library's; and shorter words for strings."""
    if function.startswith("0x"):
        return f"{os.path.basename(library or '')} {function.replace('0x' + '0' * 12, '0x')}"
    text = "std::char_traits<char>"
    for long, short in ((f"std::__cxx11::basic_string<char, {text}, std::allocator<char> >", "std::string"),
                        (f"std::basic_string_view<char, {text} >", "std::string_view")):
        function = function.replace(long, short)
    return function if len(function) <= 120 else function[:119] + "…"
