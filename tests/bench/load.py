"""The two programs that send requests, and what they say of the answers."""

import dataclasses
import json
import os
import re
import subprocess

from processes import Failure

HERE = os.path.dirname(os.path.abspath(__file__))


@dataclasses.dataclass(frozen=True)
class Case:
    tool: str          # ab or wrk
    kept: bool         # whether the client keeps its connections
    concurrency: int

    @property
    def name(self):
        return f"{self.tool}-{'keep' if self.kept else 'close'}-{self.concurrency}"

    @property
    def title(self):
        kept = "connections kept" if self.kept else "a connection for each request"
        return f"{self.tool}, {self.concurrency} at once, {kept}"


CASES = [Case(tool, kept, concurrency)
         for tool in ("wrk", "ab") for kept in (True, False) for concurrency in (1, 16, 100)]


@dataclasses.dataclass
class Outcome:
    answered: int      # with 2xx
    failed: int
    seconds: float
    p50: float         # microseconds
    p99: float


def send(case, url, requests, seconds, scratch):
    if case.tool == "ab":
        return send_by_ab(case, url, max(requests, case.concurrency), scratch)
    return send_by_wrk(case, url, seconds)


def send_by_ab(case, url, requests, scratch):
    table = f"{scratch}/ab.csv"
    text = run(["ab", "-q", "-l", "-r", *(["-k"] if case.kept else []), "-n", str(requests),
                "-c", str(case.concurrency), "-e", table, url])
    failed = figure(text, "Failed requests") + figure(text, "Non-2xx responses")
    p50, p99 = percentiles(table)
    return Outcome(figure(text, "Complete requests") - failed, failed,
                   figure(text, "Time taken for tests"), p50, p99)


def percentiles(table):
    """ab's file has a line per percent, in milliseconds: 50,0.421"""
    with open(table, encoding="ascii") as file:
        lines = dict(line.strip().split(",") for line in file)
    return float(lines["50"]) * 1000, float(lines["99"]) * 1000


def figure(text, label):
    match = re.search(rf"^{label}: +([0-9.]+)", text, re.MULTILINE)
    return float(match[1]) if match and "." in match[1] else int(match[1]) if match else 0


def send_by_wrk(case, url, seconds):
    close = [] if case.kept else ["-H", "Connection: close"]
    text = run(["wrk", "-t", "1", "-c", str(case.concurrency), "-d", f"{seconds}s",
                "-s", f"{HERE}/wrk_summary.lua", *close, url])
    said = json.loads(re.search(r"^summary (.*)$", text, re.MULTILINE)[1])
    return Outcome(said["requests"] - said["non_2xx"], said["non_2xx"] + said["socket_errors"],
                   said["microseconds"] / 1e6, said["p50"], said["p99"])


def run(words):
    result = subprocess.run(words, capture_output=True, text=True, timeout=300, check=False)
    if result.returncode != 0:
        raise Failure(f"{words[0]} fails: {(result.stderr or result.stdout).strip()[-500:]}")
    return result.stdout
