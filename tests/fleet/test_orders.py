# SPDX-License-Identifier: MIT
"""Orders to terminate sessions on all hosts."""

import time

from fleet.cluster import PREFIX
from fleet.frames import wait_for
from fleet.waits import wait_for_value

USER, CREDENTIAL = 1, 2


def give(cluster, order, text):
    cluster.ctl("put", f"{PREFIX}end/{order}", text)


def test_an_order_reaches_all_hosts_and_its_results_are_recorded(hosts, cluster, saw):
    machines = [hosts.add() for _ in range(4)]
    daemons = [machine.connect() for machine in machines]
    give(cluster, 5, "user=alice&by=root&reason=account%20closed")
    began = time.monotonic()
    wait_for(daemons, lambda: all(daemon.orders for daemon in daemons), 5, "order")
    needed = time.monotonic() - began
    for count, (machine, daemon) in enumerate(zip(machines, daemons)):
        assert daemon.orders == [(5, USER, "alice", "root", "account closed")]
        daemon.ended(5, count)
        wait_for_value(cluster, f"h/{machine.name}/ack/5", f"count={count}")
    give(cluster, 6, "credential=SHA256%3Aabc&by=root")
    wait_for(daemons, lambda: all(len(daemon.orders) == 2 for daemon in daemons), 5, "order")
    assert daemons[0].orders[1] == (6, CREDENTIAL, "SHA256:abc", "root", "")
    assert needed < 1
    saw(f"4 hosts received an order within {needed * 1000:.0f} ms after etcdctl had returned")


def test_a_host_that_was_away_reads_the_order_once(hosts, cluster):
    machine = hosts.add()
    machine.connect()
    machine.kill()
    give(cluster, 7, "user=alice&by=root")
    machine.start()
    daemon = machine.connect()
    wait_for([daemon], lambda: daemon.orders, 10, "order")
    # A daemon that has not answered receives it again, and one that has answered does not.
    again = machine.connect()
    wait_for([again], lambda: again.orders, 10, "order")
    again.ended(7, 2)
    wait_for_value(cluster, f"h/{machine.name}/ack/7", "count=2")
    machine.kill()
    machine.start()
    last = machine.connect()
    give(cluster, 8, "user=bob&by=root")
    wait_for([last], lambda: last.orders, 10, "order")
    assert [order[0] for order in last.orders] == [8]


def test_orders_that_are_not_valid_are_ignored(hosts, cluster):
    daemon = hosts.add().connect()
    for order, text in (("0", "user=alice&by=root"), ("x", "user=alice&by=root"), ("1", ""), ("2", "user=alice"),
                        ("3", "user=alice&credential=b&by=root"), ("4", "user=%zz&by=root"), ("5", "x" * 5000)):
        give(cluster, order, text)
    give(cluster, 9, "user=bob&by=root")
    wait_for([daemon], lambda: daemon.orders, 5, "order")
    assert [order[0] for order in daemon.orders] == [9]


def test_orders_arrive_after_the_failure_of_each_node(hosts, cluster, saw):
    daemon = hosts.add().connect()
    times = []
    for number, node in enumerate(cluster.nodes, 20):
        node.stop()
        try:
            began = time.monotonic()
            others = [other.endpoint for other in cluster.nodes if other is not node]
            time.sleep(3)  # a leader is elected
            cluster.ctl("put", f"{PREFIX}end/{number}", "user=alice&by=root", endpoints=others)
            wait_for([daemon], lambda: len(daemon.orders) == number - 19, 20, "order")  # noqa: B023
            times.append(time.monotonic() - began)
        finally:
            node.go_on()
        cluster.wait_until_healthy()
    saw(f"arrived {', '.join(f'{needed:.1f}' for needed in times)} s after one of the nodes was stopped")
