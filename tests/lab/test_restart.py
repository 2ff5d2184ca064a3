# SPDX-License-Identifier: MIT
"""Restarts and crashes of the daemon lose no session and no login."""

import re
import time

import pytest

from lab import client
from lab.machine import wait_until

WAYS = {
    "systemctl restart": lambda host: host.run("systemctl", "restart", "sesslimitd.service"),
    "kill -9": lambda host: host.sh('pid=$(systemctl show -P MainPID sesslimitd); [ "$pid" = 0 ] || kill -9 "$pid"'),
}
ROUNDS, LOGINS, TIMES = 3, 10, 4
LONGEST_WAIT = 10
DURATION = 45
LATE = 15  # seconds that a busy host may be late


@pytest.mark.storm
def test_restarts_and_crashes_lose_no_session_or_login(host, saw):
    host.limit("alice", f'max_sessions = 3\nmax_duration = "{DURATION}s"')
    since = time.monotonic()
    held = [client.shell(host, "alice"), client.shell(host, "alice")]
    assert [each.verdict() for each in held] == [True, True]
    ids = [each.id for each in host.sessions("alice")]

    told = []
    for way in WAYS:
        began, counts, slowest = time.monotonic(), [], 0.0
        for _ in range(ROUNDS):
            logins = [client.shell(host, "alice") for _ in range(LOGINS)]
            for _ in range(TIMES):  # about as long as the logins take to arrive
                WAYS[way](host)
                time.sleep(0.1)
            admitted = [each for each in logins if each.verdict()]
            counts.append(len(admitted))
            slowest = max(slowest, *(answered(each) - each.started_at for each in logins))
            told += [starts(each) for each in logins if each not in admitted]
            finish(host, logins, admitted)
        answers = host.events("denied", "alice", began) + host.events("admitted", "alice", began)
        assert counts == [1] * ROUNDS
        # All logins reached the daemon, and none was admitted without it. Each denied user has read the reason.
        assert len(host.events("admitted", "alice", began)) == ROUNDS
        assert slowest <= LONGEST_WAIT
        waited = answered_at_once(host, answers, began)
        assert waited > 0, "no login arrived while the daemon was not running"
        saw(
            f"{way} {TIMES} times in each of {ROUNDS} rounds of {LOGINS} logins: admitted {counts} (1 was free), none "
            f"lost; {waited} had to wait for a new daemon; slowest reply {slowest:.2f} s after the client's start"
        )
    assert time.monotonic() - since < DURATION and all(each.running for each in held)

    # A denial shows ages in whole seconds, and is read a moment later.
    drift = max(max(each[name] for each in told) - min(each[name] for each in told) for name in ids)
    assert drift <= 5, told
    for each in held:
        each.wait(DURATION + LATE)
    host.wait_clean("alice")
    assert host.end_reasons("alice", since, 2) == ["duration"] * 2
    lived = host.lived("alice", since)
    assert len(lived) == 2 and all(DURATION <= seconds <= DURATION + LATE for seconds in lived), lived
    saw(
        f"the 2 first shells stay open, {len(told)} denials show the same start of them (± {drift:.1f} s); "
        f"max_duration {DURATION}s: terminated {', '.join(f'{seconds:.2f} s' for seconds in lived)} after admission"
    )


def answered_at_once(host, answers, since):
    """Returns how many replies a daemon sent in its first 0.1 s, to logins that had arrived before it started."""
    started = {each.pid: each.at for each in host.events("policy-loaded", since=since)}
    return sum(each.at - started[each.pid] < 0.1 for each in answers if each.pid in started)


def finish(host, logins, admitted):
    """Checks that the denied logins have ended with the reason, and logs out the admitted one."""
    for each in logins:
        if each in admitted:
            assert each.log_out() == 0
        else:
            assert each.wait(20) == 254 and "limit of 3 sessions reached" in each.output, each.output
        each.close()
    wait_until("2 sessions", lambda: len(host.sessions("alice")) == 2, 15)


def answered(login):
    """Returns when the client had the result: its prompt, or the reason of the denial."""
    return login.expect(client.PROMPT + "|sessions? reached", 1).at


def starts(denied):
    """Returns when each open session began, by logind's ID, from the ages (in brackets) in a denial."""
    told = re.findall(r"session (\S+) .*since \S+ \((?:(\d+)min ?)?(?:(\d+)s)?\)", denied.output)
    assert told, denied.output
    return {name: answered(denied) - 60 * int(minutes or 0) - int(seconds or 0) for name, minutes, seconds in told}
