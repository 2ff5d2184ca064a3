# SPDX-License-Identifier: MIT
"""Activity of each kind of login under each idle_activity, compared with the table of the manual page."""

import contextlib
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from lab import client
from lab.base import PASSWORDS
from lab.client import Client
from lab.machine import wait_until

PAGE = Path(__file__).resolve().parents[2] / "man" / "sesslimit.toml.5"
MARK = "tests/lab/test_matrix.py"  # in a comment before the table

# The users and their idle_activity, as in the heads of the table.
USERS = {"alice": "input", "bob": "input, output", "carol": "input, output, cpu"}

TIMEOUT = 30  # seconds; a terminal has timestamps in steps of 8
WATCHED = 2.5 * TIMEOUT  # seconds after the last login
TYPED_EVERY = 6
PACE = 0.15  # seconds between the starts of two clients

SOURCE = "/var/tmp/lab-file"
RATE = 50  # kB/s of active transfers
RSYNCD_PORT = 8730
FORWARDED_PORT = 9000

# Uses 4 to 10 % of a processor and prints nothing.
COMPUTE = "while :; do i=0; while [ $((i += 1)) -lt 15000 ]; do :; done; sleep 1; done"


@dataclass
class Login:
    """A login of one user, in a test of one kind of login."""

    client: Client
    typed_in: Client | None = None  # the terminal in which a key is pressed at regular intervals
    growing: str = ""  # the file in the machine that grows as long as the transfer is active
    last_key: float | None = None  # time of the last key, if no more are typed

    @property
    def ended_at(self) -> float | None:
        """Returns when its session was terminated, by its client. An sftp client continues to read commands then."""
        closed = self.client.find("closed by remote host")
        return closed.at if closed else self.client.ended_at


# Each kind of login is a generator. It starts a client and yields the login, then waits until the login is active.


def shell(host, user):
    login = Login(client.shell(host, user))
    yield login
    login.client.prompt()
    login.last_key = login.client.send("\n")


def printing_shell(host, user):
    login = Login(client.shell(host, user))
    yield login
    login.client.prompt()
    login.last_key = login.client.send("while sleep 1; do date; done\n")


def typing_su(host, user):
    login = Login(client.shell(host, user))
    yield login
    at = login.client.prompt().end
    login.client.send("su -\n")
    asked = login.client.expect("Password: ", 60, at)
    login.client.send(f"{PASSWORDS['root']}\n")
    login.client.prompt(60, asked.end)
    login.typed_in = login.client


def typing_tmux(host, user):
    login = Login(client.shell(host, user))
    yield login
    attach(login.client, "typing")
    login.typed_in = login.client


def detached_tmux(host, user):
    login = Login(client.shell(host, user))
    yield login
    at = attach(login.client, "detached")
    login.last_key = login.client.send("\x02d")
    login.client.expect("detached", 60, at)


def attach(terminal, server):
    """Starts tmux with its own server, in this session. Returns the position after its pane's prompt."""
    at = terminal.prompt().end
    terminal.send(f"tmux -L {server}\n")
    drawn = terminal.expect(r"\x1b\[\?1049h", 60, at)
    return terminal.prompt(60, drawn.end).end


def control_master(host, user):
    path = f"ControlPath=/run/lab-{user}"
    login = Login(client.shell(host, user, ["-o", "ControlMaster=yes", "-o", path]))
    yield login
    login.client.prompt()
    second = client.shell(host, user, ["-o", path])
    second.prompt()
    login.typed_in = second


def command(host, user):
    return silent(client.command(host, user, "echo begun; exec sleep 1000"), "begun")


def computing(host, user):
    return silent(client.command(host, user, f"echo begun; {COMPUTE}"), "begun")


def idle_sftp(host, user):
    it = client.sftp(host, user)
    yield Login(it)
    it.send("pwd\n")
    it.expect("Remote working directory", 60)


def quiet_forward(host, user):
    return silent(client.forward(host, user), "Authenticated")


def keepalive_forward(host, user):
    return silent(forward(host, user, "-o", "ServerAliveInterval=5"), "Authenticated")


