# SPDX-License-Identifier: MIT
"""sesslimitctl fleet: lists, the state of etcd, orders to terminate sessions, and hosts that leave or are lost."""

import socket
import subprocess
import threading
import time

from fleet.cluster import ENROLL, PREFIX
from fleet.frames import FULL, GRANTED, UNKNOWN, decode, encode, number, wait_for
from fleet.waits import LIMIT, wait_for_log, wait_for_value

LIST, HOSTS, END, SESSION, DONE = 32, 33, 35, 48, 54


def admin_connection(machine):
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    connection.settimeout(10)
    connection.connect(str(machine.admin_socket))
    return connection


def kinds_of(connection):
    """The kinds of the frames of a reply."""
    kinds = []
    while not kinds or kinds[-1] != DONE:
        packet = connection.recv(4096)
        assert packet, f"closed after {kinds}"
        kinds.append(decode(packet)[0])
    return kinds


def put_sessions(cluster, host, count):
    """Writes records of sessions, 100 at a time."""
    for first in range(1, count + 1, 100):
        puts = "".join(f'put {PREFIX}h/{host}/s/{session} "user=user{session}&slot=1&since=1&service=sshd"\n'
                       for session in range(first, first + 100))
        cluster.ctl("txn", value=f"\n{puts}\n\n")


def test_sessions_and_hosts_are_listed(hosts, cluster):
    admin, first, second = hosts.add(admin=True), hosts.add(), hosts.add()
    admin.connect(policy="a" * 64)
    one, two = first.connect(policy="a" * 64), second.connect(policy="b" * 64)
    assert one.ask(7, "alice", LIMIT)[0].outcome == GRANTED
    assert two.ask(8, "alice", LIMIT)[0].outcome == GRANTED
    assert two.ask(9, "bob", LIMIT)[0].outcome == GRANTED
    listed = admin.ctl("list")
    assert sorted((row["host"], row["session"], row["user"], row["service"]) for row in listed) == [
        (first.name, 7, "alice", "sshd"), (second.name, 8, "alice", "sshd"), (second.name, 9, "bob", "sshd")]
    assert [(row["host"], row["slot"]) for row in admin.ctl("list", "alice")] == [(first.name, 1), (second.name, 2)]
    wait_for_value(cluster, f"n/{second.name}", "policy=b")
    rows = {row["host"]: row for row in admin.ctl("hosts")}
    assert {name: row["sessions"] for name, row in rows.items()} == {admin.name: 0, first.name: 1, second.name: 2}
    assert [name for name, row in rows.items() if row["this"]] == [admin.name]
    assert [name for name, row in rows.items() if row["other_policy"]] == [second.name]


def test_the_user_root_of_etcd_is_not_given_to_a_host():
    done = subprocess.run([ENROLL, "enroll", "--fleet", "test", "root"], capture_output=True, text=True)
    assert done.returncode == 1 and done.stdout == "" and "all permissions" in done.stderr


def test_a_host_without_permission_is_told_the_command(hosts, cluster):
    admin, machine = hosts.add(admin=True), hosts.add()
    assert admin.connect().ask(7, "alice", LIMIT)[0].outcome == GRANTED
    machine.connect()
    for command in (["list"], ["hosts"], ["end-user", "alice"], ["end-credential", "SHA256:x"]):
        assert f"'sesslimit-fleet enroll --admin {machine.name}'" in machine.ctl(*command, fails=4), command
    assert not cluster.records("end/")
    # The slots of users are known to all hosts.
    rows = machine.ctl("list", "alice")
    assert [(row["host"], row["session"], row["service"]) for row in rows] == [(admin.name, 7, None)]


def test_the_state_of_the_nodes_is_shown(hosts, cluster, saw):
    machine = hosts.add()
    assert machine.connect().ask(7, "alice", LIMIT)[0].outcome == GRANTED
    leader = cluster.leader()
    state = machine.ctl("status")
    assert (state["fleet"], state["host"], state["up"], state["sessions"]) == ("test", machine.name, True, 1)
    assert state["lease"] and state["host_ttl"] == 10_000_000 and state["alarms"] == []
    assert [node["endpoint"] for node in state["nodes"] if node["leader"]] == [leader.endpoint.removeprefix("https://")]
    for node in state["nodes"]:
        assert node["reachable"] and node["version"] == cluster.etcd.version()
        assert node["size"] >= node["size_in_use"] > 0 and node["revision"] > 0 and node["lag"] < 10
        assert node["raft_index"] >= node["raft_applied_index"] > 0
    leader.stop()
    try:
        began = time.monotonic()
        nodes = {node["endpoint"]: node for node in machine.ctl("status")["nodes"]}
        needed = time.monotonic() - began
    finally:
        leader.go_on()
    stopped = nodes.pop(leader.endpoint.removeprefix("https://"))
    assert not stopped["reachable"] and "no answer in time" in stopped["problem"]
    assert all(node["reachable"] for node in nodes.values())
    saw(f"latencies {[node['latency'] for node in state['nodes']]} us; with a stopped leader {needed:.1f} s")


