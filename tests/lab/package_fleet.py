# SPDX-License-Identifier: MIT
"""Installation, upgrade and removal of sesslimit-fleet, without a configuration and with one whose etcd does not run.

Not collected by default: tests/run packages.
"""

import re
import time

import pytest

from lab import apt, client
from lab.machine import wait_until
from lab.packages import fleet_package

NAME = "sesslimit-fleet"
UNITS = ("sesslimit-fleetd.service", "sesslimit-fleetd.socket")
SOCKET = "/run/sesslimit-fleet.sock"
CONFIG = "/etc/sesslimit/fleet.toml"
KEY = "/etc/sesslimit/fleet/web1.key"
LIMIT = 'version = 1\n[[rule]]\nname = "fleet"\nmatch.user = ["alice"]\nmax_sessions_fleet = 1\n'

# Nothing listens on the port of etcd.
CONFIGURE = f"""
install -d -m 0750 -g sesslimit-fleet /etc/sesslimit/fleet
cd /etc/sesslimit/fleet
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=web1 \\
    -keyout {KEY} -out web1.pem 2>/dev/null
chgrp sesslimit-fleet {KEY}
chmod 0640 {KEY}
cat >{CONFIG} <<'END'
version = 1
fleet = "office"
host = "web1"
endpoints = ["https://127.0.0.1:2379"]
ca = "/etc/sesslimit/fleet/web1.pem"
certificate = "/etc/sesslimit/fleet/web1.pem"
key = "{KEY}"
END
systemctl start {' '.join(reversed(UNITS))}
"""


@pytest.fixture
def fleet(suite):
    return fleet_package(suite)


@pytest.fixture
def host(stock, debs, fleet):
    """A machine with all packages."""
    stock.install_later("fleet")
    apt.install(stock, [*debs, fleet])
    return stock


def show(host, unit, name):
    return host.run("systemctl", "show", "-P", name, unit).stdout.strip()


def states(host, question):
    return [host.run("systemctl", question, unit, check=False).stdout.strip() for unit in UNITS]


def fleetd(host):
    """Returns the PID of the daemon, 0 if it does not run."""
    return show(host, UNITS[0], "MainPID")


def assert_runs(host):
    wait_until("the daemon", lambda: states(host, "is-active") == ["active"] * 2, 20)
    assert fleetd(host) != "0"


def failed(host):
    return host.run("systemctl", "list-units", "--failed", "--plain", "--no-legend", "sesslimit*").stdout


def assert_admitted(host, count=1):
    logins = [client.shell(host, "alice") for _ in range(count)]
    assert [each.verdict() for each in logins] == [True] * count, [each.output for each in logins]
    assert [each.log_out() for each in logins] == [0] * count


def test_without_configuration_nothing_runs_and_nothing_fails(host, saw):
    time.sleep(2)  # a unit that fails would be restarted after 1 s
    assert (states(host, "is-enabled"), states(host, "is-active")) == (["enabled"] * 2, ["inactive"] * 2)
    assert show(host, UNITS[0], "NRestarts") == "0" and failed(host) == ""
    host.run("systemctl", "start", *UNITS)
    assert states(host, "is-active") == ["inactive"] * 2 and host.path(SOCKET).exists() is False
    assert host.journal("-p", "warning", "-u", UNITS[0], "-u", UNITS[1]) == ""
    user = host.run("getent", "passwd", NAME).stdout.strip().split(":")
    assert int(user[2]) < 1000 and user[5] == "/" and user[6].endswith("/nologin"), user
    host.policy(LIMIT)
    assert_admitted(host, 1)
    apt.apt(host, "purge", NAME)
    assert_admitted(host, 1)
    assert failed(host) == ""
    saw("no fleet.toml: the units are enabled and inactive, start succeeds, no failure, no restart; logins work")


def test_daemon_runs_without_privileges(host, saw):
    host.sh(CONFIGURE)
    assert_runs(host)
    status = dict(re.findall(r"(?m)^(\w+):\s+(.*)$", host.read(f"/proc/{fleetd(host)}/status")))
    uid = host.run("id", "-u", NAME).stdout.strip()
    assert set(status["Uid"].split()) == {uid} and uid != "0"
    assert {int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {0}
    assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2"
    assert host.run("stat", "-c", "%U %a %F", SOCKET).stdout == "root 600 socket\n"
    score = host.run("systemd-analyze", "security", "--no-pager", UNITS[0]).stdout.splitlines()[-1]
    saw(f"user {uid} without capabilities, with NoNewPrivileges and a system call filter; {score.split(': ', 1)[1]}")


def test_upgrade_restarts_the_daemon(stock, debs, fleet, saw, tmp_path):
    stock.install_later("fleet")
    apt.install(stock, apt.repacked([*debs, fleet], tmp_path))
    stock.sh(CONFIGURE)
    assert_runs(stock)
    before = fleetd(stock)
    # The packages of the other directories alone, as README.md installs them.
    said = apt.install(stock, debs).stdout
    assert apt.version(stock, NAME) and "REMOVED" not in said, said
    assert fleetd(stock) == before
    apt.install(stock, [fleet])
    assert apt.version(stock, NAME) == apt.version_of(debs)
    assert_runs(stock)
    assert fleetd(stock) != before and failed(stock) == ""
    assert (states(stock, "is-enabled")) == ["enabled"] * 2
    running, installed = stock.sh(f"stat -L -c %d:%i /proc/{fleetd(stock)}/exe /usr/sbin/sesslimit-fleetd").split()
    assert running == installed
    saw("upgrade of sesslimit alone: the older sesslimit-fleetd keeps running; its own upgrade restarts it")


def test_removal_and_purge(host, saw):
    host.sh(CONFIGURE)
    assert_runs(host)
    apt.apt(host, "remove", NAME)
    assert states(host, "is-active") == ["inactive"] * 2 and host.path(SOCKET).exists() is False
    assert host.run("pgrep", "-u", NAME, check=False).stdout == ""
    host.policy(LIMIT)
    assert_admitted(host, 1)
    apt.apt(host, "purge", NAME)
    skipped = "/proc /sys /var/lib/dpkg /var/tmp /var/opt /var/log".split()
    others = " -o ".join(f"-path {path}" for path in skipped)
    left = host.sh(f"find / -xdev \\( {others} \\) -prune -o -name '*{NAME}*' -print")
    assert left == "" and host.path(KEY).exists() and host.path(CONFIG).exists()
    assert host.run("getent", "passwd", NAME, check=False).returncode == 0
    apt.apt(host, "purge", *apt.NAMES)
    assert host.path(KEY).exists() and host.path(CONFIG).exists()
    assert client.command(host, "alice", "true").wait(20) == 0
    saw("removed: no process, no socket, no unit; purged: fleet.toml, the files for TLS and the system user are kept")


def test_purge_of_sesslimit_removes_the_daemon(host, saw):
    host.sh(CONFIGURE)
    assert_runs(host)
    apt.apt(host, "purge", *apt.NAMES)
    assert apt.version(host, NAME) == "" and host.path(SOCKET).exists() is False
    assert host.run("pgrep", "-u", NAME, check=False).stdout == ""
    assert client.command(host, "alice", "true").wait(20) == 0
    saw("apt purge sesslimit libpam-sesslimit: also removes sesslimit-fleet, and logins work")
