# SPDX-License-Identifier: MIT
"""Sessions that are used in many ways, and are then left alone: kept while in use, terminated at the idle limit.

All sessions of a call of check() are open at the same time, each of a user of its own. Every session is a row of the
table at the end.
"""

import contextlib
import itertools
import os
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Callable

from . import logins
from .machine import Gone, wait_until

IDLE = 30  # seconds
LATE = 8  # seconds; at least a tenth of the idle limit
NOISE = 10  # additional seconds that a busy machine may need
PACE = 0.2  # seconds between the starts of two clients

NETWORK = "input, network"
ALL = "input, network, output, cpu"

SERVER_ALIVE = ["-o", "ServerAliveInterval=5"]


@dataclass(frozen=True)
class Row:
    """One session. `begin` is a kind of login of the module logins.

    every: shortest and longest time between two uses in seconds; each time also varies by 20 %. keys: one of them is
    typed at each use. period: the period of background traffic in seconds, by which its recognition is late. delay:
    additional seconds until the last use is known. is_limited: False if no idle limit applies. sshd: settings of the
    server for this user.
    """

    begin: Callable
    every: tuple[float, float] | None = None
    keys: tuple[str, ...] = ()
    idle: int = IDLE
    activity: str = NETWORK
    period: float = 0
    delay: float = 0
    is_limited: bool = True
    sshd: str = ""

    @property
    def latest(self) -> float:
        """Returns the maximum time from the last use to the termination."""
        return self.idle + max(LATE, self.idle / 10) + NOISE + self.delay + 3 * self.period


RHYTHMS = {
    "a letter every 3 s": (("x",), (3, 3)),
    "a letter every 8 s": (("x",), (8, 8)),
    "a letter every 1 to 10 s": (("x",), (1, 10)),
    "Enter every 6 s": (("\r",), (6, 6)),
    "a cursor key every 5 s": (("\x1b[D",), (5, 5)),
    "a command every minute": (("date\r",), (60, 60)),
}
FACTORS = {
    "way": {"-J": None, "-W": []},
    "cipher": {
        "aes128-gcm": ["-c", "aes128-gcm@openssh.com"],
        "chacha20": ["-c", "chacha20-poly1305@openssh.com"],
        "aes128-ctr, etm": ["-c", "aes128-ctr", "-m", "hmac-sha2-256-etm@openssh.com"],
    },
    "compression": {"": [], "compressed": ["-C"]},
    "keepalives": {"": [], "ServerAliveInterval 5": SERVER_ALIVE},
    "chaff": {"": ["-o", "ObscureKeystrokeTiming=no"], "chaff": ["-o", "ObscureKeystrokeTiming=yes"]},
}


def pairwise(*factors):
    """Returns rows of one value of each factor. Each pair of values of two factors is in at least one row."""
    rows = list(itertools.product(*factors))
    missing = set().union(*map(pairs, rows))
    chosen = []
    while missing:
        chosen.append(max(rows, key=lambda row: len(pairs(row) & missing)))
        missing -= pairs(chosen[-1])
    return chosen


def pairs(row):
    return set(itertools.combinations(enumerate(row), 2))


def typing_rows(host, rhythms, choose):
    """Returns rows of users who type through the session. choose: pairwise or itertools.product"""
    factors = {"rhythm": {name: RHYTHMS[name] for name in rhythms}, **FACTORS}
    if host.run("ssh", "-G", *factors["chaff"][""], "127.0.0.1", check=False).returncode != 0:
        factors["chaff"] = {"": []}  # OpenSSH 9.2 does not have the option
    return {", ".join(filter(None, names)): typing_row(factors, names) for names in choose(*factors.values())}


def typing_row(factors, names):
    (keys, every), outer, *options = [factor[name] for factor, name in zip(factors.values(), names)]
    keepalives = SERVER_ALIVE in options
    begin = partial(logins.through, inner=sum(options, []), outer=outer)
    return Row(begin, every, keys, idle=max(IDLE, round(every[1] * 1.3)), period=5 if keepalives else 0)


