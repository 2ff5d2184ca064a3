# SPDX-License-Identifier: MIT
"""sesslimitctl with real sessions: its output, the sessions that it terminates, its authorization and its errors."""

import re
import time

import pytest

from lab import client, console, ctl
from lab.machine import wait_until

NOT_FOUND, NOT_ALLOWED = 3, 4
SETTINGS = ["max_sessions", "max_duration", "idle_timeout", "warn_before", "at_limit", "mode"]
PRIVATE = {"credential", "method", "remote_user"}

POLICY = """
version = 1
[defaults]
max_duration = "12h"
[[rule]]
name = "people"
match.user = ["alice", "bob"]
max_sessions = 3
idle_timeout = "1h"
[[rule]]
name = "lenient"
match.user = ["alice"]
max_sessions = 9
"""


def fingerprint(host):
    """Returns the fingerprint of the key that all clients use."""
    return host.run("ssh-keygen", "-lf", "/root/.ssh/id_ed25519.pub").stdout.split()[1]


def ids(host, user):
    return [each["id"] for each in ctl.data(host, "sessions", "list", "--user", user)]


def a_shell(host, user):
    """Returns a client at its prompt, and the ID of its session."""
    before = ids(host, user)
    shell = client.shell(host, user)
    assert shell.verdict(), shell.output
    (added,) = {each["id"] for each in ctl.sessions(host, len(before) + 1, user)} - set(before)
    return shell, added


def test_list_show_and_status_match_open_sessions(host, saw):
    host.policy(POLICY)
    alice, alice_id = a_shell(host, "alice")
    bob, bob_id = a_shell(host, "bob")
    sleeper = client.command(host, "bob", "sleep 1000")
    carol = console.log_in(host, "carol")
    assert carol.verdict()
    sessions = ctl.sessions(host, 4)
    assert sorted(each["id"] for each in sessions) == sorted(each.id for each in host.sessions())
    mine = next(each for each in sessions if each["id"] == alice_id)
    known = next(each for each in host.sessions("alice"))
    assert (mine["user"], mine["service"], mine["origin"], mine["state"]) == ("alice", "sshd", "127.0.0.1", "active")
    assert (mine["leader"], mine["scope"]) == (known.leader, known.scope)
    # The daemon probes a session's terminals every two seconds at most.
    terminal = terminal_of(alice)
    wait_until("its terminal", lambda: ctl.data(host, "sessions", "show", alice_id)[0]["terminals"] == [terminal], 20)
    assert mine["max_duration"] == 12 * 3600 * 10**6 and mine["idle_timeout"] == 3600 * 10**6
    assert mine["duration_ends_at"] - mine["since"] == mine["max_duration"]
    assert abs(mine["since"] / 1e6 - time.time()) < 60
    assert (mine["credential"], mine["method"]) == (fingerprint(host), "publickey")
    # Another user sees everything except the authentication data of the session.
    for each in ctl.data(host, "sessions", "list", user="alice"):
        assert PRIVATE <= set(each) if each["user"] == "alice" else not PRIVATE & set(each), each

    table = ctl.text(host, "list")
    row = next(line for line in table.splitlines() if line.split()[0] == alice_id)
    assert re.search(r"\balice +sshd +pts/\d+ +127\.0\.0\.1 .* idle (59min|1h) left$", row), row
    assert table.splitlines()[-1] == "4 sessions listed."
    shown = ctl.text(host, "show", alice_id, bob_id)
    assert re.findall(r"^ +User: (.*)", shown, re.MULTILINE) == ["alice", "bob"]
    assert f"Terminals: {terminal}\n" in shown
    assert [each["id"] for each in ctl.data(host, "sessions", "show", alice_id, bob_id)] == [alice_id, bob_id]
    missing = ctl.run(host, "show", "4711")
    assert (missing.returncode, missing.stdout) == (NOT_FOUND, ""), missing
    status = ctl.data(host, "status", "status")
    assert (status["policy_state"], status["sessions"], status["recording"]) == ("files", 4, True)
    assert bob.running and sleeper.running
    saw(f"list: {' '.join(row.split())}")
    saw("list, show and status as text and as JSON that the schemas allow")
    saw(f"show 4711: exit {NOT_FOUND}, {missing.stderr.strip()}")


def terminal_of(shell):
    shell.send("tty\n")
    return shell.expect(r"/dev/pts/\d+", 10).text.removeprefix("/dev/")


