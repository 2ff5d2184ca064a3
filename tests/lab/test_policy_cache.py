# SPDX-License-Identifier: MIT
"""A key between the warning and the termination keeps a session, immediately, repeatedly, and on any terminal of it."""

import itertools
import time

from lab import client
from lab.machine import wait_until
from lab.text import KEPT, WARNING

IDLE, WARN = 14, 10
ROUNDS = 10
STEP = 8  # seconds: granularity of a terminal's timestamps, by which a termination may be late, never early
AT_ONCE = 5  # seconds; an idle machine needs some hundredths
LATE = 15  # seconds that a busy machine may be late with a termination

# Seconds from the warning to the key: immediately, in the middle, and shortly before the termination.
MOMENTS = (0.0, 3.0, 6.0)

DRAWN = r"\[keep\]"  # in tmux's status line, once it has drawn its screen


def test_key_after_each_of_ten_warnings_keeps_session(host, saw):
    host.limit("alice", f'idle_timeout = "{IDLE}s"\nwarn_before = ["{WARN}s"]')
    since = time.monotonic()
    shell = client.shell(host, "alice")
    at = shell.prompt().end
    key, kept_after, warned_after = shell.send(" "), [], []
    for _, moment in zip(range(ROUNDS), itertools.cycle(MOMENTS)):
        warned = shell.expect(WARNING, IDLE + STEP + LATE, at)
        warned_after.append(warned.at - key)
        assert warned_after[-1] >= IDLE - WARN
        time.sleep(max(0.0, warned.at + moment - time.monotonic()))
        key = shell.send(" ")
        kept = shell.expect(KEPT, WARN, warned.end)
        kept_after.append(kept.at - key)
        assert kept_after[-1] <= AT_ONCE
        at = kept.end
    shell.wait(IDLE + STEP + LATE)
    lived = shell.ended_at - key
    assert IDLE <= lived <= IDLE + STEP + LATE
    assert host.end_reasons("alice", since) == ["idle"]
    assert [len(host.events(each, "alice", since)) for each in ("kept", "warned")] == [ROUNDS, ROUNDS + 1]
    saw(f"idle_timeout {IDLE}s: warned {ROUNDS} times, {min(warned_after):.1f} to {max(warned_after):.1f} s after the "
        f"last key; each time a key, confirmed after at most {max(kept_after):.2f} s")
    saw(f"without another key terminated {lived:.1f} s after the last one")


def test_key_on_any_terminal_keeps_session(host, saw):
    """Four sessions, each of which gets its key in a different way."""
    host.limit("alice", 'idle_timeout = "60s"\nwarn_before = ["53s"]')
    ways = {
        "on the second shell of a connection": second_shell,
        "on a shell that was opened after the warning": later_shell,
        "in tmux": in_tmux,
        "read raw, a byte at a time": raw,
    }
    sessions = {way: begin(host, number) for number, (way, begin) in enumerate(ways.items())}
    warned = {way: first.expect(WARNING, 40).end for way, (first, _) in sessions.items()}
    typed = {way: type_key() for way, (_, type_key) in sessions.items()}
    seen = {way: first.expect(KEPT, 20, warned[way]).at - typed[way] for way, (first, _) in sessions.items()}
    saw("a key, and the session's first terminal confirms that it stays open: "
        + ", ".join(f"{way} {took:.2f} s" for way, took in seen.items()))
    assert max(seen.values()) <= AT_ONCE, seen
    assert all(first.running for first, _ in sessions.values())
    assert len(host.events("kept", "alice")) >= len(ways)


def multiplexed(host, number):
    """Returns a shell of a connection that others can share, and a function that opens another one."""
    path = f"/root/control-{number}"
    first = client.shell(host, "alice", ["-M", "-S", path])
    first.prompt()
    return first, lambda: client.shell(host, "alice", ["-S", path])


def second_shell(host, number):
    first, another = multiplexed(host, number)
    second = another()
    second.prompt()
    return first, lambda: second.send(" ")


def later_shell(host, number):
    first, another = multiplexed(host, number)

    def type_key():
        second = another()
        end = second.prompt().end
        # A new shell alone is not activity. Together with the first one it is one session.
        assert not first.find(KEPT) and len({each.id for each in host.sessions("alice")}) == 4
        at = second.send("x")
        second.expect("x", 20, end)
        return at

    return first, type_key


def in_tmux(host, _):
    shell = client.shell(host, "alice")
    shell.prompt()
    shell.send("tmux -L keep new -s keep\n")
    shell.expect(DRAWN, 20)
    return shell, lambda: shell.send(" ")


def raw(host, _):
    shell = client.shell(host, "alice")
    end = shell.prompt().end
    shell.send("stty raw -echo; printf read'y\\r\\n'; dd bs=1 count=1 of=/tmp/key 2>/dev/null; stty sane\n")
    shell.expect("ready\r\n", 10, end)

    def type_key():
        at = shell.send("k")
        wait_until("the key", lambda: host.path("/tmp/key").exists() and host.read("/tmp/key") == "k", 10)
        return at

    return shell, type_key
