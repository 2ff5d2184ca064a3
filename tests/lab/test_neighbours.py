# SPDX-License-Identifier: MIT
"""Logins of other kinds than an ssh shell: with a forwarded agent, of machinectl and systemd, of a display manager."""

import time

import pytest

from lab import client, ctl
from lab.left_behind import fingerprint, left_behind, open_sessions
from lab.machine import wait_until

REACHED = "limit of 1 session reached"
AGENT = "/run/lab-agent"
LATE = 15  # seconds that a busy host may be late


def test_forwarded_agent_does_not_delay_logout(host, saw):
    host.sh(f"ssh-agent -a {AGENT}; SSH_AUTH_SOCK={AGENT} ssh-add -q /root/.ssh/id_ed25519")
    host.limit("alice", 'max_sessions = 1\nmax_duration = "10s"\nwarn_before = []')
    options = ["-A", "-o", f"IdentityAgent={AGENT}"]
    for _ in range(5):
        listing = client.command(host, "alice", "ssh-add -l", options)
        assert listing.wait(20) == 0 and fingerprint(host) in listing.output, listing.output
    shell = client.opened(client.shell(host, "alice", options))
    assert len(open_sessions(host, "alice")) == 1
    assert shell.log_out() == 0
    host.wait_clean("alice")
    shell = client.opened(client.shell(host, "alice", options))
    shell.expect("maximum duration of 10s reached", 30)
    shell.wait(10)
    took = host.wait_clean("alice")
    wait_until("an empty list", lambda: open_sessions(host, "alice") == left_behind(host) == [], 10)
    host.sh(f"rm {AGENT}")
    saw(f"limit 1: five times ssh -A ssh-add -l, a logout, and a termination, with nothing left after {took:.1f} s")


# Programs that open a session with the PAM service "login" and show no text of PAM, and whether the session is counted.
# logind puts a session without a terminal into the class "background". systemd-run reads /proc/self.
SYSTEMD_RUN = "nsenter --pid=/proc/1/ns/pid systemd-run -p PAMName=login -p User=alice"
PAM_LOGINS = {
    "machinectl shell": ("machinectl shell alice@.host", True),
    "systemd-run --pty": (f"{SYSTEMD_RUN} --pty bash -l", True),
    "systemd-run --pipe": (f"{SYSTEMD_RUN} --pipe bash -l -i", False),
}


@pytest.mark.parametrize("way", list(PAM_LOGINS))
def test_session_of_service_login(host, saw, way):
    command, counts = PAM_LOGINS[way]
    host.install_later("machinectl")
    host.limit("alice", "max_sessions = 1")
    shell = client.opened(client.shell(host, "alice"))
    since = time.monotonic()
    denied = client.program(host, command.split(), terminal=True)
    denied.wait(20)
    assert client.PROMPT not in denied.output and len(host.events("denied", "alice", since)) == 1, denied.output
    assert shell.log_out() == 0
    host.wait_clean("alice")
    session = client.opened(client.program(host, command.split(), terminal=True))
    wait_until("the list", lambda: [each["service"] for each in open_sessions(host, "alice")] == ["login"] * counts, 10)
    second = client.shell(host, "alice")
    assert second.verdict() != counts and bool(second.find(REACHED)) == counts, second.output
    if counts:
        ctl.text(host, "end", open_sessions(host, "alice")[0]["id"])
    else:
        session.send("exit\n")
    session.wait(20)
    saw(f"limit 1: {way} is denied beside a shell; if it is admitted, it is {'counted' if counts else 'not counted'}")


# The stack of Debian's lightdm, without modules that are not installed.
LIGHTDM = """auth requisite pam_nologin.so
@include common-auth
@include common-account
session required pam_limits.so
session required pam_loginuid.so
@include common-session
"""


def test_display_manager_at_limit_is_denied_with_text(host, saw):
    """pamtester takes the place of lightdm, because the machine has no display."""
    host.write("/etc/pam.d/lightdm", LIGHTDM)
    host.limit("alice", "max_sessions = 1")
    login = ["pamtester", "-I", "tty=:0", "lightdm", "alice", "open_session", "close_session"]
    admitted = host.run(*login)
    assert "Login denied" not in admitted.stderr, admitted
    host.wait_clean("alice")
    shell = client.opened(client.shell(host, "alice"))
    began = time.monotonic()
    denied = host.run(*login, check=False)
    took = time.monotonic() - began
    assert denied.returncode != 0 and f"Login denied for alice: {REACHED}" in denied.stderr, denied
    assert 3 <= took < 3 + LATE, took
    assert shell.log_out() == 0
    saw(f"limit 1: a login on a display is denied after {took:.1f} s, with the text")
