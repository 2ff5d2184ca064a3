# SPDX-License-Identifier: MIT
"""Limits on a Debian with SELinux in enforcing mode, and what is reported without the policy module."""

import json
import re
import time

import pytest

from lab import client
from lab.fleet import HOST, Fleet
from lab.machine import wait_until
from lab.text import plain

DENIED = "Login denied for alice: limit of 1 session reached"
WARNED = "SELinux is enforcing and sesslimitd runs in the domain"
FLEET_DENIED = "limit of 1 session on all hosts reached"
HOST_TTL = 30  # seconds
DENIAL = re.compile(r"avc: +denied .*")


@pytest.fixture
def host(enforcing):
    """The machine. Checks at the end that SELinux has denied no access of the daemon, and no access to it."""
    yield enforcing
    denials = denials_of(enforcing)
    assert not denials, "\n".join(denials)


def denials_of(guest):
    """Returns the denials of SELinux that concern sesslimit, by the audit messages of the kernel and of the bus."""
    said = guest.run("journalctl", "--quiet", "--no-pager", "-o", "cat", "_TRANSPORT=audit", "+", "_TRANSPORT=kernel").stdout
    return [line for line in said.splitlines() if DENIAL.search(line) and "sesslimit" in line]


def domain_of_daemon(guest):
    return domain_of(guest, guest.daemon_pid())


def domain_of(guest, pid):
    return guest.run("cat", f"/proc/{pid}/attr/current").stdout.rstrip("\0\n")


def answers(shell):
    at = len(shell.output.encode())
    shell.send("echo it $((40 + 2))\n")
    return bool(shell.expect("it 42", 30, at))


def denied(guest):
    """Logs in as alice by ssh. Returns whether the login is denied, with its reason."""
    login = client.shell(guest, "alice", guest.ssh_options)
    return not login.verdict() and bool(login.find(DENIED))


def test_logins_denied_at_limit(host, saw):
    assert host.run("getenforce").stdout == "Enforcing\n"
    assert ":sesslimitd_t:" in domain_of_daemon(host)
    host.limit("alice", "max_sessions = 1")
    host.shell("alice")
    assert denied(host)
    tty2 = host.screen(2)
    tty2.log_in("alice")
    tty2.expect(DENIED, 30)
    saw(f"the daemon runs as {domain_of_daemon(host)}; a second login by ssh and on tty2 is denied with its reason")


@pytest.mark.parametrize("kind", ["ssh", "tty2"])
def test_idle_session_warned_and_terminated(host, saw, kind):
    host.limit("alice", 'idle_timeout = "20s"\nwarn_before = ["10s"]')
    terminal = host.shell("alice") if kind == "ssh" else host.screen(2)
    if kind == "tty2":
        terminal.log_in("alice")
        terminal.expect("ready>", 60)
    terminal.expect("This session ends in", 40)
    terminal.expect("This session was terminated: no activity for 20s", 40)
    wait_until("no session", lambda: not host.sessions("alice"), 30)
    assert host.end_reasons("alice", 0) == ["idle"]
    saw(f"{kind}: warned, and terminated {host.lived('alice')[0]:.1f} s after its admission")


def test_programs_of_keep_survive_duration(host, saw):
    host.limit("alice", 'max_duration = "25s"\nwarn_before = []\nkeep = ["tmux"]')
    shell = host.shell("alice")
    shell.send("tmux new-session -d 'sleep 3333'\n")
    wait_until("tmux", lambda: host.run("pgrep", "-f", "sleep 3333", check=False).stdout, 15)
    shell.expect("This session was terminated", 60)
    assert host.end_reasons("alice", 0) == ["duration"]
    assert host.run("pgrep", "-f", "sleep 3333").stdout
    (left,) = json.loads(host.run("sesslimitctl", "list", "--user", "alice", "--json=short").stdout)
    assert left["state"] == "left-behind"
    host.run("sesslimitctl", "end", left["id"])
    wait_until("the end of tmux", lambda: host.run("pgrep", "-f", "sleep 3333", check=False).returncode == 1, 30)
    saw("max_duration: tmux continues in its scope, is listed as left-behind, and sesslimitctl end terminates it")


def test_B03_command_works_in_each_domain(host, saw):
    host.limit("alice", "max_sessions = 3")
    shell = host.shell("alice")

    def in_service(command):
        # The domain of services must not write to a pipe of the agent.
        unit = f"--unit={command.replace(' ', '-')}.service"
        host.run("systemd-run", "--quiet", "--wait", unit, *command.split(), check=False)
        return host.run("journalctl", "--quiet", "-o", "cat", unit).stdout

    for run in (in_service, lambda command: host.ssh("root", command, check=False)):
        assert "alice" in run("sesslimitctl list")
        assert re.search(r"SELinux: +enforcing.*sesslimitd_t", run("sesslimitctl status"))
        audit = run("sesslimitctl audit")  # its exit status is 1, because the host does not comply
        assert "CONTROL" in audit.upper() and WARNED not in plain(audit), audit
    own = json.loads(host.ssh("alice", "sesslimitctl list --json=short"))
    assert {each["user"] for each in own} == {"alice"}
    (session,) = [each for each in own if each["terminals"]]
    in_service(f"sesslimitctl end {session['id']}")
    shell.expect("This session was terminated", 30)
    shell.wait(30)
    saw("list, status, audit and end work for root by ssh, in a service (initrc_t), and list for alice")


