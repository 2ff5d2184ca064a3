# SPDX-License-Identifier: MIT
"""at_limit: a new login gets the slot of an older session, but only after that session has been terminated."""

import time

import pytest

from lab import client, ctl
from lab.machine import wait_until
from lab.shells import ShellCount
from lab.text import DISPLACED

LIMIT = 3
RATE = 5  # displacements within a minute, after which logins are denied
DENIED = "limit of 3 sessions reached"
PASSED = "a newer login from "


@pytest.mark.storm
def test_twenty_concurrent_logins_displace_oldest_within_limit(host, saw):
    host.limit("alice", f'max_sessions = {LIMIT}\nat_limit = "end-oldest"')
    watch = ctl.watch(host, "--json=short")
    since = time.monotonic()
    with ShellCount(host, "alice") as shells:
        held = [client.shell(host, "alice") for _ in range(LIMIT)]
        assert [each.verdict() for each in held] == [True] * LIMIT
        began = time.monotonic()
        logins = [client.shell(host, "alice") for _ in range(20)]
        admitted = [each for each in logins if each.verdict()]
        everyone = held + logins
        wait_until("3 sessions left", lambda: sum(each.running for each in everyone) == LIMIT, 15)
        took = time.monotonic() - began
        time.sleep(1)

    displaced = [each for each in held + admitted if not each.running]
    denied = [each for each in logins if each not in admitted]
    saw(f"limit 3 with 3 shells open, 20 logins at once: {len(admitted)} admitted and {len(displaced)} terminated for "
        f"them, {len(denied)} denied, 3 open after {took:.1f} s")
    saw(f"concurrent shells: at most {shells.most} ({shells.looks} counts, "
        f"at most {shells.longest_gap * 1000:.0f} ms apart)")
    assert shells.most == LIMIT
    assert [each.output for each in displaced if not each.find(DISPLACED)] == []
    assert [each.output for each in denied if DENIED not in each.output] == []
    assert not any(each.running for each in held)
    # One decision displaces at most LIMIT sessions. After RATE displacements, logins are denied. On a busy host, fewer
    # sessions are displaced, because more logins arrive while older ones still wait for a slot, and displace those.
    assert LIMIT <= len(displaced) < RATE + LIMIT, len(displaced)
    assert len(host.events("displacement-limited", "alice", since)) == (1 if len(displaced) >= RATE else 0)

    # The journal's keys are assigned in the order of the requests: exactly the newest admitted logins are open. The
    # journal has only the number of the denials, while the bus reports each of them.
    reasons = host.end_reasons("alice", since, len(displaced))
    wait_until("the denials", lambda: watch.output.count('"event":"denied"') == len(denied), 10)
    let_in = [int(each.key) for each in host.events("admitted", "alice", since)]
    told = ctl.watched(watch)
    turned_away = {int(each["session"]["key"]): each["session"]["reason"] for each in told if each["event"] == "denied"}
    ended = [int(each.key) for each in host.events("ended", "alice", since)]
    assert len(let_in) == len(held) + len(admitted) and len(turned_away) == len(denied)
    assert [key for key in let_in if key not in ended] == sorted(let_in)[-LIMIT:]
    assert set(reasons) == {"displaced"}
    assert all(PASSED in reason or DENIED in reason for reason in turned_away.values()), turned_away
    saw(f"the last {LIMIT} admitted logins are open; each displaced user reads: {displaced[0].find(DISPLACED).text}")


@pytest.mark.storm
def test_each_login_in_sequence_displaces_oldest_session(host, saw):
    host.limit("alice", f'max_sessions = {LIMIT}\nat_limit = "end-oldest"')
    shells, slowest = [], 0.0
    with ShellCount(host, "alice") as count:
        for number in range(LIMIT + RATE):
            shell = client.shell(host, "alice")
            assert shell.verdict(), shell.output
            slowest = max(slowest, shell.prompt().at - shell.started_at)
            shells.append(shell)
            if number >= LIMIT:
                shells[-1 - LIMIT].wait(10)
                shells[-1 - LIMIT].expect(DISPLACED, 1)
            assert all(each.running for each in shells[-LIMIT:])
        last = client.shell(host, "alice")
        assert not last.verdict() and DENIED in last.output, last.output
        assert all(each.running for each in shells[-LIMIT:])
    assert count.most == LIMIT
    saw(f"{LIMIT + RATE} logins in sequence, limit 3: each admitted, the slowest after {slowest:.2f} s; each time the "
        f"oldest session is terminated with the reason; at most {count.most} shells; after {RATE} displacements the "
        "next login is denied")


def test_displaced_session_that_ignores_signals_is_killed(host, saw):
    host.limit("alice", 'max_sessions = 1\nat_limit = "end-oldest"')
    since = time.monotonic()
    stubborn = client.command(host, "alice", "trap '' TERM HUP; echo here; while :; do sleep 1; done")
    stubborn.expect("here", 20)
    time.sleep(2)  # a session that has just begun first gets time to open its terminal
    newcomer = client.shell(host, "alice")
    assert newcomer.verdict(), newcomer.output
    took = newcomer.prompt().at - newcomer.started_at
    # The session's client exits with the connection. The session's processes run until they are killed.
    wait_until("the end of the session that ignores signals", lambda: host.events("ended", "alice", since), 10)
    assert len(host.events("forced", "alice", since)) == 1
    again = client.shell(host, "alice")
    assert again.verdict(), again.output
    saw(f"a session that ignores TERM and HUP is killed; the new login is admitted {took:.2f} s after its start, and "
        "so is the next one")


@pytest.mark.parametrize("at_limit", ["end-idlest", "end-oldest"])
def test_at_limit_selects_the_displaced_session(host, at_limit, saw):
    host.limit("alice", f'max_sessions = 2\nat_limit = "{at_limit}"')
    older = client.shell(host, "alice")
    assert older.verdict()
    younger = client.shell(host, "alice")
    assert younger.verdict()
    # The kernel updates the time of the last input in steps of 8 s. The older session's key must be in a later step.
    time.sleep(17)
    older.send("echo he''re\n")
    older.expect("here", 10)
    newcomer = client.shell(host, "alice")
    assert newcomer.verdict(), newcomer.output
    took = newcomer.prompt().at - newcomer.started_at
    ended, stays = (older, younger) if at_limit == "end-oldest" else (younger, older)
    ended.wait(10)
    ended.expect(DISPLACED, 1)
    assert stays.running and newcomer.running
    saw(f"{at_limit}, last input of the older session a moment ago, of the younger one 17 s ago: the "
        f"{'older' if ended is older else 'younger'} one is terminated; the new shell after {took:.2f} s")
