# SPDX-License-Identifier: MIT
"""org.sesslimit1 on the bus: it matches its documentation, and neither invalid calls nor a flood of calls affect it."""

import json
import re
import statistics
import time
from pathlib import Path

import pytest

from lab import client, ctl
from lab.bus import Bus, Flood
from lab.machine import wait_until

PAGE = Path(__file__).resolve().parents[2] / "man" / "org.sesslimit1.5"

SESSION = "a{sv}"
DOCUMENTED = {
    ("method", "ListSessions", "-", "aa{sv}"),
    ("method", "GetSession", "s", SESSION),
    ("method", "EndSession", "sa{sv}", "-"),
    ("method", "EndUser", "sa{sv}", "as"),
    ("method", "EndCredential", "sa{sv}", "as"),
    ("method", "Explain", "a{sv}", "bsa(sssssu)a(ssssub)s"),
    ("method", "ExplainSession", "s", "bsa(sssssu)a(ssssub)s"),
    ("method", "Defaults", "-", "a(sssssu)"),
    ("method", "ListIdle", "as", "a(stts)"),
    ("method", "PreviewPolicy", "sss", "aa{sv}s"),
    ("method", "Reload", "-", "-"),
    ("property", "Version", "s", ""),
    ("property", "PolicyState", "s", ""),
    ("property", "PolicyProblems", "as", ""),
    ("property", "PolicyDigest", "s", ""),
    ("property", "PolicyDirectory", "s", ""),
    ("property", "PolicySince", "t", ""),
    ("property", "Now", "t", ""),
    ("property", "Sessions", "u", ""),
    ("property", "Recording", "b", ""),
    ("signal", "SessionOpened", SESSION, "-"),
    ("signal", "SessionDenied", SESSION, "-"),
    ("signal", "SessionWarned", SESSION, "-"),
    ("signal", "SessionKept", SESSION, "-"),
    ("signal", "SessionLocked", SESSION, "-"),
    ("signal", "SessionEnding", SESSION, "-"),
    ("signal", "SessionEnded", SESSION, "-"),
    ("signal", "PolicyChanged", "s", "-"),
}

MANAGER = "org.sesslimit1.Manager."
NO_SESSION = "org.sesslimit1.Error.NoSuchSession"
NO_USER = "org.sesslimit1.Error.NoSuchUser"
BAD = "org.sesslimit1.Error.BadArgument"
BUSY = "org.sesslimit1.Error.Busy"
DENIED = "org.freedesktop.DBus.Error.AccessDenied"
BAD_TYPE = "org.freedesktop.DBus.Error.InvalidArgs"
LONG = "x" * (1 << 20)
KEY = "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU"
ALICE = ("User", ("s", "alice"))

# Calls of an unprivileged user, and the error of each reply.
NONSENSE = [
    (("GetSession", "s", "4711"), NO_SESSION),
    (("GetSession", "s", "k99999999999999999999"), NO_SESSION),
    (("GetSession", "s", "k-1"), NO_SESSION),
    (("GetSession", "s", "\x1b[31m\u202e../../x"), NO_SESSION),
    (("GetSession", "s", ""), BAD),
    (("GetSession", "s", "x" * 257), BAD),
    (("GetSession", "s", LONG), BAD),
    (("GetSession", "u", 1), BAD_TYPE),
    (("GetSession", "ss", "1", "2"), BAD_TYPE),
    (("GetSession",), BAD_TYPE),
    (("EndSession", "sa{sv}", "4711", []), NO_SESSION),
    (("EndSession", "sa{sv}", LONG, []), BAD),
    (("EndSession", "s", "4711"), BAD_TYPE),
    (("EndSession", "sa{sv}", "4711", [("message", ("s", LONG))]), BAD),
    (("EndUser", "sa{sv}", "alice", [("message", ("s", "\x1b[2J"))]), BAD),
    (("EndUser", "sa{sv}", "alice", [(LONG, ("s", "x"))]), BAD),
    (("EndUser", "sa{sv}", "bob", []), DENIED),
    (("EndUser", "sa{sv}", LONG, []), BAD),
    (("EndUser", "sa{sv}", "uid:x", []), BAD),
    (("EndUser", "i", 0), BAD_TYPE),
    (("EndCredential", "sa{sv}", KEY, []), DENIED),
    (("EndCredential", "sa{sv}", "SHA256:x", []), BAD),
    (("EndCredential", "sa{sv}", LONG, []), BAD),
    (("EndCredential", "v", ("s", "SHA256:x")), BAD_TYPE),
    (("Explain", "a{sv}", []), BAD),
    (("Explain", "a{sv}", [("User", ("s", "nobody-of-that-name"))]), NO_USER),
    (("Explain", "a{sv}", [("User", ("u", 1000))]), BAD),
    (("Explain", "a{sv}", [("User", ("s", LONG))]), BAD),
    (("Explain", "a{sv}", [(LONG, ("s", "x"))]), BAD),
    (("Explain", "a{sv}", [ALICE, ("Uid", ("s", "0"))]), BAD),
    (("Explain", "a{sv}", [ALICE, ("Groups", ("s", "staff"))]), BAD),
    (("Explain", "a{sv}", [ALICE, ("Groups", ("as", ["g"] * 100000))]), BAD),
    (("Explain", "a{sv}", [ALICE, ("Origin", ("s", LONG))]), BAD),
    (("Explain", "a{sv}", [ALICE, ("Colour", ("s", "red"))]), BAD),
    (("Explain", "s", "alice"), BAD_TYPE),
    (("ExplainSession", "s", "4711"), NO_SESSION),
    (("ExplainSession", "s", LONG), BAD),
    (("ExplainSession", "u", 1), BAD_TYPE),
    (("ListIdle", "as", ["1"] * 1001), BAD),
    (("ListIdle", "as", [LONG]), BAD),
    (("ListIdle", "s", "1"), BAD_TYPE),
    (("Defaults", "s", "x"), BAD_TYPE),
    (("PreviewPolicy", "sss", "a.toml", "", ""), DENIED),
    (("PreviewPolicy", "sss", "../a.toml", "", ""), BAD),
    (("PreviewPolicy", "sss", "a.toml", LONG + "x", ""), BAD),
    (("PreviewPolicy", "s", "a.toml"), BAD_TYPE),
    (("Reload",), DENIED),
    (("Reload", "s", "x"), BAD_TYPE),
    (("NoSuchMethod", "s", "x"), "org.freedesktop.DBus.Error.UnknownMethod"),
]

