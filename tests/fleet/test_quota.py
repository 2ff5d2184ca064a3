# SPDX-License-Identifier: MIT
"""etcd at its quota."""

import json
import time

import pytest

from fleet.frames import FULL, GRANTED, UNKNOWN, wait_for
from fleet.waits import wait_for_slots

QUOTA = 8 * 1024 * 1024
TTL = 10


@pytest.fixture
def small(clusters):
    """A cluster with a small quota."""
    return clusters((7, 8, 9), quota=QUOTA)


def size(cluster):
    """The size of the database that etcd compares with its quota, of the node at which it is largest."""
    status = json.loads(cluster.ctl("endpoint", "status", "-w", "json"))
    return max(node["Status"]["dbSize"] for node in status)


def fill(cluster):
    """Writes values until etcd raises its alarm, at last small ones."""
    for number in range(200):
        left = QUOTA - size(cluster)
        length = 500_000 if left > 700_000 else 20_000 if left > 60_000 else 1000
        cluster.ctl("put", f"/filler/{number}", value="x" * length, check=False)
        if "NOSPACE" in cluster.ctl("alarm", "list"):
            return
    raise AssertionError("the quota was not reached")


def free(cluster):
    """Does what docs/fleet.md says about a full store."""
    cluster.ctl("del", "--prefix", "/filler/")
    for node in cluster.nodes:
        cluster.ctl("compact", "--", revision(cluster), check=False)
        cluster.ctl("defrag", endpoints=[node.endpoint])
    cluster.ctl("alarm", "disarm")


def revision(cluster):
    return str(json.loads(cluster.ctl("get", "x", "-w", "json"))["header"]["revision"])


def test_a_full_store(small, hosts_of, saw):
    hosts = hosts_of(small)
    machine = hosts.add()
    daemon = machine.connect()
    for session in 1, 2:
        assert daemon.ask(session, "alice", 3)[0].outcome == GRANTED
    fill(small)
    alarms = machine.ctl("status")["alarms"]
    addresses = {node.endpoint.removeprefix("https://") for node in small.nodes}
    assert {alarm["type"] for alarm in alarms} == {"NOSPACE"}
    assert {alarm["endpoint"] for alarm in alarms} <= addresses
    # etcd does not count the values in nested transactions, so that claims go on, and stay exact. The database
    # becomes larger than the quota.
    session = 100
    while size(small) < QUOTA:
        session += 1
        assert session < 1000, f"the database has {size(small)} bytes"
        assert daemon.ask(session, "bob", 1000)[0].outcome == GRANTED
    assert daemon.ask(3, "alice", 3)[0].outcome == GRANTED
    assert daemon.ask(4, "alice", 3)[0].outcome == FULL
    # A slot beyond the limit makes a claim count the slots.
    assert daemon.ask(5, "alice", 3, enforced=False)[0].outcome == GRANTED
    for released in 1, 2:
        daemon.release(released)
    wait_for_slots(small, "alice", 2)
    assert daemon.ask(6, "alice", 3)[0].outcome == GRANTED
    daemon.release(6)
    wait_for_slots(small, "alice", 2)
    assert daemon.is_up
    # A host cannot join. Its claims are answered at once, and recorded later.
    joining = hosts.add()
    late = joining.connect(up=False)
    wait_for([late], lambda: late.states and "space exceeded" in late.states[-1][1], 10, "reason")
    answer, needed = late.ask(1, "alice", 3)
    assert answer.outcome == UNKNOWN and needed < 0.5
    time.sleep(TTL + 2)
    assert daemon.is_up and len(small.slots("alice")) == 2, "the lease was not kept alive"
    free(small)
    wait_for([late], lambda: late.is_up, 20, "return of the store")
    wait_for_slots(small, "alice", 3)
    saw(f"claims go on; a host that joins waits, with the reason {late.states[-2][1]}")
