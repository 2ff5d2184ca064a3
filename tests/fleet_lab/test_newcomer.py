# SPDX-License-Identifier: MIT
"""The instructions of docs/fleet.md on new machines: three nodes of etcd, two hosts, and how to get out."""

import re
import shutil
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from booted.document import block, says
from booted.hosts import CONFIG, IN_FLEET, BootedHost
from booted.storm import DENIED, Shells, denial, log_out, stay
from lab.machine import wait_until
from lab.packages import fleet_package

NODES = {"node1": "10.99.0.41", "node2": "10.99.0.42", "node3": "10.99.0.43"}
HOSTS = {"host1": "10.99.0.51", "host2": "10.99.0.52"}
WORDS = {**{f"NODE{number}": name for number, name in enumerate(NODES, 1)},
         **{f"ADDRESS{number}": address for number, address in enumerate(NODES.values(), 1)}, "FLEET": "office"}
POLICY = "/etc/sesslimit/policy.d/50-fleet.toml"
TTL = 30  # seconds, the default
PLACE = "/root/fleet"
REQUEST = "openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj"
FILES = "find /etc /usr /var/lib -xdev -path /var/lib/dpkg -prune -o -print"
RECORDS = "etcdctl get --keys-only --prefix /sesslimit/1/office/h/"
SLOTS = "etcdctl get --keys-only --prefix /sesslimit/1/office/p/"
SYNC = 60  # seconds; each host compares its records with its sessions once in this time


@pytest.fixture
def machines(suite, network, layers):
    made = [BootedHost(suite, network, name, address) for name, address in NODES.items()]
    made += [BootedHost(suite, network, name, address, layers.plain) for name, address in HOSTS.items()]
    try:
        for machine in made:
            machine.start()
            machine.sh(f"mkdir {PLACE}")
        yield made
    finally:
        for machine in made:
            machine.stop()


def run(machine, commands):
    """Runs commands in the directory of the instructions."""
    return machine.sh(f"cd {PLACE}\n{commands}", timeout=200)


def copy(names, one, other):
    for name in names:
        shutil.copy(one.path(f"{PLACE}/{name}"), other.path(PLACE))


def install(machine, command, store):
    """Does what a command of apt does, from the packages in the machine."""
    assert command.startswith("apt install ")
    machine.install_later(store)


def prepare(administrator):
    """Returns the commands that set the variables of etcdctl."""
    administrator.install_later("etcd")
    return "\n".join(line for line in block("export ETCDCTL_API", **WORDS).splitlines() if line.startswith("export"))


def set_up_etcd(nodes, administrator, export):
    run(administrator, block("openssl req -x509"))
    for node in nodes:
        run(administrator, block(f'{REQUEST} "/CN=NODE"', NODE=node.host, ADDRESS=node.address))
    run(administrator, block(f'{REQUEST} "/CN=root"'))
    for node in nodes:
        packages, rest = block("apt install etcd-server etcd-client").split("\n", 1)
        if node is not administrator:
            install(node, packages, "etcd")
            copy(["ca.pem", "nodes-ca.pem", *(f"{node.host}{use}.{kind}" for use in ("-server", "-peer") for kind in ("pem", "key"))],
                 administrator, node)
        run(node, rest)
        run(node, block("install -d -m 0750 -g etcd", NODE=node.host))
        settings = block("ETCD_NAME=", **WORDS, NODE=node.host, ADDRESS=node.address)
        node.write(says("/etc/default/etcd"), settings)
    start_etcd(nodes, administrator, export)
    commands = block("export ETCDCTL_API=3", **WORDS)
    run(administrator, commands)


def start_etcd(nodes, administrator, export):
    with ThreadPoolExecutor(len(nodes)) as pool:
        list(pool.map(lambda node: run(node, block("systemctl start etcd.service")), nodes))
    wait_until("an answer of etcd", lambda: administrator.run(
        "sh", "-c", f"cd {PLACE}\n{export}\netcdctl endpoint health", check=False).returncode == 0, 30)


def is_node(administrator, certificate):
    """Returns whether a node accepts a certificate as that of another node."""
    return administrator.run("sh", "-c", f"cd {PLACE}\nopenssl s_client -tls1_2 -connect {NODES['node1']}:2380 "
                             f"-CAfile nodes-ca.pem -cert {certificate}.pem -key {certificate}.key </dev/null",
                             check=False).returncode == 0


def add(host, suite, administrator, export):
    host.install_later("fleet")
    host.install([fleet_package(suite)])
    enroll(host, administrator, export)


def enroll(host, administrator, export):
    printed = run(host, block("sesslimit-fleet enroll", **WORDS, HOST=host.host))
    first, second = re.split(r"(?m)^# \d+\. On .*\n", printed)
    run(administrator, f"{export}\n{first}")
    copy(["ca.pem", f"{host.host}.pem", f"{host.host}.key"], administrator, host)
    run(host, second)
    host.write(says(CONFIG), block("version = 1\nfleet =", **WORDS, HOST=host.host))
    set_limit(host)
    started = run(host, block("systemctl enable --now sesslimit-fleetd").replace("status", "--no-pager status"))
    assert "active (running)" in started
    host.wait_joined()
    status = run(host, "systemctl --no-pager status sesslimit-fleetd.service")
    assert says("Host HOST is in the fleet FLEET").replace("HOST", host.host).replace("FLEET", "office") in status


def set_limit(host):
    host.write(says(POLICY), block("version = 1\n[defaults]"))
    run(host, block("sesslimitctl check"))
    wait_until("the policy", lambda: "max_sessions_fleet" in host.run("sesslimitctl", "explain", "alice").stdout, 10)


