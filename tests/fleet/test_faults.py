# SPDX-License-Identifier: MIT
"""The limit while nodes of etcd, hosts and the network fail."""

import time
from pathlib import Path

import pytest

from fleet.cluster import PREFIX
from fleet.frames import FULL, GRANTED, UNKNOWN, Rounds, wait_for
from fleet.pki import Authority
from fleet.waits import LIMIT, wait_for_log, wait_for_slots, wait_until_empty

TTL = 10
# The agent of sesslimit-fleetd answers each claim within this time, in seconds.
ANSWER_TIME = 3
SLACK = 0.5


@pytest.mark.parametrize("fault", ["kill", "stop"])
@pytest.mark.parametrize("logins", [20, 100])
def test_exactly_the_limit_while_the_leader_fails(four, cluster, saw, fault, logins):
    machines, daemons = four
    claims, unknown, rounds = Rounds(daemons, logins, LIMIT), 0, 5
    for turn in range(rounds):
        leader = cluster.leader()
        granted, _, undecided = claims.claim(halfway=getattr(leader, fault))
        unknown += undecided
        assert granted <= LIMIT if undecided else granted == LIMIT, f"round {turn}: {granted} granted"
        leader.resume()
        claims.release()
        cluster.wait_until_healthy()
        wait_for(daemons, lambda: all(daemon.is_up for daemon in daemons), 30, "connection to etcd")
    wait_until_empty(cluster)
    assert claims.longest < ANSWER_TIME + SLACK
    saw(f"{rounds} rounds of {logins} claims, leader {fault}: never more than {LIMIT} granted, {unknown} unknown, "
        f"longest round {claims.longest:.2f} s")


def test_slots_of_a_lost_host_are_free_after_its_ttl(hosts, cluster, saw):
    lost, other = hosts.add(), hosts.add()
    daemon, witness = lost.connect(), other.connect()
    for session in 1, 2, 3:
        assert daemon.ask(session, "alice", LIMIT)[0].outcome == GRANTED
    lost.kill()
    died = time.monotonic()
    attempt = 0
    while True:
        attempt += 1
        if witness.ask(attempt, "alice", LIMIT)[0].outcome == GRANTED:
            break
        time.sleep(0.1)
    waited = time.monotonic() - died
    # The lease was kept alive at most a third of its time before the host was lost.
    assert TTL * 2 / 3 - SLACK <= waited <= TTL + 1 + SLACK
    assert not [key for key in cluster.records("h/") if key.startswith(f"h/{lost.name}/")]
    saw(f"free {waited:.1f} s after the host was lost (host_ttl {TTL} s)")


def test_a_reboot_frees_the_slots_at_once(hosts, cluster, saw):
    machine = hosts.add(ttl="60s")
    daemon = machine.connect()
    assert daemon.ask(1, "alice", 1)[0].outcome == GRANTED
    machine.kill()
    machine.reboot()
    began = time.monotonic()
    machine.start()
    daemon = machine.connect()
    assert daemon.ask(2, "alice", 1)[0].outcome == GRANTED
    waited = time.monotonic() - began
    assert list(cluster.records(f"h/{machine.name}/s/")) == [f"h/{machine.name}/s/2"]
    saw(f"free {waited:.1f} s after the start (host_ttl 60 s)")


def test_quorum_lost_and_back(hosts, cluster, saw):
    machine, other = hosts.add(ttl="60s"), hosts.add(ttl="60s")
    daemon, witness = machine.connect(), other.connect()
    assert daemon.ask(1, "alice", LIMIT)[0].outcome == GRANTED
    stopped = cluster.nodes[1:]
    for node in stopped:
        node.stop()
    try:
        answer, first = daemon.ask(2, "alice", LIMIT, timeout=10)
        assert answer.outcome == UNKNOWN and first < ANSWER_TIME + SLACK
        wait_for([daemon], lambda: not daemon.is_up, 1, "report that the fleet is down")
        assert daemon.states[-1][1], "no reason"
        times = []
        for session in range(3, 8):
            answer, needed = daemon.ask(session, "alice", LIMIT)
            assert answer.outcome == UNKNOWN
            times.append(needed)
        assert max(times) < 0.1, times
        daemon.release(7)
    finally:
        for node in stopped:
            node.go_on()
    back = time.monotonic()
    wait_for([daemon], lambda: daemon.is_up, 15, "return of etcd")
    returned = time.monotonic() - back
    # The sessions 2 to 6 were admitted without an answer. They are recorded, and reported if they exceed the limit.
    assert len(cluster.slots("alice")) == 6
    wait_for([daemon], lambda: len(daemon.over_limit) == 3, 5, "reports of 3 sessions beyond the limit")
    answer, _ = witness.ask(1, "alice", LIMIT)
    assert answer.outcome == FULL and answer.count == 6
    saw(f"first answer after {first:.2f} s, the others after at most {max(times) * 1000:.0f} ms; up {returned:.1f} s "
        f"after the nodes; 5 sessions recorded, 3 of them beyond the limit")


def test_a_host_that_was_cut_off_returns(hosts, cluster, network, saw):
    machine, other = hosts.add(), hosts.add()
    daemon, witness = machine.connect(), other.connect()
    for session in 1, 2:
        assert daemon.ask(session, "alice", LIMIT)[0].outcome == GRANTED
    network.cut_off(machine.name)
    wait_for_slots(cluster, "alice", 0, TTL + 2)
    for session in 1, 2:
        assert witness.ask(session, "alice", LIMIT)[0].outcome == GRANTED
    wait_for([daemon], lambda: not daemon.is_up, 1, "report that the fleet is down")
    network.connect(machine.name)
    wait_for([daemon], lambda: daemon.is_up, 20, "return of the host")
    # Its sessions live on, and occupy slots again. One of them is beyond the limit, and no login is admitted.
    assert len(cluster.slots("alice")) == 4
    wait_for([daemon], lambda: len(daemon.over_limit) == 1, 5, "report of the session beyond the limit")
    assert witness.ask(3, "alice", LIMIT)[0].outcome == FULL
    for session in 1, 2:
        witness.release(session)
    wait_for_slots(cluster, "alice", 2)
    assert witness.ask(4, "alice", LIMIT)[0].outcome == GRANTED
    saw(f"cut off for more than {TTL} s: 1 session beyond the limit, reported; nothing terminated")


