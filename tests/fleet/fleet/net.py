# SPDX-License-Identifier: MIT
"""Network namespaces that a bridge connects. tests/fleet/isolated removes them with the namespace of the run."""

import subprocess


def ip(*arguments):
    subprocess.run(["ip", *map(str, arguments)], check=True, capture_output=True)


class Network:
    def __init__(self):
        ip("link", "add", "switch", "type", "bridge")
        ip("link", "set", "switch", "up")

    def add(self, name, address):
        """Adds a namespace with an address in 10.99.0.0/24."""
        ip("netns", "add", name)
        self._connect(name, address)
        ip("-n", name, "link", "set", "lo", "up")

    def join(self, name, pid, address):
        """Connects the namespace of a process."""
        ip("netns", "attach", name, pid)
        self._connect(name, address)

    def leave(self, name):
        """Disconnects a namespace of join(), if it is connected. Other mount namespaces can keep it alive."""
        for command in (["link", "delete", f"to-{name}"], ["netns", "delete", name]):
            subprocess.run(["ip", *command], check=False, capture_output=True)

    @staticmethod
    def _connect(name, address):
        ip("link", "add", f"to-{name}", "type", "veth", "peer", "name", "eth0", "netns", name)
        ip("link", "set", f"to-{name}", "master", "switch", "up")
        ip("-n", name, "address", "add", f"{address}/24", "dev", "eth0")
        ip("-n", name, "link", "set", "eth0", "up")

    def cut_off(self, name):
        ip("link", "set", f"to-{name}", "down")

    def connect(self, name):
        ip("link", "set", f"to-{name}", "up")

    def remove(self, names):
        for name in names:
            ip("link", "delete", f"to-{name}")
            ip("netns", "delete", name)
        ip("link", "delete", "switch")


def with_clock(ahead):
    """The command that runs a command with another clock, as after so many seconds of use and as many of suspend."""
    clocks = [f"--monotonic={ahead}", f"--boottime={2 * ahead}"]
    return ["unshare", "--time", *clocks, "--fork", "--kill-child"] if ahead else []


def inside(name, *command):
    """The command that runs a command in a namespace."""
    return ["nsenter", f"--net=/run/netns/{name}", *map(str, command)]