FLOOD = [
    ("ListSessions",),
    ("GetSession", "s", "4711"),
    ("Explain", "a{sv}", [ALICE]),
    ("ExplainSession", "s", "4711"),
    ("ListIdle", "as", ["4711"] * 1000),
    ("Defaults",),
    ("EndSession", "sa{sv}", "4711", []),
    ("EndCredential", "sa{sv}", KEY, []),
    ("GetSession", "u", 1),
    ("Reload",),
]
RATE = 1000
LOGINS = 15


def shown(call):
    return str([each if len(str(each)) < 60 else f"{str(each)[:20]}... ({len(str(each))})" for each in call])


def test_introspection_matches_manual_page(host, saw):
    lines = host.run("busctl", "introspect", "--no-legend", "org.sesslimit1", "/org/sesslimit1").stdout.splitlines()
    found, interface = set(), ""
    for line in lines:
        name, kind, *rest = line.split()
        if kind == "interface":
            interface = name
        elif interface == MANAGER.rstrip("."):
            # For a property, the next column is its value.
            found.add((kind, name[1:], rest[0], "" if kind == "property" else rest[1]))
    assert found == DOCUMENTED
    if PAGE.exists():
        page = PAGE.read_text(encoding="utf-8")
        assert [name for _, name, _, _ in DOCUMENTED if name not in page] == []
    kinds = [kind for kind, *_ in found]
    counted = ", ".join(f"{kinds.count(kind)} {each}" for kind, each in
                        (("method", "methods"), ("property", "properties"), ("signal", "signals")))
    saw(f"busctl introspect: {counted}, all as documented")


def test_invalid_calls_get_documented_errors(host, saw):
    login = client.shell(host, "bob")
    assert login.verdict()
    before = host.daemon_pid()
    with Bus(host, "alice") as bus:
        wrong, texts = [], set()
        for call, expected in NONSENSE:
            answer = bus.call(MANAGER + call[0], *call[1:])
            texts.add(answer.text)
            if answer.error != expected or not answer.text or len(answer.text) > 300 or not answer.text.isprintable():
                wrong.append((shown(call), expected, answer.error, answer.text[:300]))
        assert wrong == []
        assert bus.call(MANAGER + "ListSessions").error == ""
    assert host.daemon_pid() == before and login.running
    saw(f"{len(NONSENSE)} invalid calls (types, IDs, 1 MB strings, missing rights): each the right error, same daemon")
    saw(f"for example: {'; '.join(sorted(texts, key=len)[:4])}")


def median_login(host, user):
    """Returns the median of the seconds of `ssh user@host true`, over LOGINS logins in sequence."""
    took = []
    for _ in range(LOGINS):
        login = client.command(host, user, "true")
        assert login.wait(30) == 0, login.output
        took.append(login.ended_at - login.started_at)
        login.close()
    return statistics.median(took)


