# SPDX-License-Identifier: MIT
"""Concurrent logins and logouts of one user, by a number of threads, and their results."""

import json
import re
import subprocess
import threading
import time
from dataclasses import dataclass, field

from .host import Host
from .machine import ENVIRONMENT
from .shells import ShellCount

# Bash forks a shell for this, because it does not exec the last of several commands.
STAY = "echo let in; sleep 0.4; :"
LONGEST = 60  # seconds for one login; a longer one is killed and counts as failed

OPENED = re.compile(r"pam_unix\(sshd:session\): session opened for user (\w+)")
OURS = re.compile(r"pam_sesslimit\(sshd:session\): ")
UNCOUNTED = "admitted uncounted"


@dataclass
class Outcome:
    """The results of a storm. Times in seconds."""

    admitted: int = 0  # includes those that are `uncounted`
    denied: int = 0
    failed: int = 0  # neither admitted nor denied
    uncounted: int = 0  # admitted by the module alone, which got no reply from the daemon
    shells: int = 0  # maximum at any time
    module: float = 0.0  # longest delay of a login by the module
    timed: int = 0  # number of logins for which that delay is known
    whole: float = 0.0  # longest time from a client's start to its shell or its denial
    odd: list[str] = field(default_factory=list)  # output of the logins that failed

    @property
    def tried(self) -> int:
        return self.admitted + self.denied + self.failed


class Storm:
    """with Storm(host, "alice", walkers=6) as storm: ...; then storm.outcome. Requires the module argument debug."""

    def __init__(self, host: Host, user: str, walkers: int) -> None:
        self.outcome = Outcome()
        self._host, self._user = host, user
        self._began = time.time()
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._walk) for _ in range(walkers)]
        self._shells = ShellCount(host, user)

    def __enter__(self) -> "Storm":
        self._shells.__enter__()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()
        self._shells.__exit__()
        self.outcome.shells = self._shells.most
        self._ask_journal()

    def _walk(self) -> None:
        while not self._over.is_set():
            began = time.monotonic()
            argv = ["timeout", str(LONGEST), "ssh", "-T", f"{self._user}@127.0.0.1", STAY]
            login = subprocess.Popen(
                self._host.argv(argv),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=ENVIRONMENT,
            )
            first = login.stdout.readline()
            took = time.monotonic() - began
            text = (first + login.stdout.read()).decode(errors="replace")
            login.stdout.close()
            login.wait()
            with self._lock:
                self._note(text, took)

    def _note(self, text: str, took: float) -> None:
        if text.startswith("let in"):
            self.outcome.admitted += 1
        elif "reached" in text:
            self.outcome.denied += 1
        else:
            self.outcome.failed += 1
            self.outcome.odd.append(text.strip()[-100:])
        self.outcome.whole = max(self.outcome.whole, took)

    def _ask_journal(self) -> None:
        """Reads from the journal how long the module delayed each login.

        pam_unix comes before the module in the stack and logs when it is called. The module logs when it has finished.
        """
        fields = "MESSAGE,_PID,_SOURCE_REALTIME_TIMESTAMP"
        chosen = [f"--output-fields={fields}", f"--since=@{self._began:.6f}", "--facility=auth,authpriv"]
        text = self._host.journal("--output=json", *chosen)
        opened: dict[str, int] = {}
        for entry in map(json.loads, text.splitlines()):
            message, pid = str(entry.get("MESSAGE")), entry.get("_PID", "")
            at = int(entry.get("_SOURCE_REALTIME_TIMESTAMP") or entry["__REALTIME_TIMESTAMP"])
            found = OPENED.search(message)
            if found and found.group(1) == self._user:
                opened[pid] = at
            elif OURS.search(message) and pid in opened and "is too long and is not sent" not in message:
                self.outcome.module = max(self.outcome.module, (at - opened.pop(pid)) / 1e6)
                self.outcome.timed += 1
                self.outcome.uncounted += UNCOUNTED in message
