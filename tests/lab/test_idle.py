# SPDX-License-Identifier: MIT
"""idle_timeout terminates a session with a terminal after its last key: never early, at most a step of 8 s late."""

import re
import resource
import threading
import time

from lab import client, ctl
from lab.host import seconds_of
from lab.left_behind import fingerprint
from lab.machine import wait_until
from lab.text import HEADER, IDLE, KEPT, WARNING, plain

STEP = 8  # seconds: granularity of a terminal's timestamps
LATE = 15  # additional seconds that a busy host may be late
EARLIEST, LATEST = 20, 20 + STEP + LATE  # seconds after the last key


def expect_history(host, since):
    """Checks the fields that describe the sessions in the journal, from their login to their end."""
    groups = sorted(host.run("id", "-G", "alice").stdout.split())
    for event, count in (("admitted", 4), ("warned", 3), ("ended", 3), ("released", 1)):
        found = host.entries(event, "alice", since)
        assert len(found) >= count, event
        for entry in found:
            gids = entry["SESSLIMIT_GID"]  # a list if the field occurs several times
            assert sorted(gids if isinstance(gids, list) else [gids]) == groups, entry
            assert entry["SESSLIMIT_METHOD"] == "publickey" and entry["SESSLIMIT_TERMINAL"] == "ssh", entry
            assert entry["SESSLIMIT_CREDENTIAL"] == fingerprint(host), entry
            assert "SESSLIMIT_SEAT" not in entry, entry
            # idle_timeout is in line 5 of the policy of Host.limit().
            rule = "/etc/sesslimit/policy.toml:5" if event in ("warned", "ended") else None
            assert entry.get("SESSLIMIT_RULE") == rule, entry
            assert ("SESSLIMIT_DURATION" in entry) == (event in ("ended", "released")), entry
    admitted = {each.key: each.at for each in host.events("admitted", "alice", since)}
    for event in ("ended", "released"):
        for entry in host.entries(event, "alice", since):
            lived = seconds_of(entry) - admitted[entry["SESSLIMIT_KEY"]]
            assert abs(int(entry["SESSLIMIT_DURATION"]) - lived) <= 3, (entry, lived)
    longest = [int(each["SESSLIMIT_LONGEST_IDLE"]) for each in host.entries("ended", "alice", since)]
    assert all(EARLIEST <= each <= LATEST for each in longest), longest
    (released,) = host.entries("released", "alice", since)
    assert int(released.get("SESSLIMIT_LONGEST_IDLE", 0)) < 15, released
    return longest, released


def type_every(shell, seconds, times):
    for _ in range(times):
        shell.send("\n")
        time.sleep(seconds)


def test_idle_session_is_terminated_after_warning(host, saw):
    host.limit("alice", 'idle_timeout = "20s"\nwarn_before = ["5s"]')
    since = time.monotonic()
    idle, printing, active, saved = [client.shell(host, "alice") for _ in range(4)]
    for shell in (idle, printing, active, saved):
        assert shell.verdict()
    last_key = {idle: idle.send("\n"), printing: printing.send("while sleep 1; do date; done\n")}
    saved.send("\n")
    typist = threading.Thread(target=type_every, args=(active, 6, 10), daemon=True)
    typist.start()

    warned = saved.expect(WARNING, LATEST)
    last_key[saved] = saved.send("\n")
    kept = saved.expect(KEPT, LATE, warned.end)
    # Between the end of the warning and the confirmation there is only a header and the prompt.
    between = plain(saved.output.encode()[warned.end : kept.end].decode()).split("\n")[1:-1]
    assert {line.strip() for line in between if not re.fullmatch(HEADER, line)} <= {"", client.PROMPT.strip()}, between

    lived = {}
    for shell in (idle, printing, saved):
        shell.wait(LATEST + 5)
        shell.expect(IDLE, 1)
        lived[shell] = shell.ended_at - last_key[shell]
        assert EARLIEST <= lived[shell] <= LATEST
    typist.join()
    assert active.running and WARNING not in active.output
    assert active.log_out() == 0
    host.wait_clean("alice")
    assert host.end_reasons("alice", since, 3) == ["idle"] * 3
    saw(f"idle_timeout 20s: terminated {lived[idle]:.2f} s after the last key; one that prints every second after "
        f"{lived[printing]:.2f} s")
    saw(f"a key after the warning: the confirmation {kept.at - last_key[saved]:.2f} s later; "
        f"terminated {lived[saved]:.2f} s after that key")
    saw("a key every 6 s: open after 60 s, never warned")
    longest, released = expect_history(host, since)
    saw(f"the journal: longest idle time {longest} s, and {released.get('SESSLIMIT_LONGEST_IDLE', 'none')} of "
        f"{released['SESSLIMIT_DURATION']} s in the session with the keys")


def test_session_is_not_terminated_while_probes_fail(host, saw):
    """A daemon that is out of descriptors cannot inspect terminals, and must not treat the session as idle.

    The condition lasts less than the 20 s after which the watchdog, which needs a descriptor too, restarts the daemon.
    """
    host.limit("alice", 'idle_timeout = "8s"\nwarn_before = []')
    since = time.monotonic()
    shell = client.shell(host, "alice")
    assert shell.verdict()
    wait_until("its terminal", lambda: ctl.data(host, "sessions", "list")[0]["terminals"], 10)
    (daemon,) = host.daemon_pids_here()
    limits = resource.prlimit(daemon, resource.RLIMIT_NOFILE)
    last_key = shell.send("\n")
    resource.prlimit(daemon, resource.RLIMIT_NOFILE, (3, limits[1]))
    try:
        wait_until("a failed probe", lambda: "Failed to inspect sessions" in host.journal_text(since), 15)
        time.sleep(max(0.0, last_key + 11 - time.monotonic()))
        assert shell.running, shell.output
    finally:
        resource.prlimit(daemon, resource.RLIMIT_NOFILE, limits)
    seen_again = time.monotonic()
    shell.wait(30)
    shell.expect("no activity for 8s", 1)
    assert host.end_reasons("alice", since) == ["idle"]
    said = host.journal_text(since).count("Failed to inspect sessions")
    assert said == 1, said
    saw(f"idle_timeout 8s, and out of descriptors until {seen_again - last_key:.0f} s after the last key: terminated "
        f"{shell.ended_at - seen_again:.1f} s later")