class Session:
    """The session of a row."""

    def __init__(self, name: str, row: Row, user: str, seed: int) -> None:
        self.name, self.row, self.user = name, row, user
        self.not_before = self.last_use = 0.0
        """Earliest and latest time at which the session may have been used last."""
        self.stopped = 0.0
        self.error = ""
        self._chance = random.Random(f"{seed} {name}")
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._use_at_intervals)

    def start(self, host):
        self._host = host
        self._steps = self.row.begin(host, self.user)
        self.not_before = time.monotonic()
        self._login = next(self._steps)

    def activate(self):
        """Waits until the session can be used, and uses it until stop() is called."""
        try:
            next(self._steps, None)
        except Exception as error:  # pylint: disable=broad-except
            self.error = f"the login failed: {error!r}"
        self.last_use = time.monotonic()
        if self._login.last_key:
            self.not_before = self.last_use = self._login.last_key
        self._grown = logins.size(self._host, self._login) if self._login.growing else 0
        self._thread.start()

    @property
    def is_used(self) -> bool:
        return bool(self.row.every or self._login.stop)

    def finish(self):
        """Stops using the session at intervals."""
        self.stopped = time.monotonic()
        self._done.set()
        self._thread.join()

    def stop(self):
        """Stops using the session."""
        self.finish()
        if self._login.stop:
            if logins.size(self._host, self._login) <= self._grown:
                self.error = "no data was transferred"
            self.not_before = time.monotonic()
            self._login.stop()
            self.last_use = time.monotonic()

    def _use_at_intervals(self):
        # The first use is at once, because the login may have been long ago.
        interval = 0.0
        while self.row.every:
            if self._done.wait(interval):
                return
            interval = self._chance.uniform(*self.row.every) * self._chance.uniform(0.8, 1.2)
            try:
                self.not_before = time.monotonic()
                self._use()
                self.last_use = time.monotonic()
            except Exception as error:  # pylint: disable=broad-except
                self.error = f"use failed: {error!r}"
                return

    def _use(self):
        if not self.row.keys:
            return self._login.use(self._chance)
        keys = self._chance.choice(self.row.keys)
        for key in [keys] if keys.startswith("\x1b") else keys:
            self._login.use(self._chance, key)
            time.sleep(0.15 if len(keys) > 1 else 0)


def set_up(host, sessions):
    """Creates the users and the settings of sshd."""
    users = " ".join(each.user for each in sessions)
    host.sh(f"""
        mkdir -p /etc/lab-skel && cp -r /home/alice/.ssh /home/alice/.bash_profile /etc/lab-skel
        for user in {users}; do
            id "$user" >/dev/null 2>&1 || useradd --create-home --skel /etc/lab-skel --shell /bin/bash "$user"
        done""")
    settings = "".join(f"Match User {each.user}\n  {each.row.sshd}\n" for each in sessions if each.row.sshd)
    host.write("/etc/ssh/sshd_config.d/lab-rows.conf", settings)
    host.sh("systemctl reload ssh.service")


def rule(session):
    words = ", ".join(f'"{word}"' for word in session.row.activity.split(", "))
    return (
        f'[[rule]]\nname = "{session.user}"\nmatch.user = "{session.user}"\nidle_timeout = "{session.row.idle}s"\n'
        f"idle_activity = [{words}]\n"
    )


def ends(host, since):
    """Returns the events at the ends of sessions, by user."""
    return {each.user: each for kind in ("released", "ended") for each in host.events(kind, since=since)}


def run_all(host, sessions, used, saw):
    """Uses all sessions for `used` seconds, and waits until they have been terminated. Returns their ends."""
    since = time.monotonic()
    for each in sessions:
        each.start(host)
        time.sleep(PACE)
    with ThreadPoolExecutor(len(sessions)) as pool:
        list(pool.map(Session.activate, sessions))
    saw(f"{len(sessions)} sessions opened within {time.monotonic() - since:.0f} s")
    time.sleep(used)
    with ThreadPoolExecutor(len(sessions)) as pool:
        list(pool.map(Session.stop, sessions))
    limited = [each for each in sessions if each.row.is_limited]
    over = max(each.last_use + each.row.latest for each in limited) - time.monotonic()
    users = {each.user for each in limited}
    with contextlib.suppress(Gone):  # judge() finds the sessions
        wait_until("the ends", lambda: users <= ends(host, since).keys(), max(0, over), every=2)
    return ends(host, since)


def judge(session, end):
    """Returns the result of a session as a row of the table, and whether it is correct."""
    row = session.row
    if end is None:
        return "kept" if not row.is_limited else f"NOT TERMINATED within {row.latest:.0f} s", not row.is_limited
    earliest, late = end.at - session.not_before - row.idle, end.at - session.last_use - row.idle
    result = f"terminated {max(late, 0):5.1f} s late"
    if end.event != "ended" or end.reason != "idle":
        return f"{end.event.upper()} {end.reason}", False
    if session.is_used and end.at < session.stopped:
        return f"TERMINATED WHILE IN USE, {session.stopped - end.at:.0f} s before its use stopped", False
    if earliest < 0:
        return f"TERMINATED {-earliest:.1f} s EARLY", False
    if late + row.idle > row.latest:
        return f"{result}: TOO LATE", False
    return result, row.is_limited


def check(host, rows, used, saw):
    """Uses a session of each row for `used` seconds. Checks that it is kept, and terminated after its use.

    The environment variable SESSLIMIT_SEED repeats the times and sizes of another run.
    """
    seed = int(os.environ.get("SESSLIMIT_SEED", random.randrange(10**6)))
    saw(f"SESSLIMIT_SEED={seed}")
    sessions = [Session(name, row, f"row{number:02}", seed) for number, (name, row) in enumerate(rows.items())]
    set_up(host, sessions)
    host.policy("version = 1\n" + "".join(map(rule, sessions)))
    ended = run_all(host, sessions, used, saw)
    failed = []
    for each in sessions:
        result, is_correct = judge(each, ended.get(each.user))
        line = f"{each.name:78} {each.row.idle:3} s  {result} {each.error}"
        saw(line)
        if not is_correct or each.error:
            failed.append(line)
    assert not failed, "\n".join([*failed, ""])
