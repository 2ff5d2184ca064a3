# SPDX-License-Identifier: MIT
"""mode = "observe": no login is denied and no session terminated, but both are logged. Then the limits are enforced."""

import time

from lab import client, ctl
from lab.machine import wait_until
from lab.text import WARNING

LIMITS = 'max_sessions = 1\nmax_duration = "10s"\nwarn_before = ["5s"]'
ENDED = "This session was terminated: maximum duration of 10s reached"


def would_ends(host, since, count):
    found = host.events("would-end", "alice", since)
    return found if len(found) == count else None


def test_observed_limits_are_logged_and_enforced_after_reload(host, saw):
    host.limit("alice", f'{LIMITS}\nmode = "observe"')
    since = time.monotonic()
    watch = ctl.watch(host, "--json=short")
    shells = [client.shell(host, "alice") for _ in range(3)]
    assert [each.verdict() for each in shells] == [True] * 3
    would_end, _ = wait_until("3 would-end events", lambda: would_ends(host, since, 3), 20)
    time.sleep(5)
    assert all(each.running for each in shells)
    assert all("session" not in each.output for each in shells), [each.output for each in shells]
    told = [(each.event, each.reason) for each in host.events(user="alice", since=since)]
    assert sorted(told) == sorted(
        [("admitted", "")] * 3 + [("would-deny", "limit-reached")] * 2 + [("would-end", "duration")] * 3
    )
    watched = ctl.watched(watch)
    assert sorted(each["event"] for each in watched if each["session"]) == sorted(event for event, _ in told)
    saw("observe, limit 1 and 10s: 3 of 3 admitted and open after 15 s without a notice; the journal and watch have "
        f"2 would-deny and {len(would_end)} would-end")
    saw(host.events("would-deny", "alice", since)[0].message)

    reloaded = time.monotonic()
    host.limit("alice", LIMITS)
    denied = client.shell(host, "alice")
    assert not denied.verdict() and "limit of 1 session reached" in denied.output
    for each in shells:
        each.expect(WARNING, 10)
        each.wait(30)
        each.expect(ENDED, 1)
    host.wait_clean("alice")
    assert set(host.end_reasons("alice", reloaded, len(shells))) == {"duration"}
    warned = {each.key: each.at for each in host.events("warned", "alice", reloaded)}
    grace = min(each.at - warned[each.key] for each in host.events("ended", "alice", reloaded))
    assert grace >= 5
    over = host.events("over-limit", "alice", reloaded)
    assert len(over) == 1
    saw(f"enforce by reload: a new login is denied; the 3 sessions past their limit are warned at once and terminated "
        f"{grace:.1f} s later (warn_before 5s); {over[0].message}")
