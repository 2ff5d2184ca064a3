# SPDX-License-Identifier: MIT
"""Texts on consoles of a real kernel. The user must be able to read them before the next login prompt."""

import pytest

from lab import client

DENIED = "Login denied for alice: limit of 1 session reached"
READABLE = 5  # seconds that a text must be readable
WARNING = "This session ends in"
IDLE = "This session was terminated: no activity for 20s"


@pytest.fixture
def full(guest):
    """A machine on which alice has the only session that her limit allows."""
    guest.limit("alice", "max_sessions = 1")
    guest.shell("alice")
    return guest


def test_denial_on_screen_is_readable(full, saw):
    tty2 = full.screen(2)
    tty2.log_in("alice")
    shown = tty2.await_shown(DENIED, 30)
    saw(f"tty2 showed {shown.text!r} for {shown.seconds:.1f} s")
    assert shown.seconds >= READABLE


@pytest.mark.parametrize("line", ["ttyS0", "hvc0"])
def test_denial_on_serial_line_is_readable(full, saw, line):
    terminal = full.log_in_on(line, "alice")
    denied = terminal.expect(DENIED, 30)
    lasted = terminal.expect("login: ", 30, denied.end).at - denied.at
    saw(f"{line} printed {denied.text!r}, and the next prompt {lasted:.1f} s later")
    assert lasted >= READABLE


def test_denial_over_ssh_is_readable(full, saw):
    denied = client.shell(full, "alice", full.ssh_options)
    assert not denied.verdict()
    assert denied.find(DENIED), denied.output
    saw("the ssh client printed the reason and exited")


@pytest.fixture
def idle(guest):
    """The screen tty2, on which alice has logged in. Her session is warned after 10 s and ends after 20 s."""
    guest.limit("alice", 'idle_timeout = "20s"\nwarn_before = ["10s"]')
    tty2 = guest.screen(2)
    tty2.log_in("alice")
    tty2.expect("ready>", 60)
    return tty2


def test_warning_on_screen_is_readable(idle, saw):
    shown = idle.await_shown(WARNING, 60)
    saw(f"tty2 showed {shown.text!r} for {shown.seconds:.1f} s")
    assert shown.seconds >= READABLE


def test_D09_reason_on_screen_is_readable(idle, saw):
    shown = idle.await_shown(IDLE, 60)
    saw(f"tty2 showed {shown.text!r} for {shown.seconds:.1f} s")
    assert shown.seconds >= READABLE
