# SPDX-License-Identifier: MIT
"""Terminals that accept no output, and names that are escape sequences: the daemon neither blocks nor outputs them."""

import base64
import json
import os
import re
import signal
import time

from lab import client, console, ctl
from lab.host import seconds_of
from lab.machine import wait_until
from lab.text import WARNING, interpreted
from lab.wire import Asker, open_frame

DURATION, WARN = 25, 10
LATE = 15  # seconds that a busy machine may be late
LOGIN = 10  # seconds for a concurrent login of another user

ENDED = f"This session was terminated: maximum duration of {DURATION}s reached"

# Sets the title, changes the color and clears the screen, also with C1 controls; a forged line, and reversed text.
ESCAPES = "\x1b]0;PWNED\x07\x1b[7;35m\x1b[2J\u009b5m\r\nroot logged in\b\x7f\u202ednammoc\\"
RAW = b"\x1b]0;PWNED\x07\x1b[7;35m\x9b5m\r\n\x90q\x9c\x08\x7f\xff\xfe\xe2\x80\xae\\"
STARTS = re.compile("\x1b\\]0;PWNED|\x1b\\[7;35m|\x1b\\[2J|\u009b|\u202e")


def bomb(size: int) -> str:
    """Returns escape sequences of at most this size in bytes, in whole characters."""
    return (ESCAPES * (size // len(ESCAPES) + 1)).encode()[:size].decode(errors="ignore")


def raw_bomb(size: int) -> bytes:
    return (RAW * (size // len(RAW) + 1))[:size]


class Others:
    """Logins of another user, which must not be delayed."""

    def __init__(self, host):
        self._host = host
        self.slowest = 0.0
        self.count = 0

    def log_in(self):
        login = client.command(self._host, "bob", "true")
        assert login.wait(LOGIN + 20) == 0, login.output
        login.close()
        self.slowest = max(self.slowest, login.ended_at - login.started_at)
        self.count += 1
        assert self.slowest <= LOGIN


def test_blocked_terminals_do_not_delay_terminations_or_logins(host, saw):
    host.limit("alice", f'max_duration = "{DURATION}s"\nwarn_before = ["{WARN}s"]')
    since = time.monotonic()
    stopped, raw, closed, before, after = [client.shell(host, "alice") for _ in range(5)]
    prompts = {each: each.prompt() for each in (stopped, raw, closed, before, after)}
    raw.send("stty raw -echo; echo 'r'aw; cat >/dev/null\n")
    begun = raw.expect("raw\n", 10, prompts[raw].end)
    closed.send("chmod go-w $(tty); stat -c '(%a)' $(tty)\n")  # mesg n; Debian 13 has no mesg
    closed.expect(r"\(600\)", 10)
    stop(host, stopped)

    others = Others(host)
    while time.monotonic() - since < DURATION + 2:
        others.log_in()
        time.sleep(0.5)
    os.kill(stopped.pid, signal.SIGCONT)
    for each in (before, after, raw, closed):
        each.wait(LATE)
        warning, reason = each.expect(WARNING, 1), each.expect(ENDED, 1)
        assert warning.at - each.started_at >= DURATION - WARN
        assert warning.at - prompts[each].at <= DURATION - WARN + LATE
        assert warning.end < reason.end
    host.wait_clean("alice")
    assert host.end_reasons("alice", since, 5) == ["duration"] * 5
    lived = host.lived("alice", since)
    assert all(DURATION <= seconds <= DURATION + LATE for seconds in lived), lived
    # In raw mode a line does not begin in the column at which the last one ended.
    notices = raw.output[begun.end :].rpartition(ENDED)[0]
    assert WARNING in notices and not re.search("[^\r]\n", notices), repr(notices)
    untold = [line for line in host.journal_text(since).splitlines() if "Failed to write a notice to a terminal" in line]
    assert len(untold) == 2, untold  # the full terminal accepted neither the warning nor the reason
    saw(f"a stopped client with a full pty and a full TCP window, a raw terminal, one of mode 0600, and two shells: "
        f"all five terminated {min(lived):.2f} to {max(lived):.2f} s after admission ({DURATION} s); others read why")
    saw(f"meanwhile {others.count} logins of another user, the slowest {others.slowest:.2f} s; the journal: {untold[0]}")


def stop(host, shell):
    """Stops the shell's client while a program prints, and waits until the pty and the connection are full."""
    end = shell.prompt().end
    shell.send("tty; exec yes\n")
    tty = shell.expect("/dev/pts/[0-9]+", 10, end).text
    os.kill(shell.pid, signal.SIGSTOP)
    ask = ("ss", "-Htn", "state", "established", "( sport = :22 )")
    is_queued = lambda: any(int(line.split()[1]) > 0 for line in host.run(*ask).stdout.splitlines())
    wait_until("a full pty and connection", lambda: is_full(host.path(tty)) and is_queued(), 20, every=0.5)


def is_full(tty):
    """Returns whether a write to the terminal would block, now and a moment later."""
    fd = os.open(tty, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
    try:
        for _ in range(3):
            os.write(fd, b"x")
            return False
    except BlockingIOError:
        time.sleep(0.3)
        try:
            os.write(fd, b"x")
            return False
        except BlockingIOError:
            return True
    finally:
        os.close(fd)


POLICY = """version = 1
[[rule]]
name = "one"
match.uid = ["4242"]
max_sessions = 1
[[rule]]
name = "displaced"
match.user = ["carol"]
max_sessions = 1
at_limit = "end-oldest"
"""


def test_escape_sequences_in_names_are_not_output(host, saw):
    host.policy(POLICY)
    since = time.monotonic()
    others = Others(host)
    watching = client.program(host, ["sesslimitctl", "watch"], terminal=True)
    consoles = hosts_at_login(host, others)
    askers, denial = everything_on_the_wire(host, others)
    displaced = displaced_by(host, askers)
    consoles.append(user_of_that_name(host, others))
    forged = names_at_sshd(host)
    consoles += adopted(host)
    askers[0].ask(ask_as(b"dave", 4244, rhost=raw_bomb(255)))
    others.log_in()

    printed = all_that_is_shown(host)
    printed["denial"] = denial
    wrong = {what: found for what, text in printed.items() if (found := interpreted(text))}
    assert wrong == {}
    assert rb"\x1b]0;PWNED" in printed["list"], printed["list"]
    on_terminal = [watching, *listed_on_terminal(host), displaced]
    for each in on_terminal:
        assert "PWN" in each.output and not STARTS.search(each.output), repr(each.output)
    entries = journal_of_ours(host, since)
    assert [each for each in entries if not isinstance(each, str) or interpreted(each)] == []
    saw(f"{len(consoles)} logins by login(1), {forged} names at sshd, {len(askers)} processes with raw frames: the "
        f"slowest of {others.count} other logins meanwhile {others.slowest:.2f} s")
    saw(f"no control byte in {len(printed)} outputs of sesslimitctl, {len(on_terminal)} terminals, {len(entries)} "
        f"texts of the journal; for example {displaced_line(displaced)}")
    for each in askers:
        each.close()


def hosts_at_login(host, others):
    """Logs in with login -h HOST -f alice, which sets PAM_RHOST to any given text."""
    found = []
    if not host.path("/etc/pam.d/remote").exists():
        host.write("/etc/pam.d/remote", host.read("/etc/pam.d/login"))
    for size in (10000, 255, 40):
        terminal = console.console(host, "-h", bomb(size), "-f", "alice")
        terminal.prompt()
        others.log_in()
        found.append(terminal)
    wait_until("the sessions in the list", lambda: len(ctl.data(host, "sessions", "list")) >= 3, 10)
    return found


def everything_on_the_wire(host, others):
    """Sends open requests with each text at its maximum length and beyond.

    Returns the processes that sent them, and the text of a denial.
    """
    first, second, third = Asker(host), Asker(host), Asker(host)
    texts = {"tty": 64, "ruser": 255, "auth_info": 8192, "connection": 128, "seat": 64}
    whole = {name: raw_bomb(size) for name, size in texts.items()}
    assert first.ask(ask_as(raw_bomb(255), 4242, service=raw_bomb(64), rhost=raw_bomb(255), **whole)).outcome == "admitted"
    denied = second.ask(ask_as(raw_bomb(255), 4242, rhost=raw_bomb(255)))
    assert denied.outcome == "denied" and b"PWNED" in denied.text, denied
    for too_long in ({"user": raw_bomb(10000)}, {"rhost": raw_bomb(10000)}, {"auth_info": raw_bomb(40000)}):
        assert third.ask(ask_as(**{"user": b"x", "uid": 4243, **too_long})).outcome == "failed"
    assert third.ask(ask_as(raw_bomb(200), 4243, rhost=b"\xf0\x9f\x98" * 80)).outcome == "admitted"
    others.log_in()
    return [first, second, third], denied.text


def ask_as(user, uid, **fields):
    asked = {"service": b"sshd", "gids": [uid], "budget": 2000, **fields}
    return open_frame(user=user, uid=uid, **asked)


def displaced_by(host, askers):
    """Returns a shell that was displaced by a login from a host with such a name."""
    shell = client.shell(host, "carol")
    shell.prompt()
    uid = int(host.run("id", "-u", "carol").stdout)
    assert askers[1].ask(ask_as(b"carol", uid, rhost=raw_bomb(255))).outcome == "admitted"
    shell.wait(20)
    displaced_line(shell)
    return shell


def displaced_line(shell):
    """Returns the reason as its user reads it, which contains the name of the host."""
    found = re.search(r"displaced by a newer login from (.*?)(?=\.\r*\n)", shell.output, re.DOTALL)
    assert found and not interpreted(found.group(0)), repr(shell.output)
    return found.group(1)[:60]


def user_of_that_name(host, others):
    """Logs in, by login(1), a user of the machine's database whose name contains escape sequences."""
    name = "eve\x1b]0;PWNED\x07\x1b[7;35m"
    with open(host.path("/etc/passwd"), "a", encoding="utf-8") as file:
        file.write(f"{name}:x:4245:4245::/tmp:/bin/sh\n")
    with open(host.path("/etc/shadow"), "a", encoding="utf-8") as file:
        file.write(f"{name}:*:19000:0:99999:7:::\n")
    terminal = console.console(host, "-f", name)
    terminal.expect(r"\$ ", 20)
    wait_until("the user in the list", lambda: r"eve\x1b" in ctl.text(host, "list"), 10)
    others.log_in()
    return terminal


def names_at_sshd(host):
    """Runs ssh -l NAME for unknown users, which sshd rejects before the module is called. Returns the number."""
    names = [bomb(60), bomb(10000), "x" * 10000]
    logins = [client.program(host, ["ssh", "-o", "BatchMode=yes", "-l", name, "127.0.0.1", "true"]) for name in names]
    assert 0 not in [each.wait(30) for each in logins]
    return len(names)


def adopted(host):
    """Opens sessions while the daemon is stopped, so that it learns their remote host from logind only."""
    host.run("systemctl", "stop", "sesslimitd.socket", "sesslimitd.service")
    terminals = [console.console(host, "-h", bomb(size), "-f", "bob") for size in (10000, 200)]
    for each in terminals:
        each.prompt()
    at = time.monotonic()
    host.start_daemon()
    wait_until("the adoption", lambda: len(host.events("adopted", "bob", at)) == 2, 20)
    return terminals


def all_that_is_shown(host):
    """Returns the output of sesslimitctl by its arguments, as bytes, so that invalid UTF-8 is detected."""
    sessions = ctl.data(host, "sessions", "list")
    assert len(sessions) >= 6, sessions
    shown = [("show", each["id"]) for each in sessions]
    calls = [("list",), ("list", "--json=short"), ("list", "--json=pretty"), *shown]
    calls += [(*each, "--json=short") for each in shown]
    return {" ".join(call): raw_output(host, call) for call in calls}


def raw_output(host, call):
    done = host.run("sh", "-c", 'exec "$@" | base64', "sh", "sesslimitctl", *call)
    return base64.b64decode(done.stdout)


def listed_on_terminal(host):
    """Runs the list command with a terminal as its output."""
    listing = client.program(host, ["sesslimitctl", "--no-pager", "list"], terminal=True)
    listing.wait(20)
    return [listing]


def journal_of_ours(host, since):
    """Returns all texts of the daemon and of the module in the journal. A text with invalid UTF-8 is not a string."""
    texts = []
    for entry in map(json.loads, host.journal("--output=json", "--all").splitlines()):
        if seconds_of(entry) < since:
            continue
        ours = entry.get("_COMM") == "sesslimitd" or "pam_sesslimit" in str(entry.get("MESSAGE"))
        texts += [value for name, value in entry.items() if ours and re.match("MESSAGE|SESSLIMIT_", name)]
    return texts
