# SPDX-License-Identifier: MIT
"""Three nodes of etcd with TLS and permissions, each in a network namespace of its own."""

import base64
import json
import os
import re
import shlex
import signal
import subprocess
import time
from pathlib import Path

from fleet.net import inside, with_clock

PREFIX = "/sesslimit/1/test/"
ENROLL = Path(__file__).resolve().parents[3] / "packaging/fleet/sesslimit-fleet"


class Etcd:
    """The programs of a release: those of this system, or of a tree that contains its libraries, too."""

    def __init__(self, tree=Path("/")):
        self._tree = tree

    def command(self, program):
        path = str(self._tree / "usr/bin" / program)
        if self._tree == Path("/"):
            return [path]
        loader = self._tree / "lib64/ld-linux-x86-64.so.2"
        return [str(loader), "--library-path", str(self._tree / "usr/lib/x86_64-linux-gnu"), path]

    def version(self):
        text = subprocess.run([*self.command("etcd"), "--version"], check=True, capture_output=True, text=True).stdout
        return text.split()[2]


class Node:
    def __init__(self, cluster, number, ahead):
        self.name = f"etcd{number}"
        self.address = f"10.99.0.{number}"
        self.endpoint = f"https://{self.address}:2379"
        self.etcd = cluster.etcd
        self._cluster, self._ahead = cluster, ahead
        self._directory = cluster.directory / self.name
        self._log = cluster.directory / f"{self.name}.log"
        self._files = cluster.authority.issue(self.name, [self.address, "127.0.0.1"])
        self.process = None
        cluster.network.add(self.name, self.address)

    def log(self):
        return self._log.read_text()

    @property
    def _peer(self):
        return f"https://{self.address}:2380"

    def start(self):
        cluster, peer = self._cluster, self._peer
        certificate, key = self._files
        options = {
            "name": self.name, "data-dir": self._directory, "listen-client-urls": self.endpoint,
            "advertise-client-urls": self.endpoint, "listen-peer-urls": peer, "initial-advertise-peer-urls": peer,
            "initial-cluster": cluster.members,
            "cert-file": certificate, "key-file": key, "trusted-ca-file": cluster.authority.certificate,
            "peer-cert-file": certificate, "peer-key-file": key, "peer-trusted-ca-file": cluster.authority.certificate,
            "quota-backend-bytes": cluster.quota, "logger": "zap",
        }
        with open(self._log, "ab") as log:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL",
                 *inside(self.name, *with_clock(self._ahead), *self.etcd.command("etcd"),
                         *(f"--{key}={value}" for key, value in options.items()),
                         "--client-cert-auth", "--peer-client-cert-auth")],
                stdout=log, stderr=log, env={"PATH": os.environ["PATH"]})

    def kill(self):
        self.process.kill()
        self.process.wait()

    def end(self):
        """Stops the node as systemd does."""
        self.process.terminate()
        self.process.wait(timeout=30)

    def use_backup(self, file):
        """Creates the data from which the node starts the next time."""
        self._directory = self._cluster.directory / f"{self.name}-restored"
        subprocess.run([*self._cluster.etcd.command("etcdctl"), "snapshot", "restore", file, f"--name={self.name}",
                        f"--data-dir={self._directory}", f"--initial-cluster={self._cluster.members}",
                        f"--initial-advertise-peer-urls={self._peer}"],
                       check=True, capture_output=True, env={"ETCDCTL_API": "3"})

    def stop(self):
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self):
        self.process.send_signal(signal.SIGCONT)

    def resume(self):
        """Makes a killed or stopped node run again."""
        if self.process.poll() is None:
            self.go_on()
        else:
            self.start()


class Cluster:
    """Nodes of etcd. `ahead`: the seconds by which the clock of each node is ahead, see with_clock()."""

    def __init__(self, network, authority, directory, etcd, numbers=(1, 2, 3), quota=0, ahead=(0, 0, 0)):
        self.network, self.authority, self.directory, self.etcd = network, authority, directory, etcd
        self.numbers, self.quota = numbers, quota
        self._root = authority.issue("root")
        self.nodes = [Node(self, *each) for each in zip(numbers, ahead)]

    @property
    def members(self):
        return ",".join(f"etcd{number}=https://10.99.0.{number}:2380" for number in self.numbers)

    @property
    def endpoints(self):
        return [node.endpoint for node in self.nodes]

    def start(self):
        for node in self.nodes:
            node.start()
        self.wait_until_healthy()
        self.ctl("user", "add", "root", "--no-password")
        self.ctl("user", "grant-role", "root", "root")
        self.ctl("auth", "enable")

    def close(self):
        for node in self.nodes:
            if node.process:
                node.kill()

    def save_backup(self, file):
        self.ctl("snapshot", "save", file, endpoints=[self.nodes[0].endpoint])

    def restore_backup(self, file):
        """Replaces the nodes by a new cluster with the data of a backup."""
        for node in self.nodes:
            node.use_backup(file)
        for node in self.nodes:
            node.kill()
        for node in self.nodes:
            node.start()
        self.wait_until_healthy()

    def ctl_command(self, endpoints=None, user=None):
        """The command etcdctl with the certificate of a user of etcd, by default that of root."""
        certificate, key = user or self._root
        return inside(self.nodes[0].name, *self.etcd.command("etcdctl"),
                      f"--endpoints={','.join(endpoints or self.endpoints)}", f"--cacert={self.authority.certificate}",
                      f"--cert={certificate}", f"--key={key}", "--dial-timeout=3s", "--command-timeout=10s")

    def ctl(self, *arguments, endpoints=None, check=True, user=None, value=None):
        run = subprocess.run(
            [*self.ctl_command(endpoints, user), *map(str, arguments)], input=value, capture_output=True, text=True,
            env={"ETCDCTL_API": "3"})
        if check:
            assert run.returncode == 0, f"etcdctl {' '.join(map(str, arguments))}: {run.stderr}"
        return run.stdout

    def wait_until_healthy(self, timeout=60):
        """Waits until each node answers a linearizable read."""
        end = time.monotonic() + timeout
        for node in self.nodes:
            while '"header"' not in self.ctl("get", "x", "-w", "json", endpoints=[node.endpoint], check=False):
                assert time.monotonic() < end, f"{node.name} does not answer; log: {node.log()[-2000:]}"
                time.sleep(0.2)

    def status(self, node):
        return json.loads(self.ctl("endpoint", "status", "-w", "json", endpoints=[node.endpoint]))[0]["Status"]

    def leader(self):
        for node in self.nodes:
            status = self.status(node)
            if status["header"]["member_id"] == status["leader"]:
                return node
        raise AssertionError("no leader")

    def admit(self, host, *options):
        """Creates the user of a host by the commands of etcdctl that sesslimit-fleet prints."""
        text = subprocess.run([ENROLL, "enroll", "--fleet", "test", *options, host], check=True, capture_output=True,
                              text=True).stdout
        for command in re.findall("^etcdctl .*", text, re.M):
            self.ctl(*shlex.split(command)[1:])

    def records(self, below):
        """The keys below a part of the fleet's prefix, and their values."""
        reply = json.loads(self.ctl("get", "--prefix", PREFIX + below, "-w", "json"))
        text = lambda value: base64.b64decode(value).decode()  # noqa: E731
        return {text(entry["key"])[len(PREFIX):]: text(entry.get("value", "")) for entry in reply.get("kvs", [])}

    def slots(self, user):
        return self.records(f"p/{user}/")
