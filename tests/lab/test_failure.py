# SPDX-License-Identifier: MIT
"""Without the daemon, logins are admitted and logged. With on_error=deny, all users except root are denied."""

import time

from lab import client
from lab.machine import wait_until


def stop_everything(host):
    host.run("systemctl", "stop", "sesslimitd.socket", "sesslimitd.service")
    assert not host.path("/run/sesslimit.sock").exists()
    return time.monotonic()


def module_lines(host, since):
    return [line for line in host.journal_text(since).splitlines() if "pam_sesslimit" in line]


def test_login_without_daemon_is_admitted_and_adopted_later(host, saw):
    host.limit("alice", "max_sessions = 1")
    since = stop_everything(host)
    shell = client.shell(host, "alice")
    took = shell.prompt().at - shell.started_at
    lines, _ = wait_until("a journal entry of the module", lambda: module_lines(host, since), 10)
    host.start_daemon()
    # The daemon adopts and counts the session when it starts.
    wait_until("the adoption", lambda: host.events("adopted", "alice", since), 10)
    second = client.shell(host, "alice")
    assert not second.verdict() and "reached" in second.output
    assert shell.running
    saw(f"daemon and socket stopped: a shell after {took:.2f} s; the journal: {lines[0]}")
    saw("daemon started again: the session is adopted and counted")


def test_login_without_daemon_is_denied_with_on_error_deny(host, saw):
    host.module_arguments("on_error=deny")
    since = stop_everything(host)
    denied = client.shell(host, "alice")
    assert not denied.verdict()
    status = denied.wait(20)
    assert status == 254
    root = client.shell(host, "root")
    assert root.verdict()
    assert root.log_out() == 0
    lines = module_lines(host, since)
    assert sum("alice denied: cannot connect to the daemon" in line for line in lines) == 1, lines
    assert sum("root admitted uncounted: cannot connect to the daemon" in line for line in lines) == 1, lines
    host.start_daemon()
    again = client.shell(host, "alice")
    assert again.verdict()
    saw(f"on_error=deny without daemon: alice denied (exit {status}), root admitted; with the daemon alice is admitted")
