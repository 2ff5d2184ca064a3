# SPDX-License-Identifier: MIT
"""Hosts whose wall clocks differ by hours, and are set while sessions are open."""

import contextlib
import re
import time

import pytest

from booted.storm import DENIED, Result, all_at_once, denial, log_out, stay
from fleet.waits import LIMIT, wait_for_slots, wait_until_empty
from lab.own_clock import LIBRARY, OwnClock

HOUR = 3600
AHEAD = {"web2": 5 * HOUR, "web3": 29 * HOUR}
UNITS = ("sesslimitd.service", "sesslimit-fleetd.service")
ROUNDS, LOGINS = 5, 20
TTL = 10  # seconds, of these hosts
SLACK = 0.5


@pytest.fixture
def clocks(hosts):
    """The clocks of the hosts in AHEAD."""
    with contextlib.ExitStack() as stack:
        made = {host: stack.enter_context(OwnClock(host, UNITS)) for host in hosts if host.host in AHEAD}
        for host, clock in made.items():
            host.wait_joined()
            clock.set(AHEAD[host.host])
        yield made


def starts(text):
    """Returns the start of the sessions that a denial names by their hosts, and None for a host without one."""
    found = re.findall(r"(web\d)(?: since (\d{4}-\d\d-\d\d \d\d:\d\d))?", " ".join(text.split()))
    return {host: time.mktime(time.strptime(start, "%Y-%m-%d %H:%M")) if start else None for host, start in found}


def recorded_start(cluster, host):
    """Returns the start of the session of a host that etcd contains, by the wall clock of the host."""
    slots = [dict(field.split("=") for field in value.split("&")) for value in cluster.slots("alice").values()]
    (slot,) = [slot for slot in slots if slot["host"] == host.host]
    return int(slot["since"])


def test_wall_clocks_of_hosts_differ(hosts, cluster, clocks, saw):
    here, (early, late) = hosts[0], list(clocks)
    for host in clocks:
        for unit in UNITS:
            pid = host.run("systemctl", "show", "-P", "MainPID", unit).stdout.strip()
            assert LIBRARY in host.read(f"/proc/{pid}/maps")
    total = Result()
    for turn in range(ROUNDS):
        result = all_at_once(hosts, "alice", LOGINS)
        assert result.odd == [] and (result.admitted, result.most) == (LIMIT, LIMIT), f"round {turn}: {result}"
        wait_until_empty(cluster)
        total.add(result)
    saw(f"wall clocks 0, 5 and 29 hours ahead, {ROUNDS} rounds of {LOGINS} at once: exactly {LIMIT} in each; "
        f"{total.row(0)}")

    logins = [stay(host, "alice") for host in (here, early, late)]
    for host in clocks:
        assert abs(recorded_start(cluster, host) - time.time() - AHEAD[host.host]) < 60, cluster.slots("alice")
    text = denial(hosts[3], "alice")
    assert DENIED in text
    shown = starts(text)
    assert set(shown) == {host.host for host in (here, early, late)}, text
    assert shown[early.host] is shown[late.host] is None and abs(shown[here.host] - time.time()) < 120, text
    saw(" ".join(text.split()))

    # The clocks are set while the sessions are open: forward, and back by more than host_ttl.
    clocks[early].set(3 * HOUR)
    clocks[late].set(-20 * HOUR)
    time.sleep(TTL + 2)
    assert len(cluster.slots("alice")) == LIMIT and all(login.running for login in logins)
    for host in hosts:
        assert DENIED in denial(host, "alice")
    early.power_off()
    died = time.monotonic()
    wait_for_slots(cluster, "alice", LIMIT - 1, TTL + 1 + SLACK)
    freed = time.monotonic() - died
    assert freed > TTL / 2
    logins.append(stay(late, "alice"))
    assert DENIED in denial(here, "alice")
    early.power_on()
    early.wait_joined()
    for login in logins:
        log_out(login)
        login.close()
    wait_until_empty(cluster)
    saw(f"clocks set forward by 3 hours and back by 20: no slot lost, none too many; host with another clock lost: slot "
        f"free after {freed:.1f} s (host_ttl {TTL} s)")
