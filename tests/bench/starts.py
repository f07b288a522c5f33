"""How soon a pool answers, and what its idle workers keep for themselves."""

import contextlib
import time

import fastcgi
from figures import median
from processes import private_memory

ENOUGH_FOR_ALL = 100  # requests, so that no worker is as fresh as at its fork


def measure(contenders, rounds, tell):
    """For each pool its milliseconds and its bytes, one of each a round."""
    found = {}
    for number in range(rounds):
        for contender in contenders:
            tell(f"starts: round {number + 1} of {rounds}, {contender.name}")
            with contextlib.ExitStack() as stack:
                contender.start(stack)
                if contender.pool:
                    own = found.setdefault(contender.name, {"milliseconds": [], "private": []})
                    own["milliseconds"].append(contender.seconds_to_answer * 1000)
                    own["private"].append(idle_memory(contender))
    return found


def idle_memory(contender):
    for _ in range(ENOUGH_FOR_ALL):
        fastcgi.answers(contender.socket(), contender.request(keep=False))
    time.sleep(0.1)
    return median([private_memory(pid) for pid in contender.pool_workers()])
