# SPDX-License-Identifier: MIT
"""A plugin of pytest: a cluster of etcd for the run, see tests/fleet/isolated."""

import tempfile
from pathlib import Path

import pytest

from fleet.cluster import Cluster, Etcd
from fleet.net import Network
from fleet.pki import Authority


def pytest_addoption(parser):
    parser.addoption("--etcd", type=Path, default=Path("/"), help="the tree of a release that contains etcd")
    parser.addoption("--etcd-after", type=Path, help="the same of the release to which nodes are upgraded")


def pytest_report_header(config):
    return [f"etcd {Etcd(config.getoption('--etcd')).version()}"]


@pytest.fixture(scope="session")
def directory():
    # /run is a tmpfs of this run, and the path of a socket is short.
    with tempfile.TemporaryDirectory(dir="/run") as path:
        yield Path(path)


@pytest.fixture(scope="session")
def network():
    return Network()


@pytest.fixture(scope="session")
def cluster(directory, network, request):
    """Three nodes that run. A test that stops nodes must start them again."""
    nodes = Cluster(network, Authority(directory / "authority"), directory, Etcd(request.config.getoption("--etcd")))
    try:
        nodes.start()
        yield nodes
    finally:
        nodes.close()


@pytest.fixture
def clusters(directory, network, request):
    """Creates clusters that only this test uses."""
    made = []

    def create(numbers, **options):
        place = directory / f"cluster{numbers[0]}"
        made.append(Cluster(network, Authority(place), place, Etcd(request.config.getoption("--etcd")), numbers, **options))
        made[-1].start()
        return made[-1]
    try:
        yield create
    finally:
        for nodes in made:
            nodes.close()
