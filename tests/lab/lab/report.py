# SPDX-License-Identifier: MIT
"""A plugin of pytest: the progress of a run, the table of its results, and the journals of machines."""

import collections
import os
import threading
import time

import pytest

SAW = "saw"
MACHINES = ("host", "stock", "guest")  # fixtures


def pytest_configure(config):
    if not hasattr(config, "workerinput") and not config.getoption("collectonly"):
        config.pluginmanager.register(Progress(config))


class Progress:
    """Prints a line every 10 s instead of a dot for each test, and a line for each failure."""

    def __init__(self, config):
        self._config = config
        self._began = int(os.environ.get("SESSLIMIT_BEGAN", time.time()))
        self._counts = {"passed": 0, "failed": 0, "skipped": 0}
        self._last = ""
        self._seconds = collections.Counter()
        self._finished = threading.Event()
        # During a test, pytest redirects descriptor 1, except in the workers of xdist.
        self._output = open(os.dup(1), "w", encoding="utf-8", buffering=1)

    def _print(self, text):
        self._output.write(f"\n[{time.time() - self._began:4.0f} s]     {text}")

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
        if hasattr(report, "wasxfail") and report.skipped:
            return "xfailed", "", ""
        if report.failed:
            return ("failed", "", "FAILED") if report.when == "call" else ("error", "", "ERROR")
        return (report.outcome if report.when == "call" or report.skipped else ""), "", ""

    def pytest_terminal_summary(self, terminalreporter):
        longest = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in self._seconds.most_common(12))
        terminalreporter.write_line(f"files that took longest: {longest}")

    def pytest_runtest_logreport(self, report):
        test, _, group = report.nodeid.rpartition("@")
        self._seconds[group or test.partition("::")[0]] += report.duration
        if report.failed:
            self._print(f"FAILED {report.nodeid}")
        if report.when == "call" or (report.when == "setup" and not report.passed):
            self._counts[report.outcome] += 1
            self._last = report.nodeid


@pytest.fixture
def saw(request):
    """saw("text"): adds a row to the table at the end of the run."""
    return lambda text: request.node.user_properties.append((SAW, text))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    outcome = yield
    report = outcome.get_result()
    if report.failed and report.when != "teardown":
        item.failed = True
        for booted in (item.funcargs[name] for name in MACHINES if name in item.funcargs):
            report.sections.append(("the machine's journal", last_words(booted)))


def last_words(booted):
    """Returns the end of the journal of a machine, for the report of a failed test."""
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
    reports = [each for key in ("passed", "failed", "xfailed") for each in terminalreporter.stats.get(key, [])]
    rows = []
    for report in sorted((each for each in reports if each.when == "call"), key=lambda each: each.nodeid):
        name = report.nodeid.split("@")[0]
        test, _, suite = name.partition("[")
        texts = [text for key, text in report.user_properties if key == SAW]
        if report.failed:
            texts.append(f"{name}: {first_line(report)}")
        outcome = "xfailed" if hasattr(report, "wasxfail") else report.outcome
        rows += [(suite.rstrip("]").split("-")[0], test.split("::")[-1], text, outcome) for text in texts]
    if rows:
        terminalreporter.section("results")
        width = max(len(test) for _, test, _, _ in rows)
        for suite, test, text, outcome in rows:
            terminalreporter.write_line(f"{suite:8} | {test:{width}} | {outcome} | {text}")
