# SPDX-License-Identifier: MIT
"""Nodes and hosts whose clocks differ. Time namespaces shift the clocks that the programs use for timeouts. The wall
clocks of hosts differ in tests/fleet_lab/test_clocks.py.
"""

import time
from pathlib import Path

from fleet.frames import FULL, GRANTED, Rounds
from fleet.waits import LIMIT, wait_for_slots, wait_until_empty

HOUR, DAY = 3600, 86400
NODES = (5 * HOUR, 0, 30 * DAY)
HOSTS = (0, HOUR, 100 * DAY, 9 * DAY)
TTL = 10
SLACK = 0.5
ROUNDS, LOGINS = 10, 20


def ahead(process):
    """Returns the seconds by which the clock of the children of a process is ahead."""
    offsets = Path(f"/proc/{process.pid}/timens_offsets").read_text().splitlines()
    return int(dict(line.split()[:2] for line in offsets)["monotonic"])


def test_clocks_of_nodes_and_hosts_differ(clusters, hosts_of, saw):
    cluster = clusters((241, 242, 243), ahead=NODES)
    hosts = hosts_of(cluster)
    machines = [hosts.add(ahead=seconds) for seconds in HOSTS]
    daemons = [machine.connect() for machine in machines]
    shifted = [each.process for each in (*cluster.nodes, *machines)]
    assert tuple(ahead(process) for process in shifted if "--time" in command(process)) == tuple(
        seconds for seconds in (*NODES, *HOSTS) if seconds)
    claims = Rounds(daemons, LOGINS, LIMIT)
    for turn in range(ROUNDS):
        assert claims.claim() == [LIMIT, LOGINS - LIMIT, 0], f"round {turn}"
        claims.release()
    wait_until_empty(cluster)
    # The leases stay for longer than host_ttl, and the slots of a lost host are free after it.
    for daemon in daemons[1:]:
        assert daemon.ask(1, "alice", LIMIT)[0].outcome == GRANTED
    time.sleep(TTL + 2)
    assert len(cluster.slots("alice")) == LIMIT
    assert daemons[0].ask(1, "alice", LIMIT)[0].outcome == FULL
    machines[2].kill()
    died = time.monotonic()
    wait_for_slots(cluster, "alice", LIMIT - 1, TTL + 1 + SLACK)
    freed = time.monotonic() - died
    assert daemons[0].ask(2, "alice", LIMIT)[0].outcome == GRANTED
    assert freed >= TTL * 2 / 3 - SLACK
    saw(f"clocks of nodes 0 to 30 days ahead, of hosts 0 to 100 days: {ROUNDS} rounds of {LOGINS} claims, exactly "
        f"{LIMIT} granted in each, longest wait {claims.longest:.2f} s; slot free {freed:.1f} s after its host was lost "
        f"(host_ttl {TTL} s)")


def command(process):
    return Path(f"/proc/{process.pid}/cmdline").read_text().split("\0")
