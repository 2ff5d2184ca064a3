# SPDX-License-Identifier: MIT
"""Sessions that are used in many ways, and are then left alone: kept while in use, terminated at the idle limit.

Not collected by default: tests/run activity. All sessions are open at the same time, each of a user of its own. Every
session is a row of the table at the end.
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

from lab import applications, client, logins
from lab.far import Far
from lab.machine import Gone, wait_until

IDLE = 30  # seconds
USED = 160  # seconds for which sessions are used
LATE = 8  # seconds; at least a tenth of the idle limit
NOISE = 3  # additional seconds that a busy machine may need
PACE = 0.2  # seconds between the starts of two clients

NETWORK = "input, network"
ALL = "input, network, output, cpu"


@dataclass(frozen=True)
class Row:
    """One session. `begin` is a kind of login of lab.logins.

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


USED_ROWS = {
    "shell, -L, 600 bytes every second": Row(logins.tunnel(client.shell, 600), (1, 1)),
    "shell, -L, a query every 10 s": Row(logins.tunnel(client.shell), (10, 10)),
    "-N -D, a page every 7 s": Row(logins.tunnel(client.forward, 300, by_socks=True), (7, 7)),
    "shell, -D, a page every 7 s": Row(logins.tunnel(client.shell, 300, by_socks=True), (7, 7)),
    "-N -R, a query every 10 s": Row(logins.reverse_tunnel, (10, 10)),
    "-Y, the pointer moves over xterm": Row(applications.x11, (5, 5)),
    "shell and rsync by ControlMaster": Row(logins.transfer_beside_shell("rsync")),
    "shell and scp by ControlMaster": Row(logins.transfer_beside_shell("scp")),
    "shell and git by ControlMaster": Row(logins.git_beside_shell, (8, 8)),
    "editor's server": Row(applications.editor, (6, 6), period=5),
    "editor's server with a terminal": Row(partial(applications.editor, terminal="terminal"), (6, 6), period=5),
    "-T, prints lines": Row(logins.lines, (6, 20)),
    "shell, tail -f, output counts": Row(logins.tail_in_shell, (6, 20), activity=ALL),
    "Cockpit with the Terminal page": Row(applications.cockpit, is_limited=False),
}

SERVER_ALIVE = ["-o", "ServerAliveInterval=5"]
EDITOR_ALIVE = partial(logins.left_alone_editor, options=["-o", "ServerAliveInterval=2"])
CLIENT_ALIVE = "ClientAliveInterval 7"
CLIENT_ALIVE_PERIOD = 14  # with sshd of OpenSSH 9.2

LEFT_ALONE = {
    "shell": Row(logins.shell),
    "shell, ClientAliveInterval 7": Row(logins.shell, period=CLIENT_ALIVE_PERIOD, sshd=CLIENT_ALIVE),
    "-N": Row(logins.quiet_forward),
    "-N, ServerAliveInterval 5": Row(logins.keepalive_forward, period=5),
    "-J": Row(partial(logins.through, typed=False)),
    "-J, ServerAliveInterval 5 inside": Row(logins.keepalives_inside, period=5),
    "-W, keepalives inside and outside": Row(
        partial(logins.through, typed=False, inner=SERVER_ALIVE, outer=[]), period=5, sshd=CLIENT_ALIVE),
    "-W, keepalives of both clients": Row(
        partial(logins.through, typed=False, inner=SERVER_ALIVE, outer=["-o", "ServerAliveInterval=7"]), period=5),
    "-J, quiet watch": Row(partial(logins.through, typed=False, line="watch -n 2 true\n")),
    "-N -L, editor": Row(logins.left_alone_editor, period=5),
    # Each sample contains keepalives of the connection and forwarded data.
    "-N -L, editor, ServerAliveInterval 2": Row(EDITOR_ALIVE, idle=90, period=5),
    "shell, -L, editor, ServerAliveInterval 2": Row(partial(EDITOR_ALIVE, start=client.shell), idle=90, period=5),
    "editor's server": Row(partial(applications.editor, used=False), period=5),
    "editor's server with a terminal": Row(
        partial(applications.editor, used=False, terminal="terminal"), period=5),
    "shell, tmux detached, prints": Row(logins.printing_tmux),
    "shell, ssh inner top": Row(logins.top_elsewhere),
    "shell, prints, dead peer, output counts": Row(logins.dead_peer, activity=ALL, delay=10),
    "shell, answers PING every 3 s": Row(logins.answering, period=3),
}

RHYTHMS = {
    "a letter every 3 s": (("x",), (3, 3)),
    "a letter every 8 s": (("x",), (8, 8)),
    "a letter every 1 to 10 s": (("x",), (1, 10)),
    "Enter every 6 s": (("\r",), (6, 6)),
    "a cursor key every 5 s": (("\x1b[D",), (5, 5)),
    "a command every minute": (("date\r",), (60, 60)),
}
FACTORS = {
    "rhythm": RHYTHMS,
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


def pairwise(factors):
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


def typing_rows(host):
    """Returns rows of users who type through the session, by all pairs of FACTORS."""
    factors = dict(FACTORS)
    if host.run("ssh", "-G", *factors["chaff"][""], "127.0.0.1", check=False).returncode != 0:
        factors["chaff"] = {"": []}  # OpenSSH 9.2 does not have the option
    return {", ".join(filter(None, names)): typing_row(factors, names) for names in pairwise(list(factors.values()))}


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
        for user in {users}; do useradd --create-home --skel /etc/lab-skel --shell /bin/bash "$user"; done""")
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


def run_all(host, sessions, saw):
    """Opens and uses all sessions, stops, and waits until they have been terminated. Returns their ends."""
    since = time.monotonic()
    for each in sessions:
        each.start(host)
        time.sleep(PACE)
    with ThreadPoolExecutor(len(sessions)) as pool:
        list(pool.map(Session.activate, sessions))
    saw(f"{len(sessions)} sessions opened within {time.monotonic() - since:.0f} s")
    time.sleep(USED)
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


def test_sessions_are_kept_in_use_and_terminated_when_left_alone(host, suite, saw):
    seed = int(os.environ.get("SESSLIMIT_SEED", random.randrange(10**6)))
    saw(f"SESSLIMIT_SEED={seed}")
    rows = {
        **{f"used: {name}": row for name, row in USED_ROWS.items()},
        **{f"left alone: {name}": row for name, row in LEFT_ALONE.items()},
        **{f"typed through it: {name}": row for name, row in typing_rows(host).items()},
    }
    sessions = [Session(name, row, f"row{number:02}", seed) for number, (name, row) in enumerate(rows.items())]
    set_up(host, sessions)
    host.policy("version = 1\n" + "".join(map(rule, sessions)))
    with applications.installed(host), logins.serving(host), Far(host):
        ended = run_all(host, sessions, saw)
    failed = []
    for each in sessions:
        result, is_correct = judge(each, ended.get(each.user))
        line = f"{each.name:78} {each.row.idle:3} s  {result} {each.error}"
        saw(line)
        if not is_correct or each.error:
            failed.append(line)
    assert not failed, "\n".join([*failed, ""])