def silent(it, begun):
    yield Login(it)
    it.expect(begun, 60)


def forward(host, user, *options):
    return client.program(host, ["ssh", "-N", "-o", "LogLevel=VERBOSE", *options, f"{user}@127.0.0.1"])


def busy_forward(host, user):
    port = FORWARDED_PORT + list(USERS).index(user)
    login = Login(forward(host, user, "-L", f"127.0.0.1:{port}:127.0.0.1:{RSYNCD_PORT}"))
    login.growing = target("forward", user)
    yield login
    login.client.expect("Authenticated", 60)
    through = f"rsync://127.0.0.1:{port}/lab/{Path(SOURCE).name}"
    client.program(host, ["rsync", "--inplace", f"--bwlimit={RATE}", through, login.growing])
    wait_until("data through the tunnel", lambda: size(host, login), 60)


def busy_sftp(host, user):
    login = Login(client.program(host, ["sftp", "-q", "-l", str(RATE * 8), f"{user}@127.0.0.1"]))
    login.growing = target("sftp", user)
    login.client.send(f"get {SOURCE} {login.growing}\n")
    return transferring(host, login)


def busy_scp(host, user):
    to = target("scp", user)
    it = client.program(host, ["scp", "-q", "-l", str(RATE * 8), f"{user}@127.0.0.1:{SOURCE}", to])
    return transferring(host, Login(it, growing=to))


def busy_rsync(host, user):
    to = target("rsync", user)
    it = client.program(host, ["rsync", "--inplace", f"--bwlimit={RATE}", f"{user}@127.0.0.1:{SOURCE}", to])
    return transferring(host, Login(it, growing=to))


def transferring(host, login):
    yield login
    wait_until("a growing file", lambda: size(host, login), 60)


def target(kind, user):
    return f"/var/tmp/lab-{kind}-{user}"


def size(host, login):
    with contextlib.suppress(OSError):
        return host.path(login.growing).stat().st_size
    return 0


KINDS = {
    "a shell, nobody types": shell,
    "a shell that prints every second": printing_shell,
    "a shell of another user by su, typed in": typing_su,
    "tmux, attached and typed in": typing_tmux,
    "tmux, detached": detached_tmux,
    "two shells by ControlMaster, one typed in": control_master,
    "a command without a terminal, waiting": command,
    "a command without a terminal, computing": computing,
    "sftp, idle": idle_sftp,
    "sftp, at work": busy_sftp,
    "scp, at work": busy_scp,
    "rsync, at work": busy_rsync,
    "ssh -N, quiet": quiet_forward,
    "ssh -N with ServerAliveInterval=5": keepalive_forward,
    "ssh -N, data through a forwarding": busy_forward,
}


def documented():
    """Returns the table of the manual page: {kind: {idle_activity: "ended" or "kept"}}."""
    _, found, rest = PAGE.read_text(encoding="utf-8").partition(f'.\\" {MARK}')
    assert found, f"{PAGE} has no comment with {MARK}"
    rows = [cells(line) for line in rest[: rest.index("\n.El")].splitlines() if line.startswith(".It ")]
    heads = rows[0][1:]
    return {row[0]: dict(zip(heads, row[1:], strict=True)) for row in rows[1:]}


def cells(line):
    """Returns the texts of a row of an mdoc(7) column list."""
    texts = line.removeprefix(".It ").split(" Ta ")
    return [re.sub(r"^(Sy|Em|Li|Ql) ", "", text).replace(r"\-", "-").strip('"') for text in texts]


def test_manual_page_lists_every_kind_of_login():
    page = documented()
    assert set(page) == set(KINDS)
    assert {tuple(row) for row in page.values()} == {tuple(USERS.values())}


