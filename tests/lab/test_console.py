# SPDX-License-Identifier: MIT
"""Console logins are counted, denied, warned and terminated like ssh logins."""

import contextlib
import time

from lab import client, console
from lab.text import IDLE, MAXIMUM, WARNING

LATE = 15  # additional seconds that a busy host may be late


def test_console_login_at_limit_is_denied(host, saw):
    host.limit("alice", "max_sessions = 2")
    terminal = console.log_in(host, "alice")
    terminal.prompt()
    shell = client.shell(host, "alice")
    assert shell.verdict()
    third = console.log_in(host, "alice")
    reason = third.expect("limit of 2 sessions reached", 20)
    third.wait(20)
    assert client.PROMPT not in third.output
    fourth = client.shell(host, "alice")
    assert not fourth.verdict()
    lines = [line for line in fourth.output.splitlines() if "since" in line]
    assert len(lines) == 2 and any("pts/" in line for line in lines), fourth.output
    assert len(host.sessions("alice")) == 2
    assert terminal.log_out() == 0
    again = console.log_in(host, "alice")
    again.prompt()
    saw(f"limit 2, a console and an ssh shell: the next console reads {reason.text!r} and ends, the next ssh is denied")
    saw("after the console's logout the next console login is admitted")


def test_console_session_at_max_duration_is_terminated(host, saw):
    host.limit("alice", 'max_duration = "20s"\nwarn_before = ["5s"]')
    since = time.monotonic()
    terminal = console.log_in(host, "alice")
    prompt = terminal.prompt().at
    with contextlib.suppress(OSError):
        while terminal.running and time.monotonic() < prompt + 20 + LATE:
            terminal.send("\n")
            time.sleep(3)
    warning, reason = terminal.expect(WARNING, 1), terminal.expect(MAXIMUM, 1)
    assert terminal.ended_at - prompt <= 20 + LATE
    assert warning.at < reason.at
    left = host.wait_clean("alice")
    assert host.end_reasons("alice", since) == ["duration"] and min(host.lived("alice", since)) >= 20
    saw(f"max_duration 20s: warned after {warning.at - prompt:.2f} s, ended after {terminal.ended_at - prompt:.2f} s "
        f"with the reason; nothing left {left:.2f} s later")


def test_idle_console_session_is_terminated(host, saw):
    host.limit("alice", 'idle_timeout = "20s"\nwarn_before = ["5s"]')
    terminal = client.opened(console.log_in(host, "alice"))
    key = terminal.send("\n")
    terminal.wait(60)
    warning, _ = terminal.expect(WARNING, 1), terminal.expect(IDLE, 1)
    lived = terminal.ended_at - key
    assert 20 <= lived <= 20 + 8 + LATE  # a terminal has timestamps in steps of 8 s
    saw(f"idle_timeout 20s: warned {warning.at - key:.2f} s and terminated {lived:.2f} s after the last key")
