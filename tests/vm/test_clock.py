# SPDX-License-Identifier: MIT
"""Limits while the wall clock of the machine is set, and while the machine is suspended."""

import contextlib
import time

import pytest

from lab.machine import Gone

IDLE = 30
MAXIMUM = 50
LIMITS = f"""version = 1
[[rule]]
name = "duration"
match.user = ["alice"]
max_duration = "{MAXIMUM}s"
idle_timeout = "{IDLE}s"
[[rule]]
name = "idle"
match.user = ["bob"]
idle_timeout = "{IDLE}s"
"""


def use_until_end(shell):
    """Types a command every 3 s until the session ends."""
    while shell.running:
        shell.send("true\n")
        with contextlib.suppress(Gone):
            shell.wait(3)


@pytest.mark.parametrize("step", ["+1 year", "-1 year"])
def test_no_session_ends_early_when_the_clock_is_set(guest, saw, step):
    guest.policy(LIMITS)
    used, unused = guest.shell("alice"), guest.shell("bob")
    guest.run("date", "--set", step)
    year = guest.sh("date +%Y").strip()
    use_until_end(used)
    unused.wait(2 * IDLE)
    assert guest.end_reasons("alice", 0) == ["duration"]
    assert guest.end_reasons("bob", 0) == ["idle"]
    (alice,), (bob,) = guest.lived("alice"), guest.lived("bob")
    assert MAXIMUM <= alice <= MAXIMUM + 10
    assert IDLE <= bob <= 2 * IDLE + 10
    saw(f"the year became {year}; a session in use ended after {alice:.1f} s of {MAXIMUM} s, an idle one after "
        f"{bob:.1f} s of {IDLE} s")


def test_suspended_time_counts(guest, saw):
    asleep = 120
    maximum = asleep + MAXIMUM
    guest.limit("alice", f'max_duration = "{maximum}s"')
    shell = guest.shell("alice")
    began = guest.boottime()
    (admitted,) = guest.events("admitted", "alice")
    offset = began - guest.now()
    guest.run("systemctl", "suspend")
    guest.monitor.await_event("SUSPEND", 30)
    time.sleep(asleep)  # the time itself is tested
    guest.monitor.execute("system_wakeup")
    guest.wait_up(60)
    slept = guest.boottime() - guest.now() - offset
    assert slept >= asleep - 2
    assert shell.running and len(guest.listed("alice")) == 1
    shell.wait(MAXIMUM)
    assert guest.end_reasons("alice", 0) == ["duration"]
    (ended,) = guest.events("ended", "alice")
    lived = ended.at - admitted.at + slept
    assert maximum <= lived <= maximum + 10
    saw(f"suspended to RAM for {slept:.1f} s; the session stayed open and ended after {lived:.1f} s of {maximum} s")
