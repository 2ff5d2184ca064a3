# SPDX-License-Identifier: MIT
"""Entries of the daemon about sessions of the last day in a machine's journal, as after a day of use."""

import random
import subprocess
import time

from .machine import Machine

JOURNAL_REMOTE = "/lib/systemd/systemd-journal-remote"
BOOT = "0123456789abcdef0123456789abcdef"  # an earlier boot of the machine
HOUR = 3_600_000_000  # microseconds
LENGTH = 26 * HOUR  # time before the last entry in which sessions begin
PAUSE = HOUR // 6  # time between the last entry and now


def write_sessions(machine: Machine, count: int) -> int:
    """Writes the starts and ends of `count` sessions. Returns the number of entries.

    Most sessions begin in the middle of the time. The daemon wrote no end for those that were open when the machine
    stopped.
    """
    made = random.Random(1)
    end = time.time_ns() // 1000 - PAUSE
    entries = []
    for key in range(1, count + 1):
        at = end - int(LENGTH * min(max(made.gauss(0.5, 0.2), 0), 1))
        until = at + int(made.expovariate(1 / 40) * 60_000_000) + 5_000_000
        entries.append(_entry(at, "admitted", key, ""))
        if until < end:
            entries.append(_entry(until, made.choice(["released", "ended"]), key, str((until - at) // 1_000_000)))
    entries.append(_entry(end, "warned", 1, ""))
    entries.sort()
    place = f"/run/log/journal/{machine.read('/etc/machine-id').strip()}/past.journal"
    text = "".join(entry for _, entry in entries)
    subprocess.run([JOURNAL_REMOTE, "--output", str(machine.path(place)), "-"], input=text, text=True, check=True,
                   capture_output=True)
    return len(entries) - 1


def _entry(at: int, event: str, key: int, seconds: str) -> tuple[int, str]:
    """Returns the time and the text of an entry in the journal's export format."""
    fields = {"__REALTIME_TIMESTAMP": at, "__MONOTONIC_TIMESTAMP": at % (100 * HOUR), "_BOOT_ID": BOOT,
              "_COMM": "sesslimitd", "SESSLIMIT_EVENT": event, "SESSLIMIT_KEY": key, "SESSLIMIT_USER": f"user{key % 50}",
              "MESSAGE": f"Session of user{key % 50} (sshd, from 192.0.2.{key % 250}): {event}."}
    fields |= {"SESSLIMIT_DURATION": seconds} if seconds else {}
    return at, "".join(f"{name}={value}\n" for name, value in fields.items()) + "\n"