def test_set_creates_and_replaces_a_labeled_file(host, saw):
    file = "/etc/sesslimit/policy.d/90-set.toml"
    for number in (2, 1):
        said = host.ssh("root", f"sesslimitctl set max_sessions={number}")
        assert "in effect" in said and "not running" not in said, said
        label = host.run("stat", "-c", "%C", file).stdout.strip()
        assert ":sesslimitd_etc_t:" in label
        assert host.run("restorecon", "-n", "-v", "-R", "/etc/sesslimit").stdout == ""
    host.shell("alice")
    assert denied(host)
    saw(f"set by root over ssh, twice: the file has the label {label}, and the daemon enforces it")


def test_B02_sessions_survive_restarts_and_upgrade(host, saw):
    host.limit("alice", "max_sessions = 1")
    shell = host.shell("alice")
    for way in ("restart", "kill --signal=KILL"):
        before = host.daemon_pid()
        host.sh(f"systemctl {way} sesslimitd.service")
        wait_until("a new daemon", lambda: host.daemon_pid() not in ("0", before), 60)
        assert denied(host), way
    packages = "/var/tmp/packages/*sesslimit*.deb"
    host.ssh("root", f"dpkg --install {packages}")
    assert ":sesslimitd_t:" in domain_of_daemon(host)
    assert answers(shell) and denied(host)
    assert not host.events("adopted", "alice")
    saw("after a restart, kill -9 and dpkg --install of all packages by root over ssh, the session is still counted")


@pytest.fixture
def fleet(host, tmp_path):
    """A fleet whose only host is the machine. The host resolves the name of the node."""
    # sesslimitd connects to sesslimit-fleetd only if the policy has a limit of the fleet.
    host.limit("alice", "max_sessions_fleet = 1")
    with Fleet(host, tmp_path, "localhost", f"{HOST_TTL}s") as fleet:
        yield fleet


def denied_by_fleet(host):
    login = client.shell(host, "alice", host.ssh_options)
    return not login.verdict() and bool(login.find(FLEET_DENIED))


def test_fleet_limits_logins(host, fleet, saw):
    domain = domain_of(host, fleet.show("MainPID"))
    assert ":sesslimit_fleetd_t:" in domain
    labels = host.sh(f"stat -c %C /run/sesslimit-fleet.sock /etc/sesslimit/fleet/{HOST}.key /etc/sesslimit/fleet.toml")
    assert [line.split(":")[2] for line in labels.splitlines()] == [
        "sesslimit_fleetd_runtime_t", "sesslimit_fleetd_etc_t", "sesslimitd_etc_t"], labels
    host.shell("alice")
    assert denied_by_fleet(host)
    # New files for TLS are noticed, and a stop asks systemd for its state.
    host.sh(f"install -m 0644 /root/{HOST}.pem /etc/sesslimit/fleet")
    for way in ("reload", "restart", "kill --signal=KILL"):
        host.sh(f"systemctl {way} sesslimit-fleetd.service")
        fleet.wait_joined()
    host.sh("systemctl stop sesslimit-fleetd.service")
    saw(f"sesslimit-fleetd runs as {domain} and claims slots on port 2379; a second login is denied; reload, restart, "
        f"kill -9 and stop without a denial of SELinux")


def test_fleet_continues_when_the_clock_is_set(host, fleet, saw):
    """The clock of the host and of the node of etcd."""
    shell = host.shell("alice")
    for step in ("+5 hours", "-5 hours"):
        host.run("date", "--set", step)
        time.sleep(HOST_TTL + 5)
        assert fleet.is_joined()
        assert answers(shell) and denied_by_fleet(host), step
    lost = host.run("journalctl", "--quiet", "-u", "sesslimit-fleetd.service", "--grep", "lease|missing", check=False).stdout
    assert not lost, lost
    shell.send("exit\n")
    shell.wait(30)
    host.shell("alice")
    saw(f"clock set forward and back by 5 hours: the slot stays for longer than host_ttl ({HOST_TTL} s), a second login is "
        f"denied, and admitted after the logout of the first one")


def test_B01_missing_module_is_reported(enforcing, saw):
    enforcing.limit("alice", "max_sessions = 1")
    enforcing.ssh("root", "dpkg --remove sesslimit-selinux")
    domain = domain_of_daemon(enforcing)
    assert "sesslimitd_t" not in domain
    status = enforcing.run("sesslimitctl", "status", check=False)
    audit = enforcing.run("sesslimitctl", "audit", check=False)
    assert WARNED in plain(status.stdout + status.stderr) and WARNED in plain(audit.stdout + audit.stderr)
    shell = enforcing.shell("alice")
    enforcing.ssh("root", "dpkg --install /var/tmp/packages/sesslimit-selinux_*.deb")
    assert ":sesslimitd_t:" in domain_of_daemon(enforcing)
    assert answers(shell)
    wait_until("the adoption", lambda: enforcing.listed("alice"), 30)
    assert denied(enforcing)
    saw(f"without the module, the daemon runs as {domain}; status and audit report it; installed again, the limit holds")
