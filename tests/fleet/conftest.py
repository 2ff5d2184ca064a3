# SPDX-License-Identifier: MIT
"""Fixtures: hosts for each test. Run by tests/run fleet, see tests/fleet/isolated."""

import contextlib
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "lab")]
sys.dont_write_bytecode = True

from fleet.machine import Machine, default_program  # noqa: E402

pytest_plugins = ["fleet.fixtures", "lab.report"]


class Hosts:
    """The hosts of a test."""
    number = 10

    def __init__(self, cluster):
        self._cluster = cluster
        self.all = []

    def add(self, ttl="10s", host=None, admit=True, start=True, admin=False, **options):
        """Adds a host, by default with the permissions of its name."""
        Hosts.number += 1
        name = f"host{Hosts.number}"
        machine = Machine(self._cluster, default_program(), name, f"10.99.0.{Hosts.number}", host=host, ttl=ttl,
                          **options)
        self.all.append(machine)
        if admit and host is None:
            self._cluster.admit(name, *(["--admin"] if admin else []))
        if start:
            machine.start()
        return machine

    def close(self):
        for machine in self.all:
            if machine.process and machine.process.poll() is None:
                machine.kill()


@pytest.fixture
def hosts(cluster):
    added = Hosts(cluster)
    try:
        yield added
    finally:
        added.close()
        # The slots of this test must not outlive it, because the next one uses the same names.
        for node in cluster.nodes:
            if node.process.poll() is not None:
                node.start()
        cluster.wait_until_healthy()
        cluster.ctl("del", "--prefix", "/sesslimit/")


@pytest.fixture
def hosts_of():
    """Creates the hosts of a cluster that only this test uses."""
    with contextlib.ExitStack() as stack:
        yield lambda cluster: stack.enter_context(contextlib.closing(Hosts(cluster)))


@pytest.fixture
def four(hosts):
    """Four hosts and the connections of their daemons."""
    machines = [hosts.add() for _ in range(4)]
    return machines, [machine.connect() for machine in machines]


@pytest.fixture(autouse=True)
def logs_of_failure(request, hosts):
    """Shows the ends of the logs of the hosts of a failed test."""
    yield
    if getattr(request.node, "failed", False):
        for machine in hosts.all:
            print(f"--- {machine.name}\n{machine.log()[-3000:]}")
