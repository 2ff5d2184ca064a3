# SPDX-License-Identifier: MIT
"""The lab itself: it boots the requested Debian release, and leaves nothing behind."""

import os

from lab import base, cgroup, client, console
from lab.host import Host
from lab.machine import RUN, wait_until


def test_machine_boots_requested_release(stock, suite, saw):
    release = dict(line.split("=", 1) for line in stock.read("/etc/os-release").splitlines() if "=" in line)
    version = release["VERSION_ID"].strip('"')
    assert version == base.SUITES[suite]["version"]
    assert stock.run("systemctl", "is-system-running", check=False).stdout.strip() == "running"
    systemd = stock.run("systemctl", "--version").stdout.split()[1]
    openssh = stock.run("ssh", "-V").stderr.split(",")[0]
    saw(f"Debian {version}, systemd {systemd}, {openssh}: booted in {stock.boot_seconds:.2f} s, no unit failed")


def test_each_kind_of_client_opens_a_session(stock, saw):
    shell = client.shell(stock, "alice")
    took = shell.prompt().at - shell.started_at
    plain = client.command(stock, "bob", "echo out; exit 3")
    assert (plain.wait(20), plain.output) == (3, "out\n")
    forward = client.forward(stock, "alice")
    forward.expect("Authenticated", 20)
    files = client.sftp(stock, "alice")
    files.send("pwd\n")
    files.expect("/home/alice", 20)
    terminal = console.log_in(stock, "carol")
    terminal.prompt()
    services = ["alice sshd", "alice sshd", "alice sshd", "carol login"]
    found = lambda: sorted(f"{each.user} {each.service}" for each in stock.sessions())
    wait_until("these sessions, and the end of bob's", lambda: found() == services, 20)
    assert shell.log_out() == 0 and terminal.log_out() == 0
    files.send("bye\n")
    assert files.wait(20) == 0
    forward.close()
    gone = max(stock.wait_clean("alice"), stock.wait_clean("carol"))
    saw(f"ssh shell after {took:.2f} s; command, -N, sftp, console: sessions of {', '.join(services)}; gone {gone:.2f} s later")


def test_denial_by_pam_limits_is_detected(stock, saw):
    """A denial by Debian's pam_limits is detected like one of sesslimit. (pam_limits cannot limit to 1 with logind.)"""
    stock.write("/etc/security/limits.d/lab.conf", "bob hard maxlogins 2\n")
    shells, admitted = [], True
    while admitted and len(shells) < 6:
        shells.append(client.shell(stock, "bob"))
        admitted = shells[-1].verdict()
    assert shells[-1].wait(20) == 254
    assert "too many logins for 'bob'" in shells[-1].output
    saw(f"maxlogins 2: login {len(shells)} is denied; its client exits with 254 and prints the reason")


def test_stopped_machine_leaves_nothing_behind(suite, own_turn, saw):
    with Host(suite) as booted:
        shell = client.shell(booted, "alice")
        shell.prompt()
        shell.send("setsid nohup sleep 1000 &\n")
        group, directory, name = booted.group, booted.directory, booted.name
        inside = [line for path in group.rglob("cgroup.procs") for line in path.read_text(encoding="ascii").split()]
    shell.close()
    left = [pid for pid in inside if os.path.exists(f"/proc/{pid}")]
    mounts = [line for line in open("/proc/self/mounts", encoding="utf-8") if str(RUN) in line]
    assert (left, mounts, group.exists(), directory.exists()) == ([], [], False, False)
    assert not [path for path in (cgroup.hierarchy() / cgroup.TREE).glob(name)]
    saw(f"{len(inside)} processes killed; no process, mount, cgroup or directory left")
