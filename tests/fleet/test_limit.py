# SPDX-License-Identifier: MIT
"""The limit over several hosts, with etcd in order: claims, releases, restarts and records."""

import time

import pytest

from fleet.frames import FULL, GRANTED, Daemon, Rounds, wait_for
from fleet.system_bus import SystemBus
from fleet.waits import LIMIT, wait_for_slots, wait_for_value, wait_until_empty

@pytest.mark.parametrize("logins, rounds", [(20, 60), (100, 40)])
def test_exactly_the_limit_of_concurrent_claims(four, cluster, saw, logins, rounds):
    machines, daemons = four
    claims, winners = Rounds(daemons, logins, LIMIT), set()
    for turn in range(rounds):
        assert claims.claim() == [LIMIT, logins - LIMIT, 0], f"round {turn}"
        if turn % 10 == 0:
            assert len(cluster.slots(claims.user)) == LIMIT
        winners |= claims.winners()
        claims.release()
    wait_until_empty(cluster)
    assert len(winners) > 1, "one host got all slots"
    saw(f"{rounds} rounds of {logins} claims on 4 hosts: {LIMIT} granted in each; longest round "
        f"{claims.longest * 1000:.0f} ms")


def test_a_denial_names_the_hosts_that_hold_the_slots(four, cluster):
    machines, daemons = four
    for number, daemon in enumerate(daemons[:3]):
        assert daemon.ask(number + 1, "alice", LIMIT)[0].outcome == GRANTED
    answer, _ = daemons[3].ask(1, "alice", LIMIT)
    assert answer.outcome == FULL and answer.count == 3
    assert sorted(answer.holders) == sorted(machine.name for machine in machines[:3])
    # A released slot is free, on whichever host.
    daemons[1].release(2)
    wait_for_slots(cluster, "alice", 2)
    assert daemons[3].ask(2, "alice", LIMIT)[0].outcome == GRANTED
    # Another user is not affected, and a session that is only observed is recorded beyond the limit.
    assert daemons[3].ask(3, "bob", 1)[0].outcome == GRANTED
    assert daemons[0].ask(4, "bob", 1, enforced=False)[0].outcome == GRANTED
    wait_for(daemons, lambda: daemons[0].over_limit == [4], 5, "report")
    assert len(cluster.slots("bob")) == 2


def test_a_host_sees_names_of_users_that_are_not_plain(hosts, cluster):
    daemon = hosts.add().connect()
    user = "DOMAIN\\jürgen/50%"
    assert daemon.ask(1, user, 1)[0].outcome == GRANTED
    assert daemon.ask(2, user, 1)[0].outcome == FULL
    assert list(cluster.records("p/")) == ["p/DOMAIN%5Cj%C3%BCrgen%2F50%25/0001"]


@pytest.mark.parametrize("stop", ["end", "kill"])
def test_a_restart_frees_nothing(hosts, cluster, saw, stop):
    machine = hosts.add()
    daemon = machine.connect()
    for session in 1, 2, 3:
        assert daemon.ask(session, "alice", LIMIT)[0].outcome == GRANTED
    before = cluster.records("")
    daemon.close()
    getattr(machine, stop)()
    assert cluster.records("") == before
    machine.start()
    # Until the daemon has listed its sessions, none is released, although the daemon of another host asks.
    other = hosts.add().connect()
    assert other.ask(1, "alice", LIMIT)[0].outcome == FULL
    daemon = machine.connect(listed=[(1, "alice", LIMIT), (2, "alice", LIMIT)])
    # Logins wait until the process has connected. They are not decided without the fleet.
    assert [up for up, _ in daemon.states] == [True]
    wait_for_slots(cluster, "alice", 2)
    assert cluster.records(f"h/{machine.name}/").keys() == {f"h/{machine.name}/s/1", f"h/{machine.name}/s/2"}
    assert not daemon.over_limit and not daemon.repairing
    assert other.ask(2, "alice", LIMIT)[0].outcome == GRANTED
    saw(f"{stop}: 3 slots kept, and the one of the session that had ended was freed")


def test_only_a_shutdown_of_the_system_deletes_the_records(hosts, cluster, directory, saw):
    bus = SystemBus(directory / "bus")
    machine = hosts.add(start=False)
    try:
        machine.start(DBUS_SYSTEM_BUS_ADDRESS=bus.address)
        assert machine.connect().ask(1, "alice", LIMIT)[0].outcome == GRANTED
        assert machine.end() == 0 and bus.asked == 1
        assert len(cluster.slots("alice")) == 1
        machine.start(DBUS_SYSTEM_BUS_ADDRESS=bus.address)
        machine.connect(listed=[(1, "alice", LIMIT)])
        bus.state = "stopping"
        began = time.monotonic()
        assert machine.end() == 0
        needed = time.monotonic() - began
    finally:
        bus.close()
    assert not cluster.slots("alice") and not cluster.records(f"h/{machine.name}/") and not cluster.records("n/")
    assert needed < 3, "the process has waited for its timeout"
    saw(f"the records were deleted {needed * 1000:.0f} ms after SIGTERM")


def test_a_new_connection_replaces_the_earlier_one(hosts, cluster):
    machine = hosts.add()
    first = machine.connect()
    assert first.ask(1, "alice", LIMIT)[0].outcome == GRANTED
    second = machine.connect(listed=[(1, "alice", LIMIT)])
    wait_for([first], lambda: first.closed, 5, "end of the first connection")
    assert second.ask(2, "alice", LIMIT)[0].outcome == GRANTED
    assert len(cluster.slots("alice")) == 2


def test_the_list_of_a_connection_that_is_closed_at_once_is_read(hosts, cluster):
    """sesslimitd closes its connection after the list if its policy does not limit sessions in the fleet."""
    machine = hosts.add()
    for number in range(1, 7):
        daemon = machine.connect()
        assert daemon.ask(number, f"user{number}", LIMIT)[0].outcome == GRANTED
        daemon.end()  # sesslimit-fleetd now waits for a connection, and reads each frame as soon as it is sent
        Daemon(machine.socket).close()
        wait_for_slots(cluster, f"user{number}", 0)


@pytest.mark.parametrize("number", [7, 8], ids=["same session", "new session"])
def test_a_claim_is_repeated_after_a_new_connection(hosts, cluster, number):
    """A login waits while sesslimitd restarts. Its first claim must not be the reason for a denial."""
    machine = hosts.add()
    assert machine.connect().ask(7, "alice", 1)[0].outcome == GRANTED
    again = machine.connect(claims=[(number, "alice", 1)])
    wait_for([again], lambda: number in again.answers, 5, "answer")
    assert again.answers[number].outcome == GRANTED
    assert list(cluster.records(f"h/{machine.name}/s/")) == [f"h/{machine.name}/s/{number}"]


def test_the_record_of_a_host_contains_the_policy(hosts, cluster):
    machine = hosts.add()
    machine.connect(policy="first")
    record = f"n/{machine.name}"
    wait_for_value(cluster, record, "policy=first")
    machine.connect(policy="second")
    wait_for_value(cluster, record, "policy=second")
    machine.kill()
    machine.start()
    time.sleep(1)
    assert "policy=second" in cluster.records("n/")[record], "lost before the daemon has connected"


def test_deleted_records_are_written_again(hosts, cluster):
    daemon = hosts.add().connect()
    for session in 1, 2:
        assert daemon.ask(session, "alice", LIMIT)[0].outcome == GRANTED
    cluster.ctl("del", "--prefix", "/sesslimit/1/test/p/")
    wait_for([daemon], lambda: daemon.repairing == [2], 75, "repair")
    wait_for_slots(cluster, "alice", 2)