def call(host, user, member, *arguments):
    """Returns the values of a reply, or the message of an error, of busctl as a user."""
    become = [] if user == "root" else ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "--"]
    done = host.run(*become, "busctl", "--json=short", "call", "org.sesslimit1", "/org/sesslimit1",
                    MANAGER.rstrip("."), member, *arguments, check=False)
    return json.loads(done.stdout)["data"] if done.returncode == 0 else done.stderr


def test_console_data_of_a_real_session(host, saw):
    host.policy("version = 1\n[defaults]\nmax_sessions = 5\nidle_timeout = '1h'\n"
                "[[rule]]\nname = 'keys'\nmatch.method = 'publickey'\nmax_duration = '8h'\n")
    assert client.shell(host, "alice").verdict()
    session = ctl.sessions(host, 1)[0]["id"]
    for user in ("root", "alice"):
        counts, why, settings, rules, outcome = call(host, user, "ExplainSession", "s", session)
        assert counts and "sshd" in why
        assert [name for _, name, *_ in rules] == ["keys"]
        assert [each[1:4] for each in settings if each[0] == "max_duration"] == [["8h", "host", "keys"]]
        assert re.fullmatch(r"max_duration = 8h terminates it in 7h 59min \d+s, idle_timeout = 1h terminates it in "
                            r"(1h|59min \d+s) without activity", outcome), outcome
    assert "Access denied" in call(host, "bob", "ExplainSession", "s", session)

    wait_until("a source of activity", lambda: call(host, "bob", "ListIdle", "as", "1", session)[0][0][1] > 0, 20)
    (idle,) = call(host, "bob", "ListIdle", "as", "2", session, "4711")[0]
    shown = call(host, "bob", "GetSession", "s", session)[0]
    assert idle[0] == session and abs(idle[2] - shown["IdleEndsAt"]["data"]) < 5_000_000
    assert idle[2] - idle[1] == 3600 * 10**6

    defaults = {name: value for name, value, *_ in call(host, "bob", "Defaults")[0]}
    assert (defaults["max_sessions"], defaults["idle_timeout"], defaults["max_duration"]) == ("5", "1h", "unlimited")
    now = host.run("busctl", "get-property", "org.sesslimit1", "/org/sesslimit1", MANAGER.rstrip("."), "Now").stdout
    assert abs(int(now.split()[1]) / 1e6 - time.time()) < 10
    saw(f"ExplainSession by root and alice, not bob: {outcome!r}; ListIdle, Defaults and Now agree with the policy")


@pytest.mark.storm
def test_flood_of_calls_does_not_delay_logins(host, saw):
    host.policy('version = 1\n[defaults]\nmax_sessions = 3\n')
    calls = [(MANAGER + member, *arguments) for member, *arguments in FLOOD]
    before = host.daemon_pid()
    quiet = median_login(host, "bob")
    with Bus(host, "alice") as bus, Flood(bus, calls, RATE) as flood:
        flooded = median_login(host, "bob")
    again = median_login(host, "bob")
    rate = flood.sent / flood.seconds
    answers = [f"{count} {name.rpartition('.')[2] or 'answered'}" for name, count in sorted(flood.answers.items())]
    saw(f"{rate:.0f} calls per second for {flood.seconds:.1f} s: {', '.join(answers)}")
    saw(f"median of {LOGINS} logins: {quiet:.3f} s, with the flood {flooded:.3f} s, afterwards {again:.3f} s")
    assert host.daemon_pid() == before
    assert rate > 0.9 * RATE
    assert set(flood.answers) <= {"", NO_SESSION, DENIED, BAD_TYPE, BUSY}
    assert flooded < 3 * max(quiet, again) + 0.3


def test_forged_signals_do_not_free_a_slot(host, saw):
    """Any user can send the daemon a signal in logind's name. Such a signal must not free a session's slot."""
    host.limit("alice", "max_sessions = 1")
    assert client.shell(host, "alice").verdict()
    session = ctl.sessions(host, 1)[0]["id"]
    rows = [line.split() for line in host.run("busctl", "list", "--unique", "--no-legend").stdout.splitlines()]
    names = [name for name, _, process, *_ in rows if process == "sesslimitd"]
    assert len(names) == 3, rows  # connections to logind and to systemd, and the one that provides the service
    for name in names:
        for path, interface, member, signature, *values in (
            ("/org/freedesktop/login1", "org.freedesktop.login1.Manager", "SessionRemoved", "so", session, "/x"),
            ("/org/freedesktop/DBus", "org.freedesktop.DBus", "NameOwnerChanged", "sss", "org.freedesktop.login1", "", ""),
        ):
            emit = ("busctl", "emit", f"--destination={name}", path, interface, member, signature, *values)
            host.run("runuser", "-u", "bob", "--", *emit)
    second = client.shell(host, "alice")
    assert not second.verdict() and f"session {session} " in second.output
    saw(f"bob sends SessionRemoved of alice's session to {len(names)} connections of the daemon: it is still counted")
