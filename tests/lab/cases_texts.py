# SPDX-License-Identifier: MIT
"""Field cases of names in the output, of the person behind a request, and of preconditions of the daemon.

Not collected by default: tests/run cases. Each case fails with the packages of 8a1275f.
"""

import json
import re
import time

import pytest

from lab import client, ctl
from lab.base import PASSWORDS
from lab.machine import wait_until

CORP = r"CORP\alice"


def case_D10_name_with_backslash_is_unchanged(host, saw):
    host.sh(r"""
        grep -q '^CORP' /etc/passwd || printf '%s\n' 'CORP\alice:x:4002:4002::/home/corp:/bin/bash' >> /etc/passwd
        grep -q '^CORP' /etc/shadow || printf '%s\n' 'CORP\alice:*:19000:0:99999:7:::' >> /etc/shadow
        rm -rf /home/corp; cp -a /home/alice /home/corp; chown -R 4002:4002 /home/corp""")
    host.policy(f"version = 1\n[[rule]]\nname = 'test'\nmatch.user = ['{CORP}']\nmax_sessions = 1\n")
    shell = client.shell(host, CORP)
    shell.prompt()
    (session,) = ctl.sessions(host, 1)
    assert session["user"] == CORP, f"JSON has the user {session['user']!r}"
    bus = host.run("busctl", "--json=short", "call", "org.sesslimit1", "/org/sesslimit1", "org.sesslimit1.Manager",
                   "ListSessions").stdout
    assert json.loads(bus)["data"][0][0]["User"]["data"] == CORP, bus
    assert host.events("admitted", CORP), f"no entry of the journal has SESSLIMIT_USER={CORP}"
    (row,) = ctl.text(host, "list", "--no-legend").splitlines()
    assert row.split()[1] == CORP, f"list shows {row!r}"
    assert [each["id"] for each in ctl.data(host, "sessions", "list", "--user", CORP)] == [session["id"]]
    assert "max_sessions" in ctl.text(host, "explain", CORP)
    assert not client.shell(host, CORP).verdict(), "the limit of the user with a backslash is not enforced"
    assert "Terminating 1 session" in ctl.text(host, "end-user", CORP)
    shell.wait(20)
    saw(f"JSON, D-Bus, journal and list have {CORP}; end-user '{CORP}' terminates the session")


# The commands with which alice becomes root in her shell, and whether they ask for root's password.
WAYS = {
    "sudo": ("sudo sesslimitctl end --no-ask ID", False),
    "su": ("su -c 'sesslimitctl end --no-ask ID'", True),
    "pkexec": ("pkexec sesslimitctl end --no-ask ID", False),
}
PKEXEC_RULE = """
polkit.addRule(function(action, subject) {
    if (action.id == "org.freedesktop.policykit.exec" && subject.user == "alice") {
        return polkit.Result.YES;
    }
});
"""
# From the package cockpit-system: the privileged bridge of Cockpit.
COCKPIT_MANIFEST = """{"bridges": [{"privileged": true, "spawn": ["sudo", "-k", "-A", "cockpit-bridge", "--privileged"],
    "environ": ["SUDO_ASKPASS=/bin/false"]}]}
"""


def reads_password(host, program):
    """Returns whether the program has turned echo off on its terminal. It discards earlier input."""
    terminal = host.sh(f"ps -C {program} -o tty= | head -n 1").strip()
    return re.search(r"(?<!\S)-echo(?!\S)", host.sh(f"stty -a -F /dev/{terminal}"))


def become_root(host, way, alice, session):
    """Terminates the session from alice's shell."""
    command, asks = WAYS[way]
    if way == "pkexec":
        host.install_later("polkit")
        host.write("/etc/polkit-1/rules.d/00-lab.rules", PKEXEC_RULE)
    at = len(alice.output.encode())
    alice.send(command.replace("ID", session) + "\n")
    if asks:
        alice.expect("Password: ", 20, at)
        wait_until("the prompt for a password", lambda: reads_password(host, way), 10)
        alice.send(f"{PASSWORDS['root']}\n")


