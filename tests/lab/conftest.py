# SPDX-License-Identifier: MIT
"""Fixtures: every test runs once per suite, on a machine that its worker reuses until a test on it fails."""

import os
import sys
import threading
import time
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.dont_write_bytecode = True

from lab import base, machine, turn  # noqa: E402
from lab.host import Host  # noqa: E402

# The packages of each suite are in a directory with its name. If it has none, those beside it are used for every suite.
PACKAGES = Path(os.environ.get("SESSLIMIT_DEBS", HERE.parent.parent / "dist"))
SAW = "saw"
# Files that wait for the expiry of limits. They start first, so that no worker runs one of them alone at the end.
LONGEST = ("test_edge_cases", "test_multiplexer", "test_matrix", "test_policy_cache")


def pytest_addoption(parser):
    parser.addoption("--suite", action="append", choices=list(base.SUITES), help="only this suite (may be repeated)")
    parser.addoption("--programs", type=Path, help="a build of the preset asan, whose programs replace the packages'")


def pytest_configure(config):
    Host.programs = config.getoption("--programs")
    if not hasattr(config, "workerinput") and not config.getoption("collectonly"):
        config.pluginmanager.register(Progress(config))


class Progress:
    """Prints a line every 10 s instead of a dot for each test, and a line for each failure."""

    def __init__(self, config):
        self._config = config
        self._began = int(os.environ.get("SESSLIMIT_BEGAN", time.time()))
        self._counts = {"passed": 0, "failed": 0, "skipped": 0}
        self._last = ""
        self._finished = threading.Event()

    def _print(self, text):
        self._config.pluginmanager.getplugin("terminalreporter").write_line(
            f"[{time.time() - self._began:4.0f} s]     {text}", flush=True)

    def _line(self):
        total = self._config.pluginmanager.getplugin("session").testscollected
        counts = ", ".join(f"{number} {outcome}" for outcome, number in self._counts.items() if number)
        return f"[{sum(self._counts.values())}/{total}] {counts or 'booting machines'} {self._last}"

    def _run(self):
        while not self._finished.wait(10):
            self._print(self._line())

    def pytest_sessionstart(self):
        threading.Thread(target=self._run, daemon=True).start()

    def pytest_sessionfinish(self):
        self._finished.set()
        self._print(self._line())

    def pytest_report_teststatus(self, report):
        if report.failed:
            return ("failed", "", "FAILED") if report.when == "call" else ("error", "", "ERROR")
        return (report.outcome if report.when == "call" or report.skipped else ""), "", ""

    def pytest_runtest_logreport(self, report):
        if report.failed:
            self._print(f"FAILED {report.nodeid}")
        if report.when == "call" or (report.when == "setup" and not report.passed):
            self._counts[report.outcome] += 1
            self._last = report.nodeid


def pytest_generate_tests(metafunc):
    if "suite" in metafunc.fixturenames:
        module = metafunc.module.__name__
        suites = metafunc.config.getoption("--suite") or list(base.SUITES)
        # All tests of a file and suite run on one worker, so that they share its machine.
        marked = [pytest.param(suite, marks=pytest.mark.xdist_group(f"{module}-{suite}")) for suite in suites]
        metafunc.parametrize("suite", marked, scope="session")


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: item.module.__name__ not in LONGEST)


def pytest_report_header(config):
    return [f"{suite} uses {directory_of_packages(suite)}" for suite in config.getoption("--suite") or base.SUITES]


@pytest.fixture
def saw(request):
    """saw("text"): adds a row to the table at the end of the run."""
    return lambda text: request.node.user_properties.append((SAW, text))


class Machines:
    """This worker's machines, one per suite, booted on first use."""

    def __init__(self):
        self._hosts = {}

    def host(self, suite):
        if suite not in self._hosts:
            host = Host(suite)
            host.start()
            self._hosts[suite] = host
            host.install_sesslimit(built_packages(suite))
        return self._hosts[suite]

    def drop(self, suite):
        host = self._hosts.pop(suite, None)
        if host:
            host.stop()

    def stop(self):
        for suite in list(self._hosts):
            self.drop(suite)


def directory_of_packages(suite):
    return PACKAGES / suite if any((PACKAGES / suite).glob("*.deb")) else PACKAGES


def built_packages(suite):
    found = sorted(directory_of_packages(suite).glob("*.deb"))
    assert found, f"no packages in {PACKAGES}: run packaging/build-deb"
    return found


@pytest.fixture(scope="session")
def debs(suite):
    return built_packages(suite)


@pytest.fixture(scope="session")
def machines():
    kept = Machines()
    yield kept
    kept.stop()


@pytest.fixture
def own_turn(request):
    with turn.turn(alone=request.node.get_closest_marker("storm") is not None):
        yield


@pytest.fixture
def fresh(suite, machines, own_turn):
    """Makes the fixture `host` boot a new machine, on which no test left anything, if it is named before it."""
    machines.drop(suite)


@pytest.fixture
def host(request, suite, machines, own_turn):
    """A machine with sesslimit, without limits and without sessions."""
    try:
        booted = machines.host(suite)
        booted.reset()
        yield booted
        failed = getattr(request.node, "failed", False)
    except BaseException:
        machines.drop(suite)
        raise
    if failed:
        machines.drop(suite)  # its state is unknown
    else:
        booted.end_clients()
        booted.assert_unsanitized()


@pytest.fixture
def stock(suite, own_turn):
    """A machine without sesslimit, as Debian ships it, for this test only."""
    with Host(suite) as booted:
        yield booted
        booted.assert_unsanitized()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    outcome = yield
    report = outcome.get_result()
    if report.failed and report.when != "teardown":
        item.failed = True
        booted = item.funcargs.get("host") or item.funcargs.get("stock")
        if booted:
            report.sections.append(("the machine's journal", last_words(booted)))


def last_words(booted):
    programs = ("sesslimitd", "sshd", "sshd-session", "login", "systemd-logind")
    matches = [word for name in programs for word in (f"_COMM={name}", "+")]
    try:
        return booted.journal("-o", "short-monotonic", "-n", "400", *matches, "UNIT=sesslimitd.service")
    except Exception as error:  # the machine itself may have failed
        return f"not available: {error}"


def first_line(report):
    """Returns the message of the failed assertion without the comparison below it."""
    crash = getattr(report.longrepr, "reprcrash", None)
    return crash.message.splitlines()[0] if crash else "see above"


def pytest_terminal_summary(terminalreporter):
    reports = [each for key in ("passed", "failed") for each in terminalreporter.stats.get(key, [])]
    rows = []
    for report in sorted((each for each in reports if each.when == "call"), key=lambda each: each.nodeid):
        name = report.nodeid.split("@")[0]
        test, _, suite = name.partition("[")
        texts = [text for key, text in report.user_properties if key == SAW]
        if report.failed:
            texts.append(f"{name}: {first_line(report)}")
        rows += [(suite.rstrip("]").split("-")[0], test.split("::")[-1], text, report.outcome) for text in texts]
    if rows:
        terminalreporter.section("results")
        width = max(len(test) for _, test, _, _ in rows)
        for suite, test, text, outcome in rows:
            terminalreporter.write_line(f"{suite:8} | {test:{width}} | {outcome} | {text}")


def pytest_unconfigure(config):
    if not hasattr(config, "workerinput"):
        machine.sweep()