def test_explain_prints_rule_location_and_outcome(host, saw):
    host.policy(POLICY)
    told = ctl.data(host, "explain", "explain", "alice", "--origin", "192.0.2.7", user="bob")
    settings = {each["name"]: each for each in told["settings"]}
    assert set(SETTINGS) <= set(settings)
    limit = settings["max_sessions"]
    lines = POLICY.splitlines()
    assert (limit["value"], limit["tier"], limit["rule"]) == ("3", "host", "people")
    assert limit["file"].endswith("policy.toml") and lines[limit["line"] - 1] == "max_sessions = 3", limit
    assert settings["max_duration"]["rule"] is None and settings["max_duration"]["tier"] == "host"
    assert [(each["rule"], each["wins"]) for each in told["rules"]] == [("people", True), ("lenient", False)]
    assert told["counts"] and "admitted" in told["outcome"]
    text = ctl.text(host, "explain", "alice")
    assert 'host rule "people"' in text and f'policy.toml:{limit["line"]}' in text and "lenient" in text
    cron = ctl.data(host, "explain", "explain", "alice", "--service", "cron")
    assert not cron["counts"]
    shells = [client.shell(host, "alice") for _ in range(3)]
    assert [each.verdict() for each in shells] == [True] * 3
    full = ctl.data(host, "explain", "explain", "alice")
    assert "would be denied" in full["outcome"]
    nobody = ctl.run(host, "explain", "nobody-of-that-name")
    assert nobody.returncode == NOT_FOUND and nobody.stderr, nobody
    saw(f"explain: max_sessions {limit['value']} by rule \"people\", {limit['file']}:{limit['line']}; cron: {cron['why']}")
    saw(f"with 3 open: {full['outcome']}; an unknown user: exit {nobody.returncode}, {nobody.stderr.strip()}")


def test_end_terminates_own_sessions_or_any_as_root(host, saw):
    """alice can terminate only her own sessions, root those of any user. The users read who terminated them."""
    alice, alice_id = a_shell(host, "alice")
    other, other_id = a_shell(host, "alice")
    bob, bob_id = a_shell(host, "bob")

    denied = ctl.run(host, "end", bob_id, user="alice")
    assert denied.returncode == NOT_ALLOWED and denied.stderr.startswith("sesslimitctl: not allowed: "), denied
    assert ctl.run(host, "end-user", "bob", user="alice").returncode == NOT_ALLOWED
    assert ctl.run(host, "end-credential", fingerprint(host), user="alice").returncode == NOT_ALLOWED
    assert ctl.run(host, "end", "4711", user="alice").returncode == NOT_FOUND
    assert bob.running

    # On a terminal, the command lists the sessions that it will terminate, and asks for confirmation.
    at = len(alice.output)
    alice.send(f"sesslimitctl end {other_id}\n")
    asked = alice.expect(r"\[y/N\] ", 10, after=at)
    question = alice.output[at:]
    assert "alice" in question and other_id in question, question
    alice.send("n\n")
    alice.expect("no sessions ended", 10, after=asked.end)
    assert other.running
    alice.send(f"sesslimitctl end {other_id}\n")
    alice.expect(r"\[y/N\] ", 10, after=asked.end)
    alice.send("y\n")
    other.wait(10)
    own = other.expect("This session was terminated: requested by [^.]*", 1).text
    assert own.endswith("its user")

    assert ctl.text(host, "end", bob_id).startswith(f"Terminating 1 session:\n  session {bob_id} of bob: sshd on pts/")
    bob.wait(10)
    by_root = bob.expect("This session was terminated: requested by [^.]*", 1).text
    assert by_root.endswith("root")
    assert alice.running
    saw(f"alice terminates her other session after a confirmation; its user reads: {own}")
    saw(f"bob's session: exit {NOT_ALLOWED}, {denied.stderr.strip()}; root terminates it, bob reads: {by_root}")


def test_end_user_and_end_credential_terminate_all_matches(host, saw):
    shells = [client.shell(host, user) for user in ("alice", "alice", "bob")]
    password = console.log_in(host, "carol")
    assert [each.verdict() for each in (*shells, password)] == [True] * 4
    wait_until("4 sessions", lambda: len(ids(host, "alice") + ids(host, "bob") + ids(host, "carol")) == 4, 10)
    opened = set(ids(host, "alice"))
    since = time.monotonic()
    said = ctl.text(host, "end-user", "--message", "Maintenance – see /etc/motd", "alice", "carol")
    lines = said.splitlines()
    assert [lines[0], lines[3]] == ["Terminating 2 sessions of alice:", "Terminating 1 session of carol:"], said
    assert {line.split()[1] for line in lines[1:3]} == opened, said
    for each in (*shells[:2], password):
        each.wait(10)
        each.expect("This session was terminated: requested by root", 1)
        each.expect(r"Message: Maintenance \S+ see /etc/motd", 1)
    notes = [each["SESSLIMIT_NOTE"] for each in host.entries("ending", since=since)]
    assert notes == ["Maintenance – see /etc/motd"] * 3, notes
    assert shells[2].running
    host.wait_clean("alice")
    host.wait_clean("carol")

    shells = [client.shell(host, "alice"), *shells[2:]]
    password = console.log_in(host, "carol")
    assert shells[0].verdict() and password.verdict()
    wait_until("3 sessions", lambda: len(ids(host, "alice") + ids(host, "bob") + ids(host, "carol")) == 3, 10)
    said_of_key = ctl.text(host, "end-credential", fingerprint(host))
    for each in shells:
        each.wait(10)
        reason = each.expect("This session was terminated: requested by root[^.]*", 1).text
    assert password.running and said_of_key.startswith("Terminating 2 sessions opened with SHA256:"), said_of_key
    wait_until("no session of alice", lambda: not ids(host, "alice"), 10)
    assert ctl.text(host, "end-user", "alice", user="root").startswith("No session of alice")
    saw(f"end-user alice carol: {said.strip()!r}; bob's session stays open")
    saw(f"end-credential: {said_of_key.strip()}; they read: {reason}; carol, who used a password, stays logged in")


