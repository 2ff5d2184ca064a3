# SPDX-License-Identifier: MIT
"""Fixtures: every test runs once per suite, on a machine that its worker reuses until a test on it fails."""

import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.dont_write_bytecode = True

from lab import base, machine, turn  # noqa: E402
from lab.host import Host  # noqa: E402
from lab.packages import PACKAGES, built_packages  # noqa: E402

pytest_plugins = ["lab.report"]

# Files that wait for the expiry of limits. They start first, so that no worker runs one of them alone at the end.
LONGEST = ("test_edge_cases", "test_multiplexer", "test_matrix", "test_policy_cache", "cases_mosh", "cases_at_limit",
           "cases_left_behind", "cases_unlimited")


def pytest_addoption(parser):
    parser.addoption("--suite", action="append", choices=list(base.SUITES), help="only this suite (may be repeated)")
    parser.addoption("--programs", type=Path, help="a build of the preset asan, whose programs replace the packages'")


def pytest_configure(config):
    Host.programs = config.getoption("--programs")


def pytest_generate_tests(metafunc):
    if "suite" in metafunc.fixturenames:
        module = metafunc.module.__name__
        suites = metafunc.config.getoption("--suite") or list(base.SUITES)
        # All tests of a file and suite run on one worker, so that they share its machine.
        marked = [pytest.param(suite, marks=pytest.mark.xdist_group(f"{module}-{suite}")) for suite in suites]
        metafunc.parametrize("suite", marked, scope="session")


def pytest_collection_modifyitems(config, items):
    suites = config.getoption("--suite") or list(base.SUITES)

    def place(item):
        # The packages of the second suite may not be complete yet, see machines() in tests/run.
        suite = getattr(item, "callspec", None) and item.callspec.params.get("suite")
        return item.module.__name__ not in LONGEST, suites.index(suite) if suite else 0

    items.sort(key=place)


def pytest_report_header():
    return f"packages: {PACKAGES}"


class CurrentMachine:
    """The machine of this worker, of the suite of the last test. It is booted on first use."""

    def __init__(self):
        self._host = None

    def of(self, suite):
        if self._host and self._host.suite != suite:
            self.stop()
        if not self._host:
            self._host = Host(suite)
            self._host.start()
            self._host.install_sesslimit(built_packages(suite))
        return self._host

    def stop(self):
        host, self._host = self._host, None
        if host:
            host.stop()


@pytest.fixture(scope="session")
def debs(suite):
    return built_packages(suite)


@pytest.fixture(scope="session")
def machine_of_worker():
    current = CurrentMachine()
    yield current
    current.stop()


@pytest.fixture
def own_turn(request):
    with turn.turn(alone=request.node.get_closest_marker("storm") is not None):
        yield


@pytest.fixture
def fresh(machine_of_worker, own_turn):
    """Makes the fixture `host` boot a new machine, on which no test left anything, if it is named before it."""
    machine_of_worker.stop()


@pytest.fixture
def host(request, suite, machine_of_worker, own_turn):
    """A machine with sesslimit, without limits and without sessions."""
    try:
        booted = machine_of_worker.of(suite)
        booted.reset()
        yield booted
        failed = getattr(request.node, "failed", False)
    except BaseException:
        machine_of_worker.stop()
        raise
    if failed:
        machine_of_worker.stop()  # its state is unknown
    else:
        booted.end_clients()
        booted.assert_unsanitized()


@pytest.fixture
def stock(suite, own_turn):
    """A machine without sesslimit, as Debian ships it, for this test only."""
    with Host(suite) as booted:
        yield booted
        booted.assert_unsanitized()


def pytest_unconfigure(config):
    if not hasattr(config, "workerinput"):
        machine.sweep()
