# SPDX-License-Identifier: MIT
"""A restart and a crash of the daemon lose no session and no login."""

import re
import time

import pytest

from lab import client
from lab.machine import wait_until

WAYS = {
    "systemctl restart": lambda host: host.run("systemctl", "restart", "sesslimitd.service"),
    "kill -9": lambda host: host.run("kill", "-9", host.daemon_pid()),
}
LONGEST_WAIT = 3


def starts(refused):
    """When each open session began, by logind's id, as a refusal tells it (the age in brackets)."""
    told = re.findall(r"session (\S+) .*since \S+ \((?:(\d+)min ?)?(?:(\d+)s)?\)", refused.output)
    assert told, refused.output
    return {name: answered(refused) - 60 * int(minutes or 0) - int(seconds or 0) for name, minutes, seconds in told}


@pytest.mark.storm
@pytest.mark.parametrize("way", WAYS)
def test_nothing_is_lost(host, way, saw):
    host.limit("alice", 'max_sessions = 3\nmax_duration = "60s"')
    since = time.monotonic()
    held = [client.shell(host, "alice"), client.shell(host, "alice")]
    assert [each.verdict() for each in held] == [True, True]
    ids = [each.id for each in host.sessions("alice")]
    before = host.daemon_pid()

    slowest, counts, told = 0.0, [], []
    for _ in range(3):
        logins = [client.shell(host, "alice") for _ in range(10)]
        WAYS[way](host)
        verdicts = [each.verdict() for each in logins]
        counts.append(verdicts.count(True))
        slowest = max(slowest, *(answered(each) - each.started_at for each in logins))
        refused = [each for each, admitted in zip(logins, verdicts) if not admitted]
        for each in refused:
            assert each.wait(20) == 254 and "limit of 3 sessions reached" in each.output, each.output
            told.append(starts(each))
        for each, admitted in zip(logins, verdicts):
            if admitted:
                each.log_out()
        wait_until("2 sessions", lambda: len(host.sessions("alice")) == 2, 15)
        for each in logins:
            each.close()
    assert counts == [1, 1, 1]
    assert host.daemon_pid() not in ("0", before)
    assert all(each.running for each in held)
    assert slowest <= LONGEST_WAIT

    # Ages are told in whole seconds, and heard a moment later.
    drift = max(max(each[name] for each in told) - min(each[name] for each in told) for name in ids)
    assert drift <= 2, told
    for each in held:
        each.wait(65)
    host.wait_clean("alice")
    lived = host.lived("alice", since)
    assert len(lived) == 2 and all(60 <= seconds <= 62 for seconds in lived), lived
    saw(f"{way}, 3 times, 10 logins each: admitted {counts} (1 was free), slowest answer {slowest:.2f} s, none lost")
    saw(
        f"{way}: the 2 held shells stay, refusals tell the same start of them (± {drift:.1f} s); max_duration 60s: "
        f"ended {', '.join(f'{seconds:.2f} s' for seconds in lived)} after their admission"
    )


def answered(login):
    """When the client knew: its prompt, or the reason of the refusal."""
    return login.expect(client.PROMPT + "|sessions? reached", 1).at