def test_instructions_of_the_document_work(suite, machines, saw):
    nodes, hosts = machines[:3], machines[3:]
    administrator = nodes[0]  # a node serves as the computer of the administrator, too
    export = prepare(administrator)

    def etcdctl(command):
        return run(administrator, f"{export}\n{command}")

    began = time.monotonic()
    set_up_etcd(nodes, administrator, export)
    saw(f"three nodes of etcd, with TLS and permissions: {time.monotonic() - began:.0f} s")

    assert is_node(administrator, "node1-peer") and not is_node(administrator, "root")
    before = {}
    for host in hosts:
        before[host] = set(host.sh(FILES).splitlines())
        add(host, suite, administrator, export)
    logins = [stay(hosts[0], "alice"), stay(hosts[0], "alice"), stay(hosts[1], "alice")]
    for host in hosts:
        assert DENIED in denial(host, "alice")
    log_out(logins[0])
    logins.append(stay(hosts[1], "alice"))
    assert DENIED in denial(hosts[0], "alice")
    saw("two hosts admitted by the printed commands; a limit of 3 over both: the 4th login is denied on each of them")

    # One host is pulled out. It has 1 session, and the other one 2.
    hosts[0].power_off()
    died = time.monotonic()
    assert DENIED in denial(hosts[1], "alice")
    wait_until("the free slot", lambda: not etcdctl(f"{RECORDS}host1/").strip(), TTL + 1)
    freed = time.monotonic() - died
    logins.append(stay(hosts[1], "alice"))
    assert DENIED in denial(hosts[1], "alice")
    saw(f"one host pulled out: its slot is free after {freed:.1f} s (host_ttl {TTL} s)")
    revoke = block("etcdctl user delete", HOST="host1")
    etcdctl(revoke)

    # The other host is removed from the fleet.
    host = hosts[1]
    for login in logins:
        log_out(login) if login.running else None
        login.close()
    host.sh(f"rm {POLICY}")
    run(host, "systemctl reload sesslimitd.service")
    get_out = block("systemctl disable --now sesslimit-fleetd").replace("apt purge", "apt -y purge")
    run(host, get_out)
    etcdctl(block("etcdctl user delete", HOST="host2"))
    wait_until("no record", lambda: not etcdctl(RECORDS).strip(), TTL + 1)
    etcdctl(block("etcdctl del --prefix"))
    assert etcdctl("etcdctl get --keys-only --prefix ''").strip() == ""
    assert etcdctl("etcdctl user list").split() == ["root"] and "sesslimit" not in etcdctl("etcdctl role list")
    again = [stay(host, "alice") for _ in range(4)]
    for login in again:
        log_out(login)
        login.close()
    after = set(host.sh(FILES).splitlines())
    left = sorted(path for path in after - before[host] if "sesslimit" in path)
    assert left == [], left
    assert IN_FLEET not in host.fleet_status()
    saw("everything removed: no key, user or role in etcd, no file of the fleet on the host, no limit over hosts")


def test_a_backup_is_restored(suite, machines, saw):
    nodes, hosts = machines[:3], machines[3:]
    administrator = nodes[0]
    export = prepare(administrator)

    def etcdctl(command):
        return run(administrator, f"{export}\n{command}")

    def keys(what):
        return etcdctl(what).split()

    set_up_etcd(nodes, administrator, export)
    for host in hosts:
        add(host, suite, administrator, export)
    since = hosts[0].now()
    # A session that ends after the backup, and others that are opened after it.
    ended = stay(hosts[0], "alice")
    etcdctl(block("ETCDCTL_ENDPOINTS=", **WORDS))
    log_out(ended)
    with Shells(hosts, "alice") as shells:
        logins = [stay(hosts[0], "alice"), stay(hosts[1], "alice"), stay(hosts[1], "alice")]
        assert DENIED in denial(hosts[0], "alice")
        stopped = time.monotonic()
        for node in nodes:
            run(node, block("systemctl stop etcd.service"))
            if node is not administrator:
                copy(["fleet.db"], administrator, node)
        for node in nodes:
            run(node, block("mv /var/lib/etcd/default", **WORDS, NODE=node.host, ADDRESS=node.address))
        assert says("Start all nodes with `systemctl start etcd.service`")
        start_etcd(nodes, administrator, export)
        began = time.monotonic()
        for host in hosts:
            host.wait_joined(SYNC)
        wait_until("slots of the sessions", lambda: len(keys(SLOTS)) == len(logins), SYNC)
        needed = time.monotonic() - began
        sessions = [key for key in keys(RECORDS) if "/s/" in key]
        assert sorted(key.split("/")[5] for key in sessions) == ["host1", "host2", "host2"], sessions
        for host in hosts:
            assert DENIED in denial(host, "alice")
        assert all(login.running for login in logins)
    repaired = [len(host.events("fleet-repaired", since=since)) for host in hosts]
    beyond = [len(host.events("fleet-over-limit", since=since)) for host in hosts]
    assert repaired == [1, 1] and beyond == [0, 0] and shells.most == len(logins), (repaired, beyond, shells.most)
    # The permissions are those of the backup.
    log_out(logins[0])
    logins.append(stay(hosts[1], "alice"))
    assert DENIED in denial(hosts[0], "alice")
    for login in (ended, *logins):
        if login.running:
            log_out(login)
        login.close()
    wait_until("no slot", lambda: not keys(SLOTS), 10)
    saw(f"backup restored by the instructions, etcd away for {began - stopped:.0f} s: most at once {shells.most}, no excess; "
        f"slots equal to the {len(sessions)} sessions {needed:.1f} s after the start of the nodes; missing records reported "
        f"by both hosts, the one of an ended session deleted, no session terminated")
