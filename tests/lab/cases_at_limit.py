# SPDX-License-Identifier: MIT
"""Field cases of logins at the limit.

Not collected by default: tests/run cases. Each case fails with the packages of 8a1275f.
"""

import random
import time

import pytest

from lab import client, console, ctl
from lab.far import Far
from lab.machine import wait_until
from lab.text import DISPLACED

IDLE = 20  # seconds; displace_idle
STEP = 8  # seconds; terminals have timestamps in steps of this length


def type_in(shell):
    at = len(shell.output.encode())
    shell.send("echo he''re\n")
    shell.expect("here", 10, at)


GETTY = """[Service]
ExecStart=/sbin/agetty --autologin alice --noclear hvc0 linux
Restart=always
RestartSec=0
StandardInput=tty
StandardOutput=tty
TTYPath=/dev/hvc0
KillMode=process
SendSIGHUP=yes
"""


def shown(host, name):
    return host.sh(f"systemctl show -P {name} lab-getty").strip()


def on_console(host):
    """Returns alice's sessions on consoles. The ssh session of her logout may still be closing."""
    return [session for session in host.sessions("alice") if session.service == "login"]


def case_A05_console_at_limit_recovers(host, saw):
    host.limit("alice", "max_sessions = 1")
    shell = client.shell(host, "alice")
    shell.prompt()
    host.write("/etc/systemd/system/lab-getty.service", GETTY)
    with console.device(host, "hvc0"):
        try:
            host.sh("systemctl daemon-reload && systemctl start lab-getty")
            began = time.monotonic()
            wait_until("three denials", lambda: int(shown(host, "NRestarts")) >= 3, 60)
            time.sleep(2)  # without a delay, five denials in this time
            took, state = time.monotonic() - began, shown(host, "ActiveState")
            assert state == "active", f"the console is {state} after {shown(host, 'NRestarts')} restarts"
            assert shell.log_out() == 0
            left = time.monotonic()
            (session,), _ = wait_until("the console's session", lambda: on_console(host), 30)
            assert host.sh(f"loginctl show-session -P TTY {session.id}").strip() == "hvc0", session
            saw(f"autologin at limit 1: denied three times in {took:.1f} s, its unit stays active; "
                f"{time.monotonic() - left:.1f} s after the logout of the other session it is logged in")
        finally:
            host.sh("systemctl stop lab-getty; rm /etc/systemd/system/lab-getty.service; systemctl daemon-reload")
    host.wait_clean("alice")


def case_D01_displaced_session_leaves_multiplexer(host, saw):
    host.limit("alice", 'max_sessions = 1\nat_limit = "end-oldest"\nkeep = ["tmux", "screen"]')
    first = client.shell(host, "alice")
    first.prompt()
    first.send("tmux new-session -d -s work && echo started $((40 + 2))\n")
    first.expect("started 42", 20)
    second = client.shell(host, "alice")
    assert second.verdict()
    first.wait(10)
    second.send("tmux list-sessions; echo listed $((40 + 2))\n")
    second.expect("listed 42", 20)
    assert second.find(r"work: \d+ windows"), f"the tmux server was terminated with its session: {second.output}"
    saw("limit 1, end-oldest: the next login displaces the session and finds its tmux server")
    ctl.text(host, "end-user", "alice")
    second.wait(20)
    host.sh("systemctl stop 'sesslimit-kept-*.scope'", check=False)


# Arguments of client.shell() for a shell of alice, and for one on another host, through a session of alice.
D02_WAYS = {"shell": ("alice",), "-J": ("root", ["-J", "alice@127.0.0.1"])}


@pytest.mark.parametrize("way", D02_WAYS)
def case_D02_file_transfer_does_not_displace_shell_in_use(host, saw, way):
    host.sh("head -c 100000 /dev/urandom > /root/file")
    host.limit("alice", f'max_sessions = 2\nat_limit = "end-oldest"\ndisplace_idle = "{IDLE}s"')
    older, younger = (client.shell(host, *D02_WAYS[way]) for _ in range(2))
    for each in (older, younger):
        each.prompt()
        type_in(each)

    def transfer():
        return host.run("scp", "-q", "/root/file", "alice@127.0.0.1:file", check=False)

    since = time.monotonic()
    denied = transfer()
    assert denied.returncode != 0 and host.events("denied", "alice", since), denied
    for each in (older, younger):
        type_in(each)
    last = time.monotonic()
    while time.monotonic() < last + IDLE + STEP + 1:
        type_in(younger)
        time.sleep(random.uniform(0.5, 1.5))  # regular traffic would be background traffic
    admitted = transfer()
    assert admitted.returncode == 0, admitted
    older.wait(10)
    if way == "shell":
        older.expect(DISPLACED, 1)
    type_in(younger)
    saw(f"{way}: two shells in use: scp is denied, both stay; the older one {IDLE + STEP} s unused: scp is admitted, it is "
        "terminated")


def case_D04_dead_connection_gives_way(host, saw):
    """The client's host no longer answers. Its user logs in from another host."""
    host.limit("alice", "max_sessions = 1")
    with Far(host) as far:
        far.shell("alice").prompt()
        far.cut()
        first = client.shell(host, "alice")
        assert not first.verdict()
        asked = time.monotonic()
        time.sleep(70)
        again = client.shell(host, "alice")
        assert again.verdict(), f"locked out {time.monotonic() - asked:.0f} s after the first attempt: {again.output}"
        wait_until("the dead session to end", lambda: len(host.sessions("alice")) == 1, 10)
        # A live connection is written to in the same way, acknowledges that, and stays.
        assert not client.shell(host, "alice").verdict()
        again.expect("A login from 127.0.0.1 was denied: limit of 1 session reached", 20)
        time.sleep(70)
        assert not client.shell(host, "alice").verdict()
        assert again.log_out() == 0
        saw("limit 1: 70 s after a denied attempt the dead connection gives way; a live one stays, with a notice")


RECONNECT = "while true; do ssh -tt -o ServerAliveInterval=5 alice@127.0.0.1; sleep 0.2; done"


def case_D03_reconnecting_clients_settle(host, saw):
    """Three clients connect again as soon as their session ends."""
    host.limit("alice", 'max_sessions = 2\nat_limit = "end-oldest"')
    since = time.monotonic()
    clients = [client.program(host, ["sh", "-c", RECONNECT], terminal=True) for _ in range(3)]
    try:
        time.sleep(60)
        settled = host.sessions("alice")
        displaced = len(host.events("ending", "alice", since))
        time.sleep(15)
        assert [each.id for each in host.sessions("alice")] == [each.id for each in settled], "sessions are displaced"
        assert len(settled) == 2 and displaced <= 6, (settled, displaced)
        assert len(host.events("displacement-limited", "alice", since)) == 1
        saw(f"limit 2, end-oldest, three clients: {displaced} displacements, none after a minute; two clients stay")
    finally:
        host.end_clients()  # also the children of the shells
        for each in clients:
            each.close()
    host.wait_clean("alice")