def test_idle_activity_matches_manual_page(host, saw):
    host.policy("version = 1\n" + "".join(map(rule, USERS)))
    host.sh(f"truncate -s 1G {SOURCE}; chmod 644 {SOURCE}; rm -f /var/tmp/lab-*-*")
    serve_files(host)
    since = time.monotonic()
    logins = {}
    with typist(logins):
        log_all_in(host, logins)
        there = sum(login.ended_at is None for login in logins.values())
        saw(f"{len(logins)} logins in {time.monotonic() - since:.1f} s; {there} of them were open then")
        sizes = {cell: size(host, login) for cell, login in logins.items() if login.growing}
        time.sleep(WATCHED)

    became = {kind: {USERS[user]: fate(logins[kind, user]) for user in USERS} for kind in KINDS}
    for kind, row in became.items():
        saw(f"{kind:41} | " + " | ".join(f"{head}: {row[head]}" for head in row))
    page = documented()
    differences = [
        f"{kind}, [{head}]: the page has {page[kind][head]!r}, the result is {is_so!r}; its client printed:\n"
        f"{logins[kind, user].client.output[-2000:]}"
        for kind, row in became.items()
        for user, (head, is_so) in zip(USERS, row.items())
        if page[kind][head] != is_so
    ]
    assert not differences, "\n".join(differences)
    judge_ended(host, saw, logins, since)
    judge_kept(host, logins, sizes)


def rule(user):
    words = ", ".join(f'"{word}"' for word in USERS[user].split(", "))
    return (
        f'[[rule]]\nname = "{user}"\nmatch.user = "{user}"\nidle_timeout = "{TIMEOUT}s"\n'
        f'warn_before = ["4s"]\nidle_activity = [{words}]\n'
    )


def serve_files(host):
    config = f"use chroot = no\naddress = 127.0.0.1\nport = {RSYNCD_PORT}\n[lab]\npath = /var/tmp\n"
    host.write("/etc/lab-rsyncd.conf", config)
    host.sh("systemd-run --quiet --collect --unit=lab-rsyncd rsync --daemon --no-detach --config=/etc/lab-rsyncd.conf")


def log_all_in(host, logins):
    """Starts every kind of login of every user concurrently: logins[kind, user]."""
    begun = []
    for kind, begin in KINDS.items():
        for user in USERS:
            steps = begin(host, user)
            logins[kind, user] = next(steps)
            begun.append(steps)
            time.sleep(PACE)
    with ThreadPoolExecutor(len(begun)) as pool:
        for _ in pool.map(lambda steps: next(steps, None), begun):
            pass


@contextlib.contextmanager
def typist(logins):
    """Presses a key at regular intervals in every login with typed_in, including later ones."""
    done = threading.Event()

    def type_on():
        while not done.wait(TYPED_EVERY):
            for terminal in [login.typed_in for login in list(logins.values())]:
                if terminal and terminal.running:
                    terminal.send("\n")

    thread = threading.Thread(target=type_on, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def fate(login):
    return "ended" if login.ended_at else "kept"


def judge_ended(host, saw, logins, since):
    """Checks that no session was terminated early, and that the reason was idleness."""
    ended = {cell: login for cell, login in logins.items() if login.ended_at}
    for user in USERS:
        number = sum(of == user for _, of in ended)
        reasons = host.end_reasons(user, since, number)
        assert reasons == ["idle"] * number, (user, reasons)
        assert min(host.lived(user, since)) >= TIMEOUT
    after_key = {cell: login.ended_at - login.last_key for cell, login in ended.items() if login.last_key}
    assert all(TIMEOUT <= seconds for seconds in after_key.values()), after_key
    lived = [seconds for user in USERS for seconds in host.lived(user, since)]
    saw(f"idle_timeout {TIMEOUT}s: {len(ended)} terminated {min(lived):.1f} to {max(lived):.1f} s after their login, "
        f"with a terminal {min(after_key.values()):.1f} to {max(after_key.values()):.1f} s after their last key")


def judge_kept(host, logins, sizes):
    """Checks that the other sessions are open and were active to the end."""
    kept = {cell: login for cell, login in logins.items() if not login.ended_at}
    for user in USERS:
        assert len(host.sessions(user)) == sum(of == user for _, of in kept)
    for cell, was in sizes.items():
        assert size(host, logins[cell]) > was, cell
    for login in kept.values():
        if login.typed_in:
            at = len(login.typed_in.output.encode())
            login.typed_in.send("echo still $((40 + 2))\n")
            login.typed_in.expect("still 42", 20, at)
