# SPDX-License-Identifier: MIT
"""A host of the fleet: a network namespace in which sesslimit-fleetd runs, with a machine ID and a boot ID."""

import json
import os
import socket
import subprocess
import uuid
from pathlib import Path

from fleet.frames import Daemon, wait_for
from fleet.net import inside, with_clock

# Runs a program as on a machine and a boot with the IDs in the two files.
AS_MACHINE = ('mount --make-rprivate / && mount --bind "$1" /etc/machine-id && '
              'mount --bind "$2" /proc/sys/kernel/random/boot_id && shift 2 && exec "$@"')


class Machine:
    def __init__(self, cluster, program, name, address, host=None, ttl="10s", identity="name", ahead=0):
        self.name, self.host, self._ahead = name, host or name, ahead
        self._cluster, self._program = cluster, program
        self.directory = cluster.directory / name
        self.tls = self.directory / "tls"
        self.directory.mkdir()
        self.socket = self.directory / "socket"
        self.admin_socket = self.directory / "admin"
        self.log_file = self.directory / "log"
        self.process = None
        self._machine = self.directory / "machine-id"
        self._machine.write_text(uuid.uuid4().hex + "\n")
        self.reboot()
        self.issue_certificate()
        cluster.network.add(name, address)
        endpoints = ", ".join(f'"{endpoint}"' for endpoint in cluster.endpoints)
        (self.directory / "fleet.toml").write_text(
            f'version = 1\nfleet = "test"\nhost = "{self.host}"\nendpoints = [{endpoints}]\n'
            f'ca = "{cluster.authority.certificate}"\ncertificate = "{self.tls}/{self.host}.pem"\n'
            f'key = "{self.tls}/{self.host}.key"\nhost_ttl = "{ttl}"\nidentity = "{identity}"\n')

    def issue_certificate(self, **options):
        self._cluster.authority.issue(self.host, into=self.tls, **options)

    def reboot(self):
        """Gives the next process the ID of another boot."""
        boot = self.directory / f"boot-{uuid.uuid4().hex}"
        boot.write_text(str(uuid.uuid4()) + "\n")
        self._boot = boot

    def start(self, **environment):
        """Starts the process, and waits until it is ready, as systemd does."""
        notify = self.directory / "notify"
        notify.unlink(missing_ok=True)
        with open(self.log_file, "ab") as log, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready:
            ready.bind(str(notify))
            ready.settimeout(30)
            self.process = subprocess.Popen(
                inside(self.name, *with_clock(self._ahead), "unshare", "--mount", "sh", "-c", AS_MACHINE, "sh",
                       self._machine, self._boot, self._program, f"--config={self.directory}/fleet.toml", f"--socket={self.socket}",
                       f"--admin-socket={self.admin_socket}"),
                stdout=log, stderr=log, env={"PATH": os.environ["PATH"], "NOTIFY_SOCKET": str(notify),
                                             **sanitizer_options(), **environment})
            while b"READY=1" not in ready.recv(4096):
                pass

    def kill(self):
        self.process.kill()
        self.process.wait()

    def end(self):
        """Stops the process as systemd does. Returns its exit status."""
        self.process.terminate()
        return self.process.wait(timeout=20)

    def connect(self, up=True, **options):
        daemon = Daemon(self.socket, **options)
        if up:
            wait_for([daemon], lambda: daemon.is_up, 30, f"connection of {self.name} to etcd; log: {self.log()}")
        return daemon

    def command(self, *arguments):
        """The command line of sesslimitctl that asks this host about the fleet."""
        return [default_ctl(), "fleet", f"--socket={self.admin_socket}", *arguments]

    def ctl(self, *arguments, fails=None):
        """Runs sesslimitctl fleet, and returns its JSON. With `fails`, returns its error and expects the exit status."""
        run = subprocess.run(self.command(*arguments, "--json=short"), capture_output=True, text=True, timeout=60,
                             stdin=subprocess.DEVNULL)
        assert run.returncode == (fails or 0), f"{run.returncode}: {run.stdout}{run.stderr}; log: {self.log()[-1000:]}"
        return run.stderr if fails else json.loads(run.stdout or "null")

    def wakeups(self):
        """The voluntary context switches of each thread of the process."""
        counts = {}
        for task in Path(f"/proc/{self.process.pid}/task").iterdir():
            status = dict(line.split(":\t", 1) for line in (task / "status").read_text().splitlines() if ":\t" in line)
            counts[f"{status['Name']}-{task.name}"] = int(status["voluntary_ctxt_switches"])
        return counts

    def log(self):
        return self.log_file.read_text() if self.log_file.exists() else ""


def sanitizer_options():
    return {name: value for name, value in os.environ.items() if name.endswith("SAN_OPTIONS")}


def default_program():
    root = Path(__file__).resolve().parents[3]
    return Path(os.environ.get("SESSLIMIT_FLEETD", root / "build/dev/fleet/fleetd/sesslimit-fleetd"))


def default_ctl():
    root = Path(__file__).resolve().parents[3]
    return Path(os.environ.get("SESSLIMITCTL", root / "build/dev/ctl/sesslimitctl"))
