# SPDX-License-Identifier: MIT
"""Fixtures: every test runs once per suite, on a virtual machine that starts from a snapshot. One runs at a time."""

import contextlib
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "lab")]
sys.dont_write_bytecode = True

from lab import base  # noqa: E402
from lab.machine import Gone  # noqa: E402
from lab.packages import built_packages, directory_of_packages, fleet_package, selinux_package  # noqa: E402
from vm.guest import Guest  # noqa: E402

pytest_plugins = ["lab.report"]

SELINUX_SUITES = ("trixie",)
PICTURES = HERE.parent.parent / "build" / "vm"


def pytest_addoption(parser):
    parser.addoption("--suite", action="append", choices=list(base.SUITES), help="only this suite (may be repeated)")


def pytest_report_header(config):
    return [f"{suite} uses {directory_of_packages(suite)}" for suite in config.getoption("--suite") or base.SUITES]


def pytest_generate_tests(metafunc):
    if "suite" in metafunc.fixturenames:
        suites = metafunc.config.getoption("--suite") or list(base.SUITES)
        if "enforcing" in metafunc.fixturenames:
            suites = [suite for suite in suites if suite in SELINUX_SUITES]
        metafunc.parametrize("suite", suites, scope="session")


@contextlib.contextmanager
def boot(suite, selinux):
    """A machine that has booted and has a snapshot."""
    guest = Guest(suite, selinux)
    try:
        guest.boot([*built_packages(suite), *([selinux_package(suite), fleet_package(suite)] if selinux else [])])
        yield guest
    finally:
        guest.remove()


@pytest.fixture(scope="session")
def booted(suite):
    with boot(suite, selinux=False) as guest:
        yield guest


@pytest.fixture(scope="session")
def booted_enforcing(suite):
    with boot(suite, selinux=True) as guest:
        yield guest


@pytest.fixture
def guest(booted):
    """A machine with sesslimit, without limits and without sessions."""
    with booted.loaded():
        yield booted


@pytest.fixture
def enforcing(booted_enforcing):
    """The same with SELinux in enforcing mode, and with the policy module."""
    with booted_enforcing.loaded():
        yield booted_enforcing


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    outcome = yield
    report = outcome.get_result()
    guest = item.funcargs.get("guest") or item.funcargs.get("enforcing")
    if report.failed and report.when == "call" and guest:
        report.sections.append(("messages of its kernel", guest.kernel_messages()))
        with contextlib.suppress(Gone, OSError, RuntimeError):  # QEMU itself may have failed
            guest.take_picture(PICTURES / f"{item.name}.png")
