# SPDX-License-Identifier: MIT
"""Logins of one user to four hosts at the same time, with a limit of 3 over all of them."""

import os
import re
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from booted.storm import Result, Storms, all_at_once, denial, log_out, stay
from fleet.waits import LIMIT, wait_until_empty

# Rounds of each number of logins at once.
ROUNDS = {20: 5, 100: 2}
if "SESSLIMIT_FLEET_ROUNDS" in os.environ:
    ROUNDS = dict.fromkeys(ROUNDS, int(os.environ["SESSLIMIT_FLEET_ROUNDS"]))

WALKERS = 2  # on each host, during a fault
BETWEEN = 2  # seconds between two faults

FAULTS = {
    "fleetd restarted": "systemctl restart sesslimit-fleetd.service",
    "fleetd killed": "systemctl kill --signal=KILL sesslimit-fleetd.service",
    "sesslimitd restarted": "systemctl restart sesslimitd.service",
    "sesslimitd killed": "systemctl kill --signal=KILL sesslimitd.service",
}


def left(hosts, cluster, user="alice"):
    """Waits until all sessions of the user have ended. Returns the number of records that are left."""
    with ThreadPoolExecutor(len(hosts)) as pool:
        list(pool.map(lambda host: host.wait_clean(user, 30), hosts))
    wait_until_empty(cluster)
    return len(cluster.slots(user))


@pytest.mark.parametrize("logins", list(ROUNDS))
def test_exactly_the_limit_of_concurrent_logins(hosts, cluster, saw, logins):
    total = Result()
    for turn in range(ROUNDS[logins]):
        result = all_at_once(hosts, "alice", logins)
        assert result.odd == [], f"round {turn}: {result}"
        assert (result.admitted, result.denied) == (LIMIT, logins - LIMIT), f"round {turn}: {result}"
        assert result.most == LIMIT, f"round {turn}: {result}"
        assert left(hosts, cluster) == 0
        total.add(result)
    saw(f"{ROUNDS[logins]} rounds of {logins} at once: exactly {LIMIT} in each; {total.row(0)}")


def test_a_denied_user_reads_which_hosts_hold_the_slots(hosts, cluster, saw):
    logins = [stay(host, "alice") for host in hosts[:3]]
    text = " ".join(denial(hosts[3], "alice").split())
    assert "Login denied for alice: limit of 3 sessions on all hosts reached:" in text
    named = re.findall(r"(\w+) since \d{4}-\d\d-\d\d \d\d:\d\d", text)
    assert sorted(named) == sorted(host.host for host in hosts[:3]), text
    log_out(logins[1])
    again = stay(hosts[3], "alice")
    for login in (*logins, again):
        log_out(login)
        login.close()
    assert left(hosts, cluster) == 0
    saw(text)


@pytest.mark.parametrize("name", FAULTS)
def test_the_limit_during_a_storm_while_a_process_fails(hosts, cluster, saw, name):
    for host in hosts:
        host.module_arguments("debug")
    since = hosts[0].now()
    with Storms(hosts, "alice", WALKERS) as storms:
        for host in hosts:
            time.sleep(BETWEEN)
            host.sh(FAULTS[name])
        time.sleep(BETWEEN)
    total, uncounted = storms.result()
    unsure = sum(len(host.events("fleet-unsure", since=since)) for host in hosts)
    saw(f"{name} on each host in turn: {total.row(left(hosts, cluster))}; {unsure} admitted without an answer of the "
        f"fleet, {uncounted} uncounted")
    assert total.odd == [] and total.admitted > 0 and total.denied > 0, total
    assert uncounted == 0 and unsure == 0 and total.most <= LIMIT, total


def test_sesslimitd_has_no_network_socket(hosts, cluster, saw):
    host = hosts[0]
    login = stay(host, "alice")
    daemon, fleetd = (int(host.run("systemctl", "show", "-P", "MainPID", unit).stdout)
                      for unit in ("sesslimitd.service", "sesslimit-fleetd.service"))
    tables = {kind: network_sockets(host, daemon, kind) | network_sockets(host, 1, kind)
              for kind in ("tcp", "tcp6", "udp", "udp6", "raw", "raw6", "icmp", "icmp6", "packet")}
    connected = sockets_of(host, fleetd) & (tables["tcp"] | tables["tcp6"])
    assert connected, "sesslimit-fleetd has no connection to etcd"
    for kind, inodes in tables.items():
        assert not sockets_of(host, daemon) & inodes, f"sesslimitd has a socket of the kind {kind}"
    own = host.run("readlink", f"/proc/{daemon}/ns/net").stdout
    assert own != host.run("readlink", "/proc/1/ns/net").stdout
    links = host.run("nsenter", f"--net=/proc/{daemon}/ns/net", "ip", "-brief", "link").stdout.splitlines()
    assert [line.split()[0] for line in links] == ["lo"], links
    listed = host.run("nsenter", f"--net=/proc/{daemon}/ns/net", "ss", "-Hatuwn").stdout
    assert listed == ""
    known = set.union(*(network_sockets(host, pid, kind) for pid in (daemon, 1) for kind in ("unix", "netlink")))
    assert sockets_of(host, daemon) <= known
    log_out(login)
    login.close()
    saw(f"sesslimit-fleetd has {len(connected)} TCP connections; the {len(sockets_of(host, daemon))} sockets of "
        f"sesslimitd are unix and netlink, and its network namespace has only a loopback device")


def network_sockets(host, pid, kind):
    """Returns the inodes of all sockets of a kind in the network namespace of a process."""
    lines = host.run("cat", f"/proc/{pid}/net/{kind}", check=False).stdout.splitlines()
    if not lines:
        return set()
    titles = lines[0].split()
    # The titles of tcp and udp contain names of columns that are printed as one.
    column = {"unix": 6, "netlink": titles.index("Inode") if "Inode" in titles else -1, "packet": -1}.get(kind, 9)
    rows = [line.split() for line in lines[1:]]
    return {row[column] for row in rows if len(row) > column}


def sockets_of(host, pid):
    """Returns the inodes of the sockets of a process."""
    return set(re.findall(r"socket:\[(\d+)\]", host.sh(f"ls -l /proc/{pid}/fd")))
