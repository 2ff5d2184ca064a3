# SPDX-License-Identifier: MIT
"""Booted machines in the network of the etcd nodes. Their files survive when they are powered off."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from fleet.cluster import PREFIX
from lab import apt, base, cgroup, machine
from lab.host import PAM_STACK, Host
from lab.machine import Gone, wait_until

FLEET = PREFIX.split("/")[3]
IN_FLEET = "is in the fleet"
CONFIG = "/etc/sesslimit/fleet.toml"


class BootedHost(Host):
    """A machine with a name and an address in the network of the test."""

    def __init__(self, suite, network, host, address, layers=()):
        super().__init__(suite)
        self.host, self.address = host, address
        self.layers = list(layers)
        self._network = network

    # --- power

    def start(self):
        super().start()
        self._pam_stack = self.read(PAM_STACK)

    def power_off(self):
        """Ends the machine as a power cut does."""
        self._end()
        self._network.leave(self.host)

    def power_on(self):
        self.group = cgroup.create(self.name)
        self._boot(":".join(map(str, [*self.layers, base.base(self.suite)])))

    def is_on(self):
        return self._nspawn is not None and self._nspawn.poll() is None

    def shut_down(self, timeout=60):
        """Shuts the machine down in order."""
        self.run("systemctl", "--no-block", "poweroff")
        wait_until("the shutdown", lambda: not self.is_on(), timeout)
        self.power_off()

    def stop(self):
        self._network.leave(self.host)
        super().stop()

    @property
    def upper(self):
        """The files that the machine has changed. Another machine can use them as a layer when this one is off."""
        return self.directory / "upper"

    def _create_directory(self):
        # A tmpfs of the mount namespace of this run, so that it survives the machine, but not the run.
        super()._create_directory()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=0755", "none", self.directory], check=True)
        for name in ("upper", "work", "root"):
            (self.directory / name).mkdir()
        (self.upper / "etc").mkdir(mode=0o755)
        (self.upper / "etc/hostname").write_text(f"{self.host}\n")

    def _remove_directory(self):
        subprocess.run(["umount", "--lazy", self.directory], check=True)
        super()._remove_directory()

    def _started(self):
        self._network.join(self.host, self.pid, self.address)

    # --- sesslimit-fleetd

    def join(self, cluster, ttl="10s"):
        """Admits the host to the fleet by the commands that sesslimit-fleet prints, and starts sesslimit-fleetd."""
        self.enroll(cluster)
        endpoints = ", ".join(f'"{endpoint}"' for endpoint in cluster.endpoints)
        self.write(CONFIG, f'version = 1\nfleet = "{FLEET}"\nhost = "{self.host}"\nendpoints = [{endpoints}]\n'
                   'ca = "/etc/sesslimit/fleet/ca.pem"\n'
                   f'certificate = "/etc/sesslimit/fleet/{self.host}.pem"\n'
                   f'key = "/etc/sesslimit/fleet/{self.host}.key"\n'
                   f'host_ttl = "{ttl}"\n')
        self.run("systemctl", "start", "sesslimit-fleetd.socket", "sesslimit-fleetd.service")
        self.wait_joined()

    def enroll(self, cluster):
        printed = self.run("sesslimit-fleet", "enroll", "--fleet", FLEET, self.host).stdout
        administrator, here = re.split(r"(?m)^# \d+\. On .*\n", printed)
        place = cluster.authority.directory
        run_with_etcdctl(cluster, place, administrator)
        for name in ("ca.pem", f"{self.host}.pem", f"{self.host}.key"):
            shutil.copy(place / name, self.path("/root"))
        self.sh(f"cd /root\n{here}")

    def fleet_status(self):
        return self.run("systemctl", "show", "-P", "StatusText", "sesslimit-fleetd.service").stdout.strip()

    def wait_joined(self, timeout=30):
        try:
            wait_until(f"{self.host} in the fleet", lambda: IN_FLEET in self.fleet_status(), timeout, 0.2)
        except Gone as error:
            log = self.journal("-u", "sesslimit-fleetd", "-n", "30")
            raise Gone(f"{error}: {self.fleet_status()}\n{log}") from None


def run_with_etcdctl(cluster, place, script):
    """Runs a shell script in a directory. It uses the etcdctl of the release, with the certificate of root."""
    programs = cluster.directory / "programs"
    programs.mkdir(exist_ok=True)
    wrapper = programs / "etcdctl"
    wrapper.write_text(f'#!/bin/sh\nexec {" ".join(map(str, cluster.ctl_command()))} "$@"\n')
    wrapper.chmod(0o755)
    done = subprocess.run(["sh", "-ec", script], cwd=place, capture_output=True, text=True, check=False,
                          env={"PATH": f"{programs}:{os.environ['PATH']}", "ETCDCTL_API": "3"})
    assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"


class Layers:
    """The file trees of machines with packages: one with sesslimit, and one that also contains sesslimit-fleet."""

    def __init__(self, suite, network, packages, fleet_package):
        self._seeds = []
        self.plain = [self._install(suite, network, "seed1", [], lambda host: apt.install(host, packages))]

        def install_fleet(host):
            host.install_later("fleet")
            apt.install(host, [fleet_package])

        self.fleet = [self._install(suite, network, "seed2", self.plain, install_fleet), *self.plain]

    def _install(self, suite, network, name, layers, install) -> Path:
        seed = BootedHost(suite, network, name, "10.99.0.9", layers)
        self._seeds.append(seed)
        seed.start()
        install(seed)
        seed.power_off()
        # Each machine gets an ID of its own.
        for path in ("etc/machine-id", "etc/hostname"):
            (seed.upper / path).unlink(missing_ok=True)
        return seed.upper

    def close(self):
        for seed in self._seeds:
            seed.stop()


def sweep():
    machine.sweep()
