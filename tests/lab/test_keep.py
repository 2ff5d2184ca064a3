# SPDX-License-Identifier: MIT
"""A key between the warning and the end keeps a session, at once and as often as it comes, wherever it is typed."""

import itertools
import time

from lab import client
from lab.machine import wait_until
from lab.text import KEPT, WARNING

IDLE, WARN = 12, 8
ROUNDS = 10
STEP = 8  # seconds: the kernel moves a terminal's clock in such steps, so that an end may be as much late, never early
AT_ONCE = 3  # seconds, of which a machine with nothing else to do needs some hundredths
LATE = 6  # seconds that a busy machine may take for an end that is due

# Seconds from the warning to the key: at once, in the middle, and just before the end.
MOMENTS = (0.0, 3.0, 5.5)

DRAWN = r"\[keep\]"  # in tmux's status line: it has drawn its screen


def test_ten_times_in_a_row(host, saw):
    host.limit("alice", f'idle_timeout = "{IDLE}s"\nwarn_before = ["{WARN}s"]')
    since = time.monotonic()
    shell = client.shell(host, "alice")
    at = shell.prompt().end
    key, kept_after, warned_after = shell.send(" "), [], []
    for _, moment in zip(range(ROUNDS), itertools.cycle(MOMENTS)):
        warned = shell.expect(WARNING, IDLE + STEP, at)
        warned_after.append(warned.at - key)
        assert warned_after[-1] >= IDLE - WARN
        time.sleep(moment)
        key = shell.send(" ")
        kept = shell.expect(KEPT, WARN, warned.end)
        kept_after.append(kept.at - key)
        assert kept_after[-1] <= AT_ONCE
        at = kept.end
    shell.wait(IDLE + STEP + LATE)
    lived = shell.ended_at - key
    assert IDLE <= lived <= IDLE + STEP + LATE
    assert [len(host.events(each, "alice", since)) for each in ("kept", "warned", "ended")] == [ROUNDS, ROUNDS + 1, 1]
    saw(f"idle_timeout {IDLE}s: warned {ROUNDS} times, {min(warned_after):.1f} to {max(warned_after):.1f} s after the last "
        f"key; each time a key, and {max(kept_after):.2f} s later at most the user reads that it stays")
    saw(f"without another key gone {lived:.1f} s after the last one")


def test_wherever_it_is_typed(host, saw):
    """Four sessions, each of which has its own way in which the key comes."""
    host.limit("alice", 'idle_timeout = "25s"\nwarn_before = ["18s"]')
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
    saw("a key, and its session's first terminal says that it stays: "
        + ", ".join(f"{way} {took:.2f} s" for way, took in seen.items()))
    assert max(seen.values()) <= AT_ONCE, seen
    assert all(first.running for first, _ in sessions.values())
    assert len(host.events("kept", "alice")) >= len(ways)


def multiplexed(host, number):
    """A shell of a connection that others can share, and how to open one more."""
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
        # A shell that opens says nothing of anybody being there yet; and it is one session all the time.
        assert not first.find(KEPT) and len({each.id for each in host.sessions("alice")}) == 4
        at = second.send("x")
        second.expect("x", 5, end)
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