def answer_orders(daemons, counts):
    """Answers an order on each daemon after it has arrived."""
    wait_for(daemons, lambda: all(daemon.orders for daemon in daemons), 10, "order")
    for daemon, count in zip(daemons, counts):
        daemon.ended(daemon.orders[-1][0], count)


def test_sessions_are_terminated_on_all_hosts(hosts, cluster, saw):
    admin = hosts.add(admin=True, ttl="60s")
    machines = [hosts.add(ttl="60s") for _ in range(4)]
    daemons = [machine.connect() for machine in machines]
    own = admin.connect()
    lost = machines.pop()
    daemons.pop()
    lost.kill()
    began = time.monotonic()
    with subprocess.Popen(admin.command("end-user", "alice", "--timeout=3s", "--message=Account locked."),
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        answer_orders([own, *daemons], [1, 2, 0, 3])
        out, err = run.communicate(timeout=20)
    needed = time.monotonic() - began
    assert out == ("Terminating 6 sessions of alice; 4 hosts answered:\n"
                   f"  {admin.name}: 1 session\n  {machines[0].name}: 2 sessions\n  {machines[2].name}: 3 sessions\n")
    assert f"1 host has not answered: {lost.name}; if they return within 1 h" in err and run.returncode == 1
    assert 3 <= needed < 5
    assert daemons[0].orders[0][2] == "alice" and daemons[0].orders[0][4] == "Account locked."
    assert len(daemons[0].orders[0][3]) > 0
    # All hosts answer, so that the command does not wait for its timeout.
    lost.start()
    late = lost.connect()
    wait_for([late], lambda: late.orders, 10, "order")
    late.ended(late.orders[0][0], 5)
    for daemon in daemons:
        daemon.orders.clear()
    late.orders.clear()
    own.orders.clear()
    answered = threading.Thread(target=answer_orders, args=([own, *daemons, late], [0, 0, 0, 0, 2]))
    answered.start()
    began = time.monotonic()
    rows = admin.ctl("end-credential", "SHA256:leaked", "--timeout=20s")
    quick = time.monotonic() - began
    answered.join()
    assert {row["host"]: row["sessions"] for row in rows}[lost.name] == 2 and len(rows) == 5
    assert all(row["answered"] for row in rows) and quick < 3
    assert all(len(key) > len("end/") for key in cluster.records("end/")) and len(cluster.records("end/")) == 2
    saw(f"5 hosts answered within {quick * 1000:.0f} ms; with a lost host, the command took {needed:.1f} s of its 3 s")


def test_a_fleet_with_user_ids_distinguishes_them_from_names(hosts, cluster):
    admin = hosts.add(admin=True, identity="uid")
    daemon = admin.connect()
    # Records of a host in such a fleet: the user is the ID of daemon on Debian.
    for key, value in ((f"h/{admin.name}/s/7", "user=1&slot=1&since=1"), ("p/1/0001", f"host={admin.name}&session=7&since=1")):
        cluster.ctl("put", PREFIX + key, value)
    for user in ("daemon", "uid:1"):
        assert [(row["user"], row["uid"]) for row in admin.ctl("list", user)] == [("daemon", 1)]
    assert "the ID of this user is not known" in admin.ctl("list", "nobody-knows", fails=1)
    assert "root" in admin.ctl("end-user", "root", fails=4)
    answered = threading.Thread(target=answer_orders, args=([daemon], [1]))
    answered.start()
    admin.ctl("end-user", "daemon")
    answered.join()
    assert daemon.orders[0][2] == "uid:1"


def test_a_host_leaves_the_fleet_until_it_is_restarted(hosts, cluster, saw):
    machine, other = hosts.add(), hosts.add()
    daemon, witness = machine.connect(), other.connect()
    for session in 1, 2, 3:
        assert daemon.ask(session, "alice", LIMIT)[0].outcome == GRANTED
    assert witness.ask(1, "alice", LIMIT)[0].outcome == FULL
    began = time.monotonic()
    assert machine.ctl("drain") is None
    needed = time.monotonic() - began
    assert not cluster.records(f"n/{machine.name}") and not cluster.slots("alice")
    assert witness.ask(2, "alice", LIMIT)[0].outcome == GRANTED
    answer, waited = daemon.ask(4, "bob", LIMIT)
    assert answer.outcome == UNKNOWN and waited < 1
    assert "sesslimitctl fleet drain" in daemon.states[-1][1]
    state = machine.ctl("status")
    assert not state["up"] and state["lease"] is None and "sesslimitctl fleet drain" in state["reason"]
    assert machine.ctl("drain") is None, "once more"
    time.sleep(3)
    assert not cluster.records(f"n/{machine.name}") and not cluster.records(f"h/{machine.name}/")
    machine.end()
    machine.start()
    again = machine.connect(listed=[(1, "alice", LIMIT)])
    wait_for_value(cluster, f"h/{machine.name}/s/1", "user=alice")
    assert again.is_up
    saw(f"left within {needed * 1000:.0f} ms")


def test_the_slots_of_a_lost_host_are_freed(hosts, cluster):
    lost, other = hosts.add(ttl="60s"), hosts.add(ttl="60s")
    daemon, witness = lost.connect(), other.connect()
    for session in 1, 2:
        assert daemon.ask(session, "alice", LIMIT)[0].outcome == GRANTED
    assert witness.ask(1, "alice", LIMIT)[0].outcome == GRANTED
    lost.kill()
    assert witness.ask(2, "alice", LIMIT)[0].outcome == FULL
    assert "fleet drain" in other.ctl("forget", other.name, fails=1)
    assert sorted((row["host"], row["session"], row["slot"]) for row in other.ctl("forget", lost.name)) == [
        (lost.name, 1, 1), (lost.name, 2, 2)]
    assert other.ctl("forget", lost.name) == []
    assert list(cluster.slots("alice")) == ["p/alice/0003"]
    assert witness.ask(3, "alice", LIMIT)[0].outcome == GRANTED
    wait_for_log(other, f"frees the slots of the host {lost.name}.")


def test_a_slow_reader_delays_only_its_own_request(hosts, cluster, saw):
    admin = hosts.add(admin=True, ttl="60s")
    daemon = admin.connect()
    put_sessions(cluster, "web9", 3000)
    readers = [admin_connection(admin) for _ in range(3)]
    try:
        for reader in readers:
            reader.send(encode(LIST))
        time.sleep(1)
        times = [daemon.ask(session, "alice", 100)[1] for session in range(1, 21)]
        rows = admin.ctl("list", "alice")
        assert len(rows) == 20
        memory = next(line for line in open(f"/proc/{admin.process.pid}/status") if line.startswith("VmRSS"))
        for reader in readers:
            kinds = kinds_of(reader)
            assert kinds.count(SESSION) >= 3000 and kinds[-1] == DONE
    finally:
        for reader in readers:
            reader.close()
    assert max(times) < 1
    saw(f"20 claims during 3 lists that are not read: at most {max(times) * 1000:.0f} ms; {memory.strip()}")


def test_requests_that_are_not_valid_close_their_connection(hosts):
    machine = hosts.add(admin=True)
    machine.connect()
    invalid = {
        "magic": encode(LIST, magic=b"SLIM"), "version": encode(LIST, version=2), "kind of the daemon": encode(1),
        "kind of a reply": encode(DONE, (1, b"\0")), "truncated": encode(LIST, (1, b"alice"))[:-2],
        "no administrator": encode(END, (1, b"\1"), (2, b"alice"), (6, number(4, 5))),
        "too long": encode(LIST, (1, b"a" * 3000)), "NUL": encode(LIST, (1, b"a\0b")),
    }
    for name, packet in invalid.items():
        with admin_connection(machine) as connection:
            connection.send(packet)
            try:
                assert connection.recv(4096) == b"", name
            except ConnectionResetError:
                pass
    assert machine.log().count("invalid frame") == len(invalid)
    # Several requests on one connection, and no more connections than permitted.
    used = [admin_connection(machine) for _ in range(4)]
    for _ in range(3):
        used[0].send(encode(HOSTS))
        assert kinds_of(used[0])[-1] == DONE
    assert "too many other requests" in machine.ctl("hosts", fails=1)
    for connection in used:
        connection.close()
    assert len(machine.ctl("hosts")) == 1