def test_watch_prints_every_event_and_survives_restart(host, saw):
    host.limit("alice", 'max_sessions = 1\nmax_duration = "15s"\nwarn_before = ["5s"]')
    watch, lines = ctl.watch(host, "--json=short"), ctl.watch(host)
    shell = client.shell(host, "alice")
    assert shell.verdict()
    denied = client.command(host, "alice", "true")
    assert denied.wait(20) != 0
    shell.wait(30)
    wait_until("the end of alice's session", lambda: '"ended"' in watch.output, 10)
    bob, bob_id = a_shell(host, "bob")
    assert bob.log_out() == 0
    wait_until("the end of bob's session", lambda: '"released"' in watch.output and "released" in lines.output, 10)

    events = [ctl.check(each, "watch") for each in ctl.watched(watch)]
    names = [each["event"] for each in events if each["event"] != "policy-changed"]
    assert names == ["admitted", "denied", "warned", "ending", "ended", "admitted", "released"]
    assert not [each for each in events if each["session"] and PRIVATE & set(each["session"])]
    assert [each["left"] is not None for each in events if each["event"] in ("warned", "ended")] == [True, False]
    missing = [name for name in names if not re.search(rf"\b{name}\b", lines.output)]
    assert missing == [], lines.output
    host.run("systemctl", "restart", "sesslimitd")
    login = client.command(host, "bob", "true")
    assert login.wait(20) == 0
    wait_until("the events of the login", lambda: len(re.findall(r'"event": ?"admitted"', watch.output)) == 3, 10)
    assert watch.running
    saw(f"watch: {', '.join(names)}; continues after a restart of the daemon")
    saw(f"a line of it: {next(line for line in lines.output.splitlines() if 'denied' in line)}")


def test_reload_and_check_report_invalid_policy(host, saw):
    host.write("/etc/sesslimit/policy.toml", "version = 1\n[defaults]\nmax_session = 3\n")
    rejected, checked = ctl.run(host, "reload"), ctl.run(host, "check", user="alice")
    assert rejected.returncode == checked.returncode == 1
    for each in (rejected, checked):
        assert "policy.toml:3:1" in each.stdout + each.stderr and "max_sessions" in each.stdout + each.stderr, each
    assert ctl.data(host, "status", "status")["policy_state"] == "kept"
    denied = ctl.run(host, "reload", user="alice")
    assert denied.returncode == NOT_ALLOWED
    host.write("/etc/sesslimit/policy.toml", "version = 1\n")
    assert ctl.text(host, "reload") == ""
    saw(f"reload of an invalid policy: {rejected.stderr.strip().splitlines()[0]}; alice: {denied.stderr.strip()}")


COMMANDS = [
    ["list"],
    ["show", "1"],
    ["end", "1"],
    ["end-user", "alice"],
    ["end-credential", "SHA256:x"],
    ["explain", "alice"],
    ["reload"],
    ["status"],
]


@pytest.mark.parametrize("way", ["stopped", "hanging"])
def test_commands_without_daemon_fail_with_one_line(host, way, saw):
    if way == "stopped":
        host.run("systemctl", "stop", "sesslimitd.socket", "sesslimitd.service")
    else:
        host.run("systemctl", "kill", "--signal=STOP", "sesslimitd.service")
    try:
        slowest, said = 0.0, set()
        # Only one call if the daemon hangs: it takes two seconds, and systemd kills a daemon that hangs for twenty.
        calls = [(each, user) for each in COMMANDS for user in ("root", "alice")]
        for command, user in calls if way == "stopped" else calls[:1]:
            began = time.monotonic()
            done = ctl.run(host, *command, user=user)
            slowest = max(slowest, time.monotonic() - began)
            assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1), (command, done)
            said.add(done.stderr.strip())
        assert ctl.run(host, "check").returncode == 0
    finally:
        host.run("systemctl", "kill", "--signal=CONT", "sesslimitd.service", check=False)
    assert len(said) == 1 and "systemctl" in next(iter(said)), said
    assert slowest < 15, "a call on the bus times out after 25 s"
    saw(f"daemon {way}: exit 1 after at most {slowest:.2f} s: {said.pop()}")
