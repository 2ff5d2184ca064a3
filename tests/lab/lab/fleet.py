# SPDX-License-Identifier: MIT
"""A fleet on one machine: a node of etcd with TLS and permissions, the machine with its packages as a host, and processes
sesslimit-fleetd of other hosts, whose daemons the test imitates. The policy of the machine must limit sessions in it."""

import re
import select
import shlex
import sys
import threading
import uuid
from pathlib import Path

from .machine import Machine, wait_until

sys.path.append(str(Path(__file__).resolve().parents[2] / "fleet"))

from fleet.frames import GRANTED, Daemon, wait_for  # noqa: E402
from fleet.pki import Authority  # noqa: E402

FLEET = "office"
HOST = "lab"  # the name of the machine
ENDPOINT = "https://127.0.0.1:2379"
ETCDCTL = "/root/etcdctl"  # with the certificate of root
UNITS = ("sesslimit-fleetd.socket", "sesslimit-fleetd.service")

ETCD = f"""\
ETCD_NAME=node1
ETCD_LISTEN_CLIENT_URLS={ENDPOINT}
ETCD_ADVERTISE_CLIENT_URLS={ENDPOINT}
ETCD_CERT_FILE=/etc/etcd/node.pem
ETCD_KEY_FILE=/etc/etcd/node.key
ETCD_TRUSTED_CA_FILE=/etc/etcd/ca.pem
ETCD_CLIENT_CERT_AUTH=true
"""


class Fleet:
    """with Fleet(machine, directory) as fleet: ... The machine has the packages of etcd and sesslimit-fleet.

    directory: for certificates. node: the name or the address by which the hosts reach the node.
    """

    def __init__(self, machine: Machine, directory: Path, node: str = "127.0.0.1", host_ttl: str = "10min") -> None:
        self.machine = machine
        self._node, self._host_ttl = node, host_ttl
        self._authority = Authority(directory / "authority")
        self._others: list[OtherHost] = []

    def __enter__(self) -> "Fleet":
        self._start_etcd()
        self._join()
        return self

    def __exit__(self, *_) -> None:
        for other in self._others:
            other.close()

    def etcdctl(self, *arguments: str) -> str:
        return self.machine.run(ETCDCTL, *arguments).stdout

    def _start_etcd(self) -> None:
        self._issue("node", ["127.0.0.1", "localhost"])
        self._issue("root")
        self.machine.sh("systemctl stop etcd.service; rm -rf /var/lib/etcd/*; install -d -m 0750 -g etcd /etc/etcd; "
                        "cd /root; install -m 0640 -g etcd ca.pem node.pem node.key /etc/etcd")
        self.machine.write("/etc/default/etcd", ETCD)
        self.machine.write(ETCDCTL, "#!/bin/sh\nETCDCTL_API=3 exec etcdctl --cacert=/root/ca.pem --cert=/root/root.pem "
                           f'--key=/root/root.key --endpoints={ENDPOINT} "$@"\n', 0o755)
        self.machine.run("systemctl", "start", "etcd.service")
        self.etcdctl("user", "add", "root", "--no-password")
        self.etcdctl("user", "grant-role", "root", "root")
        self.etcdctl("auth", "enable")

    def _issue(self, name: str, names: list[str] = ()) -> None:
        """Issues a certificate. Writes it, its key and the certificate of the authority to /root."""
        for path in (self._authority.certificate, *self._authority.issue(name, names)):
            self.machine.write(f"/root/{path.name}", path.read_text(encoding="utf-8"))

    def admit(self, name: str, *options: str) -> str:
        """Admits a host by the commands that sesslimit-fleet prints. Returns the configuration of the host."""
        printed = self.machine.run("sesslimit-fleet", "enroll", "--fleet", FLEET, *options, name).stdout
        for command in re.findall("^etcdctl .*", printed, re.M):
            self.etcdctl(*shlex.split(command)[1:])
        self._issue(name)
        self.machine.sh("cd /root\n" + printed[printed.index("# 3. On "):])
        files = f"/etc/sesslimit/fleet/{name}"
        return (f'version = 1\nfleet = "{FLEET}"\nhost = "{name}"\nendpoints = ["https://{self._node}:2379"]\n'
                f'ca = "/etc/sesslimit/fleet/ca.pem"\ncertificate = "{files}.pem"\nkey = "{files}.key"\n'
                f'host_ttl = "{self._host_ttl}"\n')

    def _join(self) -> None:
        self.machine.write("/etc/sesslimit/fleet.toml", self.admit(HOST, "--admin"))
        self.machine.run("systemctl", "start", *UNITS)
        self.wait_joined()

    def show(self, name: str) -> str:
        """Returns a property of the unit of sesslimit-fleetd."""
        return self.machine.run("systemctl", "show", "-P", name, UNITS[1]).stdout.strip()

    def is_joined(self) -> bool:
        return f"is in the fleet {FLEET}" in self.show("StatusText")

    def wait_joined(self) -> None:
        wait_until("the machine in the fleet", self.is_joined, 60, 0.2)

    def add(self, name: str, sessions: list[tuple[int, str]], policy: str) -> "OtherHost":
        """Adds a host whose daemon has sessions, given by their numbers and users, and the digest of a policy."""
        other = OtherHost(self, name, sessions, policy)
        self._others.append(other)
        return other


class OtherHost:
    """A process sesslimit-fleetd, and a thread in the place of its daemon, which terminates sessions as it is told."""

    def __init__(self, fleet: Fleet, name: str, sessions: list[tuple[int, str]], policy: str) -> None:
        machine, directory = fleet.machine, f"/run/{name}"
        machine.write(f"{directory}/fleet.toml", fleet.admit(name))
        machine.write(f"{directory}/machine-id", uuid.uuid4().hex + "\n")
        machine.run("systemd-run", "--quiet", f"--unit=fleetd-{name}", "--property=Type=notify",
                    f"--property=BindReadOnlyPaths={directory}/machine-id:/etc/machine-id", "/usr/sbin/sesslimit-fleetd",
                    f"--config={directory}/fleet.toml", f"--socket={directory}/socket", f"--admin-socket={directory}/admin")
        self._sessions = dict(sessions)
        self._daemon = Daemon(machine.path(f"{directory}/socket"), policy=policy)
        wait_for([self._daemon], lambda: self._daemon.is_up, 30, f"connection of {name} to etcd")
        for number, user in sessions:
            answer, _ = self._daemon.ask(number, user, 1000)
            assert answer.outcome == GRANTED, (name, number, user)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while not self._stopped.is_set() and not self._daemon.closed:
            if select.select([self._daemon], [], [], 0.1)[0]:
                self._daemon.receive()
            for order, _, user, *_ in self._daemon.orders:
                ending = [number for number, owner in self._sessions.items() if owner == user]
                self._daemon.ended(order, len(ending))
                for number in ending:
                    self._daemon.release(number)
                    del self._sessions[number]
            self._daemon.orders.clear()

    def close(self) -> None:
        self._stopped.set()
        self._thread.join()
        self._daemon.close()
