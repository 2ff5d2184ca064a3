# SPDX-License-Identifier: MIT
"""Sessions and their count after restarts of the machine, of its user space, of PID 1 and of the daemon."""

import pytest

from lab import client
from lab.machine import wait_until
from lab.text import plain

DENIED = "Login denied for alice: limit of 1 session reached"


def assert_full(guest):
    """Checks that another login of alice is denied because of her limit of one session."""
    denied = client.shell(guest, "alice", guest.ssh_options)
    assert not denied.verdict() and denied.find(DENIED), plain(denied.output)


def assert_alive(shell):
    at = len(shell.output.encode())
    shell.send("echo it $((40 + 2))\n")
    shell.expect("it 42", 20, at)


@pytest.fixture
def shell(guest):
    """The only session that the limit of alice allows."""
    guest.limit("alice", "max_sessions = 1")
    return guest.shell("alice")


def test_reexecuted_manager_keeps_count(guest, shell, saw):
    guest.run("systemctl", "daemon-reexec")
    guest.wait_up(60)
    assert_alive(shell)
    assert_full(guest)
    saw("systemctl daemon-reexec: the session is open and counted, the next login is denied")


def test_rescue_mode_keeps_count(guest, shell, saw):
    if guest.suite == "trixie":
        pytest.skip("logind 257 stops in rescue mode, and no longer knows the session when it starts again")
    guest.run("systemctl", "isolate", "rescue.target", timeout=120)
    assert guest.run("systemctl", "is-active", "sesslimitd.service", check=False).stdout == "inactive\n"
    guest.run("systemctl", "isolate", "multi-user.target", timeout=120)
    wait_until("sshd", lambda: guest.run("systemctl", "is-active", "ssh", check=False).returncode == 0, 60)
    assert_alive(shell)
    assert_full(guest)
    saw("isolate rescue.target stops the daemon; after isolate multi-user.target the session is open and counted")


def assert_starts_over(guest):
    """Checks that no session is counted, and that the limit then applies to new ones."""
    assert guest.listed("alice") == []
    guest.shell("alice")
    assert_full(guest)


def test_reboot_resets_count(guest, shell, saw):
    guest.run("systemctl", "reboot")
    guest.monitor.await_event("RESET", 120)
    guest.wait_up(300)
    assert_starts_over(guest)
    saw("reboot: no session is counted, alice logs in, and her next login is denied")


def test_soft_reboot_resets_count(guest, shell, saw):
    if guest.suite == "bookworm":
        pytest.skip("systemd 252 has no soft-reboot")
    guest.run("systemctl", "soft-reboot")
    counted = ("systemctl", "show", "-P", "SoftRebootsCount")
    wait_until("the soft reboot", lambda: guest.try_run(*counted) == "1", 120)
    guest.wait_up(120)
    shell.wait(30)
    assert_starts_over(guest)
    saw("soft-reboot: the session has ended and is not counted, alice logs in, and her next login is denied")


def test_daemon_killed_for_its_memory_keeps_count(guest, shell, saw):
    def memory(limit):
        guest.run("systemctl", "set-property", "--runtime", "sesslimitd.service", f"MemoryMax={limit}")
    restarts = ("systemctl", "show", "-P", "NRestarts", "sesslimitd.service")
    memory("256K")
    guest.run("systemctl", "kill", "--signal=HUP", "sesslimitd.service")
    wait_until("a restart", lambda: int(guest.run(*restarts).stdout) > 0, 60)
    memory("infinity")
    guest.wait_up(60)
    guest.run("systemctl", "start", "sesslimitd.service")
    killed = guest.journal("-k", "-o", "cat", "--grep", "Memory cgroup out of memory.*sesslimitd").splitlines()
    assert killed
    assert_alive(shell)
    assert_full(guest)
    saw(f"{killed[0]!r}; {guest.run(*restarts).stdout.strip()} restarts later the session is open and counted")
