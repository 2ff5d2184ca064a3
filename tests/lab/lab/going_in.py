# SPDX-License-Identifier: MIT
"""Repeated logins during another operation, each of which must be admitted."""

import re
import threading
import time
from typing import Sequence

from . import client, console
from .host import Host
from .machine import Gone
from .storm import Storm

WALKERS = 3
PEOPLE = ("root", "alice")

# Messages of PAM if it cannot load a module that a stack names.
FAULTY = "PAM adding faulty module|PAM unable to dlopen"


class GoingIn:
    """with GoingIn(host) as people: ...; afterwards people.ssh is a storm's outcome and people.consoles a count.

    The user logs in by ssh, with WALKERS logins at a time, and root on a console.
    """

    def __init__(self, host: Host, user: str = "alice") -> None:
        self.consoles = 0
        self.kept_out: list[str] = []  # output of the consoles at which the login failed
        self._host = host
        self._storm = Storm(host, user, WALKERS)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._root)
        self.since = 0.0

    def __enter__(self) -> "GoingIn":
        self.since = time.monotonic()
        self._storm.__enter__()
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._over.set()
        self._thread.join()
        self._storm.__exit__()
        self.ssh = self._storm.outcome

    def assert_all_let_in(self) -> str:
        """Checks that each login was admitted and that PAM found all modules. Returns a summary with the counts."""
        assert self.ssh.failed == self.ssh.denied == 0, self.ssh
        assert self.kept_out == []
        assert self.ssh.admitted > 0 and self.consoles > 0
        said = self._host.journal_text(self.since, "--facility=auth,authpriv")
        assert said and not re.search(FAULTY, said), said
        return f"{self.ssh.admitted} ssh logins and {self.consoles} console logins of root meanwhile, all admitted"

    def _root(self) -> None:
        while not self._over.is_set():
            terminal = console.log_in(self._host, "root")
            try:
                terminal.prompt()
                terminal.log_out()
                self.consoles += 1
            except Gone:
                self.kept_out.append(terminal.output)
            finally:
                terminal.close()


def get_in(host: Host, consoles: Sequence[client.Client] = ()) -> dict[str, float]:
    """Logs in root and alice, each on a console and by ssh. Returns the seconds until each prompt.

    Raises Gone if a login gets no prompt. consoles: terminals with a login prompt; new ones are opened if it is empty.
    """
    waiting, took = list(consoles), {}
    for user in PEOPLE:
        began = time.monotonic()
        terminal = waiting.pop() if waiting else console.console(host)
        console.identify(terminal, user)
        took[f"{user} console"] = leave(terminal) - began
        began = time.monotonic()
        took[f"{user} ssh"] = leave(client.shell(host, user)) - began
    return took


def leave(login: client.Client) -> float:
    """Logs out as soon as there is a prompt. Returns the time of the prompt."""
    at = login.prompt(20).at
    login.log_out()
    login.close()
    return at