def test_another_machine_with_the_same_name_is_rejected(hosts, cluster, saw):
    first = hosts.add()
    daemon = first.connect()
    assert daemon.ask(1, "alice", LIMIT)[0].outcome == GRANTED
    second = hosts.add(host=first.host)
    impostor = second.connect(up=False)
    wait_for([impostor], lambda: impostor.states and "is used by" in impostor.states[-1][1], 15, "reason")
    assert not impostor.is_up
    assert impostor.ask(1, "alice", LIMIT)[0].outcome == UNKNOWN
    assert daemon.ask(2, "alice", LIMIT)[0].outcome == GRANTED
    assert len(cluster.slots("alice")) == 2
    saw(f"reason: {impostor.states[-1][1]}")


def test_certificates_are_replaced_without_a_restart(hosts, cluster, directory, saw):
    machine = hosts.add()
    daemon = machine.connect()
    assert daemon.ask(1, "alice", LIMIT)[0].outcome == GRANTED
    # One file of the pair alone is not used.
    certificate = machine.tls / f"{machine.host}.pem"
    before = certificate.read_bytes()
    Authority(directory / "strange").issue(machine.host, into=directory / "strange")
    certificate.write_bytes((directory / "strange" / f"{machine.host}.pem").read_bytes())
    wait_for_log(machine, "do not belong together")
    assert daemon.is_up and daemon.ask(2, "alice", LIMIT)[0].outcome == GRANTED
    # The nodes reject a certificate of another authority.
    (machine.tls / f"{machine.host}.key").write_bytes((directory / "strange" / f"{machine.host}.key").read_bytes())
    wait_for([daemon], lambda: not daemon.is_up, 30, "report that the fleet is down")
    assert daemon.ask(3, "alice", LIMIT)[0].outcome == UNKNOWN
    refused = daemon.states[-1][1]
    machine.issue_certificate()
    wait_for([daemon], lambda: daemon.is_up, 30, "connection with the new certificate")
    assert certificate.read_bytes() != before
    assert len(cluster.slots("alice")) == 3
    saw(f"reason with a wrong certificate: {refused}")


def test_a_host_that_lacks_permissions_is_told_so(hosts, cluster, saw):
    machine = hosts.add(admit=False)
    daemon = machine.connect(up=False)
    wait_for([daemon], lambda: daemon.states and "permission denied" in daemon.states[-1][1], 15, "reason")
    assert daemon.ask(1, "alice", LIMIT)[0].outcome == UNKNOWN
    cluster.admit(machine.name)
    wait_for([daemon], lambda: daemon.is_up, 10, "connection")
    saw(f"reason: {daemon.states[-2][1]}")


def test_the_certificate_of_a_host_has_few_permissions(hosts, cluster):
    machine, other, admin = hosts.add(), hosts.add(), hosts.add(admit=False, start=False)
    cluster.admit(admin.name, "--admin")

    def certificate(of):
        return of.tls / f"{of.host}.pem", of.tls / f"{of.host}.key"

    def may_put(key, user=machine):
        before = cluster.records("").get(key)
        cluster.ctl("put", PREFIX + key, "x", user=certificate(user), check=False)
        return cluster.records("").get(key) != before

    def may_read(prefix, user=machine):
        return prefix in cluster.ctl("get", "--prefix", PREFIX + prefix, user=certificate(user), check=False)
    assert may_put(f"h/{machine.host}/s/5") and may_read(f"h/{machine.host}/")
    assert may_put(f"n/{machine.host}") and not may_put(f"n/{machine.host}2") and not may_read("n/")
    assert not may_put(f"h/{other.host}/s/5") and not may_read(f"h/{other.host}/")
    assert not may_put("end/1")
    assert may_put("end/1", admin) and may_read("end/") and may_read("h/", admin) and may_read("n/", admin)
    assert not may_put(f"h/{other.host}/s/5", admin) and not may_put(f"n/{other.host}", admin)


def test_a_quiet_host_only_keeps_its_lease_alive(hosts, saw):
    machine = hosts.add(ttl="30s")
    daemon = machine.connect()
    assert daemon.ask(1, "alice", LIMIT)[0].outcome == GRANTED
    time.sleep(5)
    before, seconds = machine.wakeups(), 30
    time.sleep(seconds)
    after = machine.wakeups()
    grown = {name: after[name] - before.get(name, 0) for name in after}
    own = sum(count for name, count in grown.items() if name.startswith("sesslimit-fleet"))
    memory = next(line.split(":")[1].strip() for line in Path(f"/proc/{machine.process.pid}/status").open()
                  if line.startswith("VmRSS"))
    saw(f"context switches in {seconds} s with 3 keep-alives: {own}; of the {len(grown) - 2} threads of gRPC "
        f"{sum(grown.values()) - own}; memory {memory}")
    # A keep-alive wakes up the event loop twice, and the thread that waits for the answer about twice.
    assert own <= 20
    # The timers of gRPC usually wake up 3 to 4 times a second, and with deadlines of 300 ms 5.5 times.
    assert sum(grown.values()) - own <= 5 * seconds
