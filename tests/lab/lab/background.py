# SPDX-License-Identifier: MIT
"""Jobs that a login leaves running: a tmux server and a process started with nohup and setsid."""

import itertools
import time
from typing import Sequence

from .client import Client
from .host import Host
from .machine import wait_until

_counter = itertools.count(50001)


class Background:
    """Starts the jobs at the prompt of a login.

    note: the kind of login, for messages of failures.
    """

    def __init__(self, host: Host, login: Client, user: str, note: str = "") -> None:
        number = next(_counter)
        server = f"tmux -L job{number} new-session -d"
        self._host, self._user, self._note = host, user, f" ({note})" if note else ""
        self._commands = {"tmux": f"{server} sleep {number}", "nohup job": f"sleep 1{number}"}
        at = len(login.output.encode())
        start = f"{server} 'sleep {number}'; nohup setsid sleep 1{number} >/dev/null 2>&1 </dev/null &"
        login.send(f"{start} echo started $((40 + 2))\n")
        login.expect("started 42", 30, at)
        wait_until(f"{user}'s jobs", lambda: not self.terminated(), 20)

    def terminated(self) -> list[str]:
        """Returns "bob's tmux" and "bob's nohup job" as far as they no longer run."""
        running = self._host.run("ps", "-ww", "-eo", "args=").stdout.splitlines()
        gone = [job for job, command in self._commands.items() if command not in running]
        return [f"{self._user}'s {job}{self._note}" for job in gone]


def terminated(jobs: Sequence[Background], within: float = 8) -> str:
    """Returns "2 of 20 background jobs (bob's tmux, ...) were terminated", or "" if none is within so many seconds.

    A termination by sesslimit takes half a second, and 5 s more for processes that ignore SIGTERM.
    """
    time.sleep(within)
    gone = [name for each in jobs for name in each.terminated()]
    names = ", ".join(dict.fromkeys(gone))
    return f"{len(gone)} of {2 * len(jobs)} background jobs ({names}) were terminated" if gone else ""