def use_cockpit(host, session):
    """Terminates the session through the privileged bridge of a bridge that alice has started, as Cockpit does."""
    host.install_later("cockpit")
    host.write("/usr/share/cockpit/lab/manifest.json", COCKPIT_MANIFEST)
    bridge = client.command(host, "alice", "cockpit-bridge")
    argv = ["sesslimitctl", "end", "--no-ask", session]
    for message, reply in (
        ({"command": "init", "version": 1, "host": "localhost", "superuser": {"id": "sudo"}}, "superuser-init-done"),
        ({"command": "open", "channel": "1", "payload": "stream", "spawn": argv, "superuser": "require"}, "ready"),
    ):
        text = f"\n{json.dumps(message)}"
        bridge.send(f"{len(text)}\n{text}")
        bridge.expect(reply, 20)


@pytest.mark.parametrize("way", [*WAYS, "Cockpit"])
def case_D11_notice_names_person_behind_root(host, saw, way):
    bob, alice = client.shell(host, "bob"), client.shell(host, "alice")
    for each in (bob, alice):
        each.prompt()
    (session,) = wait_until("bob's session", lambda: host.sessions("bob"), 10)[0]
    watch = ctl.watch(host, "--json=short")
    since = time.monotonic()
    if way == "Cockpit":
        use_cockpit(host, session.id)
    else:
        become_root(host, way, alice, session.id)
    bob.wait(20)
    told = bob.expect("This session was terminated: requested by [^.]*", 1).text
    assert told.endswith("requested by alice (as root)"), f"{way}: bob reads {told!r}"
    wait_until("the event", lambda: host.events("ended", "bob", since), 10)
    (entry,) = map(json.loads, host.journal("--output=json", "SESSLIMIT_EVENT=ending", "-n", "1").splitlines())
    uid = host.run("id", "-u", "alice").stdout.strip()
    assert entry["SESSLIMIT_REQUESTED_BY"] == "alice (as root)", entry
    assert entry["SESSLIMIT_REQUESTED_BY_UID"] == uid, entry
    assert "requested by alice (as root)" in entry["MESSAGE"], entry
    (event,) = [each for each in ctl.watched(watch) if each["event"] == "ending"]
    assert event["session"]["requested_by_uid"] == int(uid), event
    assert event["session"]["requested_by"] == "alice", event
    assert event["session"]["reason"] == "requested by alice (as root)", event
    saw(f"{way}: bob reads {told!r}; SESSLIMIT_REQUESTED_BY_UID={entry['SESSLIMIT_REQUESTED_BY_UID']}")


def case_D12_deleted_ledger_is_reported(host, saw):
    host.limit("alice", "max_sessions = 1")
    status = ctl.data(host, "status", "status")
    assert status["recording"] is True, status
    since = time.monotonic()
    host.sh("rm -r /run/sesslimit")
    first = client.shell(host, "alice")
    assert first.verdict(), "a login is denied because the ledger was deleted"
    assert not client.shell(host, "alice").verdict(), "the limit is not enforced after the ledger was deleted"
    text = ctl.text(host, "status")
    shown = re.search(r"Recording: (.*)", text).group(1)
    assert re.match(r"no .*systemctl restart sesslimitd", shown), f"Recording: {shown}"
    assert ctl.data(host, "status", "status")["recording"] is False
    said = [line for line in host.journal_text(since).splitlines() if re.match("sesslimitd:.*ledger", line)]
    assert len(said) == 1, f"the journal does not report the deleted ledger once: {said}"
    audit = json.loads(ctl.run(host, "audit", "--json=short").stdout)
    assert [each for each in audit["warnings"] if "does not record sessions" in each["what"]], audit["warnings"]
    host.run("systemctl", "restart", "sesslimitd.service")
    wait_until("a new ledger", lambda: ctl.data(host, "status", "status")["recording"], 10)
    saw(f"/run/sesslimit deleted: Recording: {shown}; {said[0]}")
