# SPDX-License-Identifier: MIT
"""Field cases that need a real kernel: virtual terminals, their getty, and greetd."""

import time

from lab import client
from lab.machine import wait_until

AUTOLOGIN = """[Service]
ExecStart=
ExecStart=-/sbin/agetty --autologin alice --noclear - linux
"""
# The scopes of sessions start some seconds after logind has announced the sessions.
SLOW_SCOPE = {
    "session-.scope.d/slow.conf": "[Unit]\nWants=slow.service\nAfter=slow.service\n",
    "slow.service": "[Service]\nType=oneshot\nExecStart=/bin/sleep 8\n",
}
# Stays after SIGHUP and SIGTERM, and keeps the terminal open.
STUBBORN = "#!/bin/sh\ntrap '' HUP TERM\nexec sleep 1000\n"
GREETD = """[terminal]
vt = 3
[default_session]
command = "/usr/sbin/agreety --cmd /bin/bash"
user = "_greetd"
"""


def restarted(guest):
    """Returns the number of restarts of the getty on tty3."""
    return int(guest.run("systemctl", "show", "-P", "NRestarts", "getty@tty3").stdout)


def on_console(guest):
    """Returns alice's sessions on consoles. The ssh session of her logout may still be closing."""
    return [session for session in guest.sessions("alice") if session.service == "login"]


def test_A05_console_at_limit_recovers(guest, saw):
    guest.limit("alice", "max_sessions = 1")
    shell = guest.shell("alice")
    guest.write("/etc/systemd/system/getty@tty3.service.d/autologin.conf", AUTOLOGIN)
    guest.sh("systemctl daemon-reload && systemctl start getty@tty3")
    restarts, took = wait_until("six denials", lambda: (number := restarted(guest)) >= 6 and number, 180)
    assert guest.run("systemctl", "is-active", "getty@tty3").stdout == "active\n"
    shell.log_out()
    (session,), _ = wait_until("the console's session", lambda: on_console(guest), 60)
    assert guest.sh(f"loginctl show-session -P TTY {session.id}").strip() == "tty3"
    saw(f"autologin at limit 1 on tty3: denied {restarts} times in {took:.0f} s, its getty stays active; logged in "
        "after the logout")


def test_A06_stopped_screen_stalls_nothing(guest, saw):
    guest.limit("alice", 'idle_timeout = "20s"\nwarn_before = ["10s"]')
    guest.write("/usr/local/bin/stubborn", STUBBORN, 0o755)
    tty2 = guest.screen(2)
    tty2.log_in("alice")
    tty2.expect("ready>", 60)
    tty2.type("stubborn\n")
    wait_until("the program", lambda: guest.run("pgrep", "-t", "tty2", "sleep", check=False).stdout, 30)
    tty2.press("ctrl", "s")
    blocked = guest.run("timeout", "2", "sh", "-c", "echo > /dev/tty2", check=False)
    assert blocked.returncode == 124, "the screen is not stopped"
    slowest = 0.0

    def ended():
        nonlocal slowest
        began = time.monotonic()
        guest.run("systemctl", "show", "-P", "Version", timeout=30)
        slowest = max(slowest, time.monotonic() - began)
        return guest.events("ended", "alice")

    (end,), _ = wait_until("the termination", ended, 90)
    assert end.reason == "idle"
    assert guest.lived("alice")[0] <= 60
    wait_until("the next getty", lambda: guest.run("pgrep", "-t", "tty2", "agetty", check=False).stdout, 30)
    wait_until("no session", lambda: not guest.sessions("alice"), 30)
    assert slowest < 10
    saw(f"ctrl-s on tty2: its idle session ended after {guest.lived('alice')[0]:.1f} s of 20 s, PID 1 answered within "
        f"{slowest:.1f} s, and its getty restarted")


def test_B06_session_that_expires_while_it_opens_ends(guest, saw):
    guest.limit("alice", 'max_sessions = 1\nmax_duration = "3s"')
    for name, text in SLOW_SCOPE.items():
        guest.write(f"/etc/systemd/system/{name}", text)
    guest.run("systemctl", "daemon-reload")
    tty2 = guest.screen(2)
    tty2.log_in("alice")
    wait_until("the end", lambda: guest.events("ended", "alice"), 60)
    (admitted,), (ended,) = guest.events("admitted", "alice"), guest.events("ended", "alice")
    wait_until("no process", lambda: guest.run("pgrep", "-u", "alice", check=False).returncode == 1, 30)
    assert guest.listed("alice") == [] and guest.sessions("alice") == []
    saw(f"the limit of 3 s expired before the scope started: ended after {ended.at - admitted.at:.1f} s, no process left")


def test_greetd_counts_users_but_not_its_greeter(guest, saw):
    guest.policy("""version = 1
        [[rule]]
        name = "greeter"
        match.user = ["_greetd"]
        max_sessions = 0
        [[rule]]
        name = "alice"
        match.user = ["alice"]
        max_sessions = 1
    """)
    guest.write("/etc/greetd/config.toml", GREETD)
    guest.run("systemctl", "start", "greetd")
    # logind would start a getty on a terminal that is shown before the greeter uses it.
    wait_until("the greeter", lambda: "_greetd" in guest.run("loginctl", "list-sessions").stdout, 60)
    tty3 = guest.screen(3)
    assert guest.listed() == []
    tty3.log_in("alice")
    (session,), _ = wait_until("the session", guest.listed, 60)
    assert (session["user"], session["service"]) == ("alice", "greetd")
    denied = client.shell(guest, "alice", guest.ssh_options)
    assert not denied.verdict()
    saw("greetd on tty3: its greeter runs at limit 0; the session of alice is counted, her next login is denied")
