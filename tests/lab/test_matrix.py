# SPDX-License-Identifier: MIT
"""Activity of each kind of login under each idle_activity, compared with the table of the manual page."""

import contextlib
import random
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lab import client, logins as kinds
from lab.machine import Gone, wait_until

PAGE = Path(__file__).resolve().parents[2] / "man" / "sesslimit.toml.5"
MARK = "tests/lab/test_matrix.py"  # in a comment before the table

# The users and their idle_activity, as in the heads of the table.
USERS = {"alice": "input", "bob": "input, network", "carol": "input, network, output, cpu"}

TIMEOUT = 30  # seconds; a terminal has timestamps in steps of 8
WATCHED = 2.5 * TIMEOUT  # seconds after the last login
USED_EVERY = 4, 8  # seconds; not at regular intervals, because those are background traffic
PACE = 0.15  # seconds between the starts of two clients

KINDS = {
    "a shell, nobody types": kinds.shell,
    "a shell that prints every second": kinds.printing_shell,
    "a shell with tail -f of a log": kinds.tail_in_shell,
    "a shell with ssh to a host, top runs there": kinds.top_elsewhere,
    "a shell with irssi, which answers PING": kinds.answering,
    "a shell with -L, queries are sent": kinds.tunnel(client.shell),
    "a shell, rsync by ControlMaster at work": kinds.transfer_beside_shell("rsync"),
    "a shell, scp by ControlMaster at work": kinds.transfer_beside_shell("scp"),
    "a shell of another user by su, typed in": kinds.typing_su,
    "tmux, attached and typed in": kinds.typing_tmux,
    "tmux, detached": kinds.detached_tmux,
    "two shells by ControlMaster, one typed in": kinds.control_master,
    "a command without a terminal, waiting": kinds.command,
    "a command without a terminal, computing": kinds.computing,
    "a command without a terminal, printing": kinds.lines,
    "sftp, idle": kinds.idle_sftp,
    "sftp, at work": kinds.transferring("sftp"),
    "scp, at work": kinds.transferring("scp"),
    "rsync, at work": kinds.transferring("rsync"),
    "ssh -N, quiet": kinds.quiet_forward,
    "ssh -N with ServerAliveInterval=5": kinds.keepalive_forward,
    "ssh -N, data through a forwarding": kinds.busy_forward,
    "ssh -N, an editor that is left alone": kinds.left_alone_editor,
    "ssh -J to a host, typed in": kinds.through,
    "ssh -J to a host, a program prints there": kinds.printing_elsewhere,
    "ssh -J to a host, ServerAliveInterval=5": kinds.keepalives_inside,
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
    page, logins, seed = documented(), {}, random.randrange(10**6)
    with kinds.serving(host):
        since = time.monotonic()
        with users(logins, random.Random(seed)):
            log_all_in(host, logins)
            there = sum(login.ended_at is None for login in logins.values())
            took = time.monotonic() - since
            saw(f"{len(logins)} logins in {took:.1f} s; {there} of them were open then; seed {seed}")
            sizes = {cell: kinds.size(host, login) for cell, login in logins.items() if login.growing}
            time.sleep(WATCHED)
            # On a busy machine, regular traffic may arrive irregularly. A session is then kept for longer.
            ending = [login for (kind, user), login in logins.items() if page[kind][USERS[user]] == "ended"]
            with contextlib.suppress(Gone):
                wait_until("the terminations", lambda: all(login.ended_at for login in ending), 3 * TIMEOUT)

    became = {kind: {USERS[user]: fate(logins[kind, user]) for user in USERS} for kind in KINDS}
    for kind, row in became.items():
        saw(f"{kind:44} | " + " | ".join(f"{head}: {row[head]}" for head in row))
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
def users(logins, chance):
    """Uses every login at intervals, including later ones."""
    done = threading.Event()

    def use_all():
        while not done.wait(chance.uniform(*USED_EVERY)):
            for login in list(logins.values()):
                if not login.ended_at:
                    with contextlib.suppress(OSError):  # the session may have been terminated
                        login.use(chance)

    thread = threading.Thread(target=use_all, daemon=True)
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
        assert kinds.size(host, logins[cell]) > was, cell
    for login in kept.values():
        if login.typed_in:
            at = len(login.typed_in.output.encode())
            login.typed_in.send("echo still $((40 + 2))\n")
            login.typed_in.expect("still 42", 20, at)
