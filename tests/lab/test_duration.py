# SPDX-License-Identifier: MIT
"""max_duration terminates a session on time, even while it is in use, and its user reads the reason."""

import contextlib
import time

from lab import client
from lab.text import MAXIMUM, WARNING

LATE = 15  # additional seconds that a busy host may be late


def keep_typing(shell, every):
    """Types a key every few seconds until the shell has exited."""
    with contextlib.suppress(OSError):  # it may exit between the check and the key
        while shell.running:
            shell.send("\n")
            time.sleep(every)


def test_session_at_max_duration_is_terminated(host, saw):
    host.limit("alice", 'max_duration = "20s"\nwarn_before = ["5s"]')
    since = time.monotonic()
    busy = client.shell(host, "alice")
    prompt = busy.prompt()
    silent = client.command(host, "alice", "sleep 1000")
    unlimited = client.command(host, "bob", "sleep 1000")
    keep_typing(busy, 3)

    warning, reason = busy.expect(WARNING, 1), busy.expect(MAXIMUM, 1)
    silent.wait(LATE)
    left = host.wait_clean("alice")
    # The session began between the client's start and its prompt.
    assert busy.ended_at - busy.started_at >= 20 and busy.ended_at - prompt.at <= 20 + LATE
    assert warning.at - busy.started_at >= 15 and warning.at - prompt.at <= 15 + LATE
    assert warning.end < reason.end and reason.at <= busy.ended_at
    assert unlimited.running

    assert host.end_reasons("alice", since, 2) == ["duration"] * 2
    lived = host.lived("alice", since)
    assert len(lived) == 2 and all(20 <= seconds <= 20 + LATE for seconds in lived), lived
    saw(
        f"max_duration 20s: warned {warning.at - prompt.at:.2f} s after the prompt, terminated after "
        f"{busy.ended_at - prompt.at:.2f} s with continuous input; the client read the reason"
    )
    saw(f"journal, admitted to ended: {', '.join(f'{each:.2f} s' for each in lived)}; nothing left {left:.2f} s later")
