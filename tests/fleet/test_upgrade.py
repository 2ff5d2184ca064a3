# SPDX-License-Identifier: MIT
"""Nodes of etcd that are upgraded one after the other, as docs/fleet.md says, while users log in."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

from fleet.cluster import Etcd
from fleet.frames import FULL, GRANTED, Rounds
from fleet.waits import LIMIT, wait_until_empty

LOGINS = 20
BETWEEN = 1  # seconds from the health of all nodes to the next upgrade


def wait_for_round(claims, running):
    """Waits until a round of claims has begun and ended."""
    last = claims.count + 2  # the count grows when a round begins
    while claims.count < last and not running.done():
        time.sleep(0.01)


def upgrade(node, cluster, etcd, claims, running):
    """Returns the time that the node was away. Without it, the store answers at least one round of claims."""
    began = time.monotonic()
    node.end()
    wait_for_round(claims, running)
    node.etcd = etcd
    node.start()
    cluster.wait_until_healthy()
    return time.monotonic() - began


def storms(claims, over):
    """Claims slots in rounds, until the event is set."""
    while not over.is_set():
        assert claims.claim() == [LIMIT, LOGINS - LIMIT, 0], claims.user
        claims.release()


def test_nodes_are_upgraded_one_after_the_other(clusters, hosts_of, request, saw):
    newer = Etcd(request.config.getoption("--etcd-after") or request.config.getoption("--etcd"))
    cluster = clusters((231, 232, 233))
    hosts = hosts_of(cluster)
    daemons = [hosts.add().connect() for _ in range(4)]
    for daemon in daemons[:LIMIT]:
        assert daemon.ask(1, "stays", LIMIT)[0].outcome == GRANTED
    before, away, over = cluster.records("p/stays/"), [], threading.Event()
    claims = Rounds(daemons, LOGINS, LIMIT)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(storms, claims, over)
        try:
            # In this thread, because the nodes are killed with the thread that has started them.
            for node in cluster.nodes:
                away.append(upgrade(node, cluster, newer, claims, running))
                time.sleep(BETWEEN)
        finally:
            over.set()
        running.result()
    assert [cluster.status(node)["version"] for node in cluster.nodes] == [newer.version()] * 3
    assert cluster.records("p/stays/") == before
    assert daemons[3].ask(1, "stays", LIMIT)[0].outcome == FULL
    assert all(daemon.is_up and len(daemon.states) == 1 for daemon in daemons)
    for daemon in daemons[:LIMIT]:
        daemon.release(1)
    wait_until_empty(cluster)
    saw(f"{cluster.etcd.version()} to {newer.version()}, each node away for at most {max(away):.1f} s: {claims.count} rounds "
        f"of {LOGINS} claims, exactly {LIMIT} granted in each; longest wait {claims.longest:.2f} s, left over 0")
