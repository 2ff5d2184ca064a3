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
from lab.packages import built_packages, directory_of_packages  # noqa: E402
from vm.guest import Guest  # noqa: E402

pytest_plugins = ["lab.report"]

PICTURES = HERE.parent.parent / "build" / "vm"


def pytest_addoption(parser):
    parser.addoption("--suite", action="append", choices=list(base.SUITES), help="only this suite (may be repeated)")


def pytest_report_header(config):
    return [f"{suite} uses {directory_of_packages(suite)}" for suite in config.getoption("--suite") or base.SUITES]


def pytest_generate_tests(metafunc):
    if "suite" in metafunc.fixturenames:
        suites = metafunc.config.getoption("--suite") or list(base.SUITES)
        metafunc.parametrize("suite", suites, scope="session")


@pytest.fixture(scope="session")
def booted(suite):
    """A machine that has booted and has a snapshot."""
    guest = Guest(suite)
    try:
        guest.boot(built_packages(suite))
        yield guest
    finally:
        guest.remove()


@pytest.fixture
def guest(booted):
    """A machine with sesslimit, without limits and without sessions."""
    try:
        booted.load()
        yield booted
    finally:
        booted.stop()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    outcome = yield
    report = outcome.get_result()
    guest = item.funcargs.get("guest")
    if report.failed and report.when == "call" and guest:
        report.sections.append(("messages of its kernel", guest.kernel_messages()))
        with contextlib.suppress(Gone, OSError, RuntimeError):  # QEMU itself may have failed
            guest.take_picture(PICTURES / f"{item.name}.png")
