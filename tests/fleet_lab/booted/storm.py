# SPDX-License-Identifier: MIT
"""Logins of one user to several machines at once, and the shells of the user on all of them."""

import contextlib
import threading
import time
from dataclasses import dataclass, field

from lab import client
from lab.machine import Gone
from lab.shells import ShellCount
from lab.storm import Storm

EVERY = 0.05  # seconds between two counts of shells
STAY = "echo let in; read line"
LONGEST = 60  # seconds for one login
DENIED = "on all hosts reached"


@dataclass
class Result:
    """The results of logins. Times in seconds."""

    admitted: int = 0
    denied: int = 0
    odd: list[str] = field(default_factory=list)  # output of the other logins
    most: int = 0  # shells at any time
    longest: float = 0.0  # from the start of a client to its shell or its denial

    @property
    def tried(self):
        return self.admitted + self.denied + len(self.odd)

    def add(self, other):
        self.admitted += other.admitted
        self.denied += other.denied
        self.odd += other.odd
        self.most = max(self.most, other.most)
        self.longest = max(self.longest, other.longest)

    def row(self, left):
        return (f"{self.tried} logins tried, {self.admitted} admitted, {self.denied} denied, {len(self.odd)} failed, "
                f"most at once {self.most}, longest wait {self.longest:.1f} s, left over {left}")


class Storms:
    """with Storms(hosts, "alice", 2) as storms: ...; as many loops of logins on each host, until the end."""

    def __init__(self, hosts, user, loops):
        self._shells = Shells(hosts, user)
        self._storms = [Storm(host, user, loops) for host in hosts]
        self._open = contextlib.ExitStack()

    def __enter__(self):
        for each in (self._shells, *self._storms):
            self._open.enter_context(each)
        return self

    def __exit__(self, *error):
        return self._open.__exit__(*error)

    def result(self):
        """Returns the results of all logins, and the number of those that sesslimitd did not count."""
        total = Result(most=self._shells.most)
        for storm in self._storms:
            each = storm.outcome
            total.add(Result(each.admitted, each.denied, each.odd, longest=each.whole))
        return total, sum(storm.outcome.uncounted for storm in self._storms)


class Shells:
    """with Shells(hosts, "alice") as shells: ...; afterwards shells.most is the maximum over all hosts."""

    def __init__(self, hosts, user):
        self._counts = [ShellCount(host, user) for host in hosts]
        self.most = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()

    def now(self):
        return sum(count.now() for count in self._counts)

    def _watch(self):
        while not self._over.wait(EVERY):
            self.most = max(self.most, self.now())


def verdict(login):
    """Waits for the result of a login with STAY. Returns True, False, or its output if it is neither, and the time."""
    try:
        seen = login.expect("let in\r?\n", LONGEST)
        return True, seen.at - login.started_at
    except Gone:
        if login.running:
            return f"no result after {LONGEST} s: {login.output}", LONGEST
        ended = login.ended_at - login.started_at
        return (False if DENIED in login.output else login.output.strip()[-200:] or "no output"), ended


def all_at_once(hosts, user, logins):
    """Starts logins at the same time, the next one on the next host. Ends them when all have a result."""
    result = Result()
    with Shells(hosts, user) as shells:
        clients = [client.command(hosts[number % len(hosts)], user, STAY) for number in range(logins)]
        admitted = []
        for login in clients:
            outcome, seconds = verdict(login)
            result.longest = max(result.longest, seconds)
            if outcome is True:
                admitted.append(login)
            elif outcome is False:
                result.denied += 1
            else:
                result.odd.append(outcome)
        result.admitted = len(admitted)
        time.sleep(2 * EVERY)
    result.most = shells.most
    for login in admitted:
        login.close_input()
    for login in admitted:
        login.wait(20)
    for login in clients:
        login.close()
    return result


def log_out(login):
    if login.running:
        login.close_input()
        login.wait(20)


def stay(host, user):
    """Opens a session that stays open until log_out()."""
    login = client.command(host, user, STAY)
    outcome, _ = verdict(login)
    assert outcome is True, f"{host.host}: {outcome}; {login.output}"
    return login


def denial(host, user):
    """Logs in and returns the text that the denied user reads."""
    login = client.command(host, user, STAY)
    outcome, _ = verdict(login)
    assert outcome is not True, f"{host.host}: admitted"
    text = login.output
    login.close()
    return text
