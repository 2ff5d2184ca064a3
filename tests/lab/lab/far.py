# SPDX-License-Identifier: MIT
"""A client host whose connection to the machine can be cut, so that the machine's packets are not acknowledged."""

from . import client
from .machine import Machine


class Far:
    """with Far(machine) as far: far.shell("alice"); far.cut()"""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def __enter__(self) -> "Far":
        self._machine.sh("""
            ip netns add far && ip link add near type veth peer name far netns far
            ip addr add 10.66.0.1/24 dev near && ip link set near up
            ip -n far addr add 10.66.0.2/24 dev far && ip -n far link set far up""")
        return self

    def __exit__(self, *_) -> None:
        self._machine.sh("ip netns del far; ip link del near", check=False)

    def shell(self, user: str) -> client.Client:
        argv = ["ip", "netns", "exec", "far", "ssh", "-tt", f"{user}@10.66.0.1"]
        return client.program(self._machine, argv, terminal=True)

    def cut(self) -> None:
        self._machine.sh("ip -n far route add blackhole 10.66.0.1/32")
