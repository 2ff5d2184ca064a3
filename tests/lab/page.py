# SPDX-License-Identifier: MIT
"""The page for Cockpit in Chromium, on machines with Cockpit.

Not collected by default: tests/run page.
"""

import json
import os
import subprocess
from pathlib import Path

import pytest

from lab import base, past, wire
from lab.fleet import Fleet
from lab.machine import wait_until
from lab.older_daemon import OlderDaemon
from lab.packages import directory_of_packages, fleet_package

ROOT = Path(__file__).resolve().parents[2]
SESSIONS = 1000
ENTRIES = 5000  # of the journal, which the page reads at most


def install_page(host, suite, cockpit):
    """Installs a Cockpit that is stored in the base, and the page."""
    host.install_later(cockpit)
    host.install(sorted((directory_of_packages(suite) / "cockpit").glob("*.deb")))
    host.run("systemctl", "start", "cockpit.socket")


@pytest.fixture
def page(fresh, host, suite):
    """A machine with the release's Cockpit and the page."""
    install_page(host, suite, "cockpit-page")
    return host


def play(host, pictures, scenario, saw, cockpit="cockpit-page"):
    """Runs a scenario with a browser in the network of the machine. Stores pictures in this directory of build/page."""
    command = host.argv([], own_pid_namespace=True)
    done = subprocess.run(
        ["nsenter", "--target", str(host.pid), "--net", "--", "node", str(ROOT / "tests" / "cockpit" / scenario),
         str(ROOT / "build" / "page" / pictures)],
        env={**os.environ, "LAB_COMMAND": json.dumps(command), "LAB_COCKPIT": cockpit},
        capture_output=True, text=True, timeout=900, check=False)
    for line in done.stdout.splitlines():
        result = json.loads(line)
        assert "failed" not in result, f"{result['name']}: {result['failed']}\n{done.stdout}"
        saw(f"{result['name']} ({result['seconds']:.0f} s): {result['saw']}")
    assert done.returncode == 0, done.stdout + done.stderr


def test_page_on_a_machine_with_logins(page, suite, saw):
    past.write_sessions(page, 400)
    play(page, suite, "page.mjs", saw)


def test_page_with_the_cockpit_of_backports(fresh, host, suite, saw):
    if not host.path(f"{base.STORE}/cockpit-backports").is_dir():
        pytest.skip("the base contains no Cockpit of backports")
    install_page(host, suite, "cockpit-backports")
    saw(host.run("dpkg-query", "-W", "-f", "Cockpit ${Version}", "cockpit-ws").stdout)
    past.write_sessions(host, 400)
    play(host, f"{suite}-backports", "page.mjs", saw, "cockpit-backports")


def test_page_and_the_state_of_the_daemon(page, suite, saw):
    play(page, suite, "daemon.mjs", saw)


def test_page_with_an_older_daemon(page, suite, saw):
    page.policy('version = 1\n[defaults]\nmax_duration = "8h"\n')
    page.run("systemctl", "stop", "sesslimitd.socket", "sesslimitd.service")
    with OlderDaemon(page):
        play(page, suite, "older.mjs", saw)


def test_page_on_a_host_of_a_fleet(page, suite, saw, tmp_path):
    page.limit("bob", "max_sessions_fleet = 5")
    for store in ("etcd", "fleet"):
        page.install_later(store)
    page.install([fleet_package(suite)])
    with Fleet(page, tmp_path) as office:
        office.add("web2", [(1, "bob"), (2, "bob"), (3, "carol")], policy="b" * 64)
        play(page, suite, "fleet.mjs", saw)


def test_page_with_1000_sessions(page, suite, saw):
    page.policy('version = 1\n[defaults]\nmax_duration = "8h"\nidle_timeout = "15min"\n')
    leader = wire.Asker(page)
    for number in range(SESSIONS):
        frame = wire.open_frame(user=b"user%d" % (number % 50), uid=2000 + number % 50, gids=[2000], flags=0,
                                service=b"sshd", tty=b"ssh", rhost=b"192.0.2.%d" % (number % 250), budget=10000)
        assert leader.ask(frame).outcome == "admitted", number
    wait_until("all sessions", lambda: json.loads(page.run("sesslimitctl", "status", "--json=short").stdout)
               ["sessions"] >= SESSIONS, 60)
    assert past.write_sessions(page, ENTRIES // 2 + 100) > ENTRIES
    play(page, suite, "many.mjs", saw)
    leader.close()
