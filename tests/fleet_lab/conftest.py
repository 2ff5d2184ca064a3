# SPDX-License-Identifier: MIT
"""Fixtures: machines that use the cluster of etcd. Run by tests/run fleet, see tests/fleet/isolated."""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "fleet"), str(HERE.parent / "lab")]
sys.dont_write_bytecode = True

from booted.hosts import BootedHost, Layers, sweep  # noqa: E402
from fleet.waits import wait_until_empty  # noqa: E402
from lab.base import SUITES  # noqa: E402
from lab.packages import built_packages, fleet_package  # noqa: E402

pytest_plugins = ["fleet.fixtures", "lab.report"]

NAMES = ("web1", "web2", "web3", "web4")
SLOW = "web4"  # with a host_ttl that is longer than a boot
USERS = ("alice", "bob", "carol")
POLICY = 'version = 1\n[[rule]]\nname = "fleet"\nmatch.user = ["alice"]\nmax_sessions_fleet = 3\n'


def pytest_addoption(parser):
    parser.addoption("--suite", choices=list(SUITES), default="bookworm", help="the release of the machines")


def pytest_report_header(config):
    return [f"Debian {config.getoption('--suite')}"]


def pytest_unconfigure():
    sweep()


@pytest.fixture(scope="session")
def suite(request):
    return request.config.getoption("--suite")


@pytest.fixture(scope="session")
def layers(suite, network):
    made = Layers(suite, network, built_packages(suite), fleet_package(suite))
    yield made
    made.close()


@pytest.fixture(scope="session")
def booted(suite, network, cluster, layers):
    """Four hosts of the fleet."""
    hosts = [BootedHost(suite, network, name, f"10.99.0.{number}", layers.fleet)
             for number, name in enumerate(NAMES, 21)]
    try:
        for host in hosts:
            host.start()
            host.policy(POLICY)
            host.join(cluster, ttl="60s" if host.host == SLOW else "10s")
        yield hosts
    finally:
        for host in hosts:
            host.stop()


@pytest.fixture(scope="session")
def plain(suite, network, layers):
    """A host with sesslimit, but without sesslimit-fleet."""
    host = BootedHost(suite, network, "plain", "10.99.0.30", layers.plain)
    try:
        host.start()
        yield host
    finally:
        host.stop()


@pytest.fixture
def hosts(booted, cluster, network):
    """The four hosts, in the fleet, with a limit of 3 sessions of alice and without sessions."""
    restore(booted, cluster, network)
    wait_until_empty(cluster, 90)
    return booted


def restore(booted, cluster, network):
    """Undoes the faults of an earlier test."""
    for node in cluster.nodes:
        node.resume()
    cluster.wait_until_healthy()
    for host in booted:
        if not host.is_on():
            host.power_off()
            host.power_on()
        network.connect(host.host)
    with ThreadPoolExecutor(len(booted)) as pool:
        list(pool.map(clean, booted))


def clean(host):
    host.end_clients()
    host.module_arguments("")
    host.sh("systemctl reset-failed; systemctl start sesslimitd.socket sesslimitd.service "
            "sesslimit-fleetd.socket sesslimit-fleetd.service")
    for user in USERS:
        if host.leftovers(user):
            host.run("loginctl", "kill-user", "--signal=KILL", user, check=False)
            host.wait_clean(user, 30)
    host.policy(POLICY)
    host.wait_joined()


@pytest.fixture(autouse=True)
def logs_of_failure(request):
    """Shows the ends of the journals of the machines of a failed test."""
    yield
    if getattr(request.node, "failed", False) and "hosts" in request.fixturenames:
        for host in request.getfixturevalue("booted"):
            if host.is_on():
                print(f"--- {host.host}\n" + host.journal(
                    "-o", "short-monotonic", "-n", "80", "-u", "sesslimitd", "-u", "sesslimit-fleetd"))
