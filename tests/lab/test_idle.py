# SPDX-License-Identifier: MIT
"""idle_timeout ends a session with a terminal after its last key: never early, and not much later."""

import re
import resource
import threading
import time

from lab import client
from lab.machine import wait_until
from lab.text import HEADER, IDLE, KEPT, WARNING, plain

EARLIEST, LATEST = 20, 31  # seconds after the last key


def type_every(shell, seconds, times):
    for _ in range(times):
        time.sleep(seconds)
        shell.send("\n")


def test_idle_is_ended(host, saw):
    host.limit("alice", 'idle_timeout = "20s"\nwarn_before = ["5s"]')
    since = time.monotonic()
    idle, printing, active, saved = [client.shell(host, "alice") for _ in range(4)]
    for shell in (idle, printing, active, saved):
        assert shell.verdict()
    last_key = {idle: idle.send("\n"), printing: printing.send("while sleep 1; do date; done\n")}
    saved.send("\n")
    typist = threading.Thread(target=type_every, args=(active, 10, 6), daemon=True)
    typist.start()

    warned = saved.expect(WARNING, 30)
    last_key[saved] = saved.send("\n")
    kept = saved.expect(KEPT, 5, warned.end)
    # Between the rest of the warning's line and the line that says so there is nothing but a header and the prompt.
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
    assert [each.reason for each in host.events("ended", "alice", since)] == ["idle"] * 3
    saw(f"idle_timeout 20s: gone {lived[idle]:.2f} s after the last key; one that prints every second after {lived[printing]:.2f} s")
    saw(f"a key after the warning: the next line says that it stays open, {kept.at - last_key[saved]:.2f} s later; "
        f"gone {lived[saved]:.2f} s after that key")
    saw("a key every 10 s: open after 60 s, never warned")


def test_whoever_cannot_be_seen_is_not_ended(host, saw):
    """A daemon that can open nothing more sees no terminal: to it, everybody would be idle.

    For less than the 20 s after which its watchdog, which needs a descriptor too, has it started anew.
    """
    host.limit("alice", 'idle_timeout = "8s"\nwarn_before = []')
    since = time.monotonic()
    shell = client.shell(host, "alice")
    assert shell.verdict()
    time.sleep(3)  # its terminal is there, and logind has it
    (daemon,) = host.daemon_pids_here()
    limits = resource.prlimit(daemon, resource.RLIMIT_NOFILE)
    last_key = shell.send("\n")
    resource.prlimit(daemon, resource.RLIMIT_NOFILE, (3, limits[1]))
    try:
        wait_until("a look that fails", lambda: "Failed to inspect sessions" in host.journal_text(since), 15)
        time.sleep(max(0.0, last_key + 11 - time.monotonic()))
        assert shell.running, shell.output
    finally:
        resource.prlimit(daemon, resource.RLIMIT_NOFILE, limits)
    seen_again = time.monotonic()
    shell.wait(30)
    shell.expect("no input for 8s", 1)
    assert [each.reason for each in host.events("ended", "alice", since)] == ["idle"]
    said = host.journal_text(since).count("Failed to inspect sessions")
    assert said == 1, said
    saw(f"idle_timeout 8s, and out of descriptors until {seen_again - last_key:.0f} s after the last key: ended "
        f"{shell.ended_at - seen_again:.1f} s later")
