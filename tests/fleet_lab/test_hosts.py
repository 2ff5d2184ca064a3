# SPDX-License-Identifier: MIT
"""Hosts that lose their power, restart, shut down, or lose their network, while a user has sessions on them."""

import time

from booted.storm import DENIED, denial, log_out, stay
from fleet.waits import LIMIT, wait_for_slots
from lab.machine import wait_until

TTL = 10  # seconds, of all hosts but the last one
SLACK = 0.5  # seconds for a call of etcdctl


def test_slots_of_a_host_without_power_are_free_after_its_ttl(hosts, cluster, saw):
    lost, other = hosts[0], hosts[1]
    logins = [stay(lost, "alice") for _ in range(LIMIT)]
    text = denial(other, "alice")
    assert DENIED in text and lost.host in text
    lost.power_off()
    died = time.monotonic()
    tried = 0
    while cluster.slots("alice"):
        if time.monotonic() - died < TTL / 2:
            tried += 1
            assert DENIED in denial(other, "alice")
        assert time.monotonic() - died < TTL + 5
    freed = time.monotonic() - died
    admitted = [stay(other, "alice") for _ in range(LIMIT)]
    assert DENIED in denial(hosts[2], "alice")
    assert TTL / 2 < freed <= TTL + 1 + SLACK
    for login in (*admitted, *logins):
        log_out(login)
        login.close()
    began = time.monotonic()
    lost.power_on()
    lost.wait_joined()
    again = stay(lost, "alice")
    log_out(again)
    again.close()
    saw(f"{LIMIT} sessions on a host without power: slots free after {freed:.1f} s (host_ttl {TTL} s), {tried + 2} "
        f"logins elsewhere denied, {LIMIT} admitted then; in the fleet again {time.monotonic() - began:.1f} s after "
        f"power on")


def test_a_reboot_before_the_ttl_frees_the_slots(hosts, cluster, saw):
    """The host_ttl of this host is 60 s."""
    host, other = hosts[3], hosts[0]
    logins = [stay(host, "alice") for _ in range(LIMIT)]
    assert DENIED in denial(other, "alice")
    host.power_off()
    died = time.monotonic()
    assert len(cluster.slots("alice")) == LIMIT
    host.power_on()
    wait_for_slots(cluster, "alice", 0, 40)
    freed = time.monotonic() - died
    assert freed < 40
    host.wait_joined()
    again = stay(host, "alice")
    assert len(cluster.slots("alice")) == 1
    for login in (*logins, again):
        log_out(login)
        login.close()
    saw(f"power off and on: slots free {freed:.1f} s after the power cut (host_ttl 60 s)")


def test_a_shutdown_frees_the_slots(hosts, cluster, saw):
    """The host_ttl of this host is 60 s."""
    host = hosts[3]
    logins = [stay(host, "alice") for _ in range(LIMIT)]
    host.shut_down()
    began = time.monotonic()
    wait_for_slots(cluster, "alice", 0, 5)
    assert not cluster.records(f"h/{host.host}/s/")
    for login in logins:
        login.close()
    saw(f"systemctl poweroff with {LIMIT} sessions: no slot {time.monotonic() - began:.1f} s after the machine was off "
        f"(host_ttl 60 s)")


def test_a_host_that_was_cut_off_returns(hosts, cluster, network, saw):
    cut, other = hosts[1], hosts[2]
    since = cut.now()
    logins = [stay(cut, "alice") for _ in range(2)]
    network.cut_off(cut.host)
    at = time.monotonic()
    wait_for_slots(cluster, "alice", 0, TTL + 1 + SLACK)
    freed = time.monotonic() - at
    others = [stay(other, "alice") for _ in range(2)]
    # The host alone compares the limit with its own sessions.
    third = stay(cut, "alice")
    assert "reached" in denial(cut, "alice")
    assert cut.events("fleet-unsure", since=since)
    network.connect(cut.host)
    back = time.monotonic()
    cut.wait_joined()
    wait_for_slots(cluster, "alice", 5, 10)
    wait_until("reports", lambda: len(cut.events("fleet-over-limit", since=since)) >= 2, 10)
    over = cut.events("fleet-over-limit", since=since)
    assert DENIED in denial(other, "alice") and DENIED in denial(cut, "alice")
    assert all(login.running for login in (*logins, third, *others))
    for login in (*logins, third):
        log_out(login)
        login.close()
    wait_for_slots(cluster, "alice", 2)
    again = stay(cut, "alice")
    for login in (*others, again):
        log_out(login)
        login.close()
    saw(f"cut off: slots free after {freed:.1f} s; most at once 5 = limit 3 + 2, because its sessions live on, for "
        f"{time.monotonic() - at:.0f} s; {len(over)} sessions reported beyond the limit {over[-1].at - back:.1f} s "
        f"after its return, none terminated, further logins denied")
