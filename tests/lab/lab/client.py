# SPDX-License-Identifier: MIT
"""Real ssh clients, run in the machine but outside of any session of it, to its own sshd on 127.0.0.1."""

import os
import subprocess
from typing import Sequence

from .base import PROMPT
from .machine import ENVIRONMENT, Gone, Machine
from .terminal import Seen, Terminal


class Client(Terminal):
    """An ssh or sftp client that is running."""

    def prompt(self, timeout: float = 30, after: int = 0) -> Seen:
        """Waits for the shell's prompt."""
        return self.expect(PROMPT, timeout, after)

    def verdict(self, timeout: float = 60) -> bool:
        """Waits until the login was let in (True: a prompt) or the client has ended without one (False)."""
        try:
            self.prompt(timeout)
            return True
        except Gone:
            if self.running:
                raise
            return False

    def log_out(self, timeout: float = 20) -> int:
        """Types exit at the prompt; the client's exit status."""
        self.send("exit\n")
        return self.wait(timeout)


def shell(machine: Machine, user: str, options: Sequence[str] = ()) -> Client:
    """ssh -tt user@machine: an interactive shell on a pty of its own."""
    return _with_pty(machine, ["ssh", "-tt", *options, f"{user}@127.0.0.1"])


def command(machine: Machine, user: str, remote: str, options: Sequence[str] = ()) -> Client:
    """ssh -T user@machine command: no terminal on either side."""
    return _with_pipes(machine, ["ssh", "-T", *options, f"{user}@127.0.0.1", remote])


def forward(machine: Machine, user: str, options: Sequence[str] = ()) -> Client:
    """ssh -N user@machine: a connection without a channel. Says "Authenticated" once it is through."""
    return _with_pipes(machine, ["ssh", "-N", "-o", "LogLevel=VERBOSE", *options, f"{user}@127.0.0.1"])


def sftp(machine: Machine, user: str) -> Client:
    """An sftp client that waits for commands; answers `pwd` with "Remote working directory"."""
    return _with_pipes(machine, ["sftp", "-q", f"{user}@127.0.0.1"])


def program(machine: Machine, argv: Sequence[str], terminal: bool = False) -> Client:
    """A program of the machine's, run as root outside of any session, behind pipes or a terminal."""
    return _with_pty(machine, list(argv)) if terminal else _with_pipes(machine, list(argv))


def _with_pty(machine: Machine, argv: list[str]) -> Client:
    master, slave = os.openpty()
    try:
        process = subprocess.Popen(
            machine.argv(argv, terminal=True), stdin=slave, stdout=slave, stderr=slave, env=ENVIRONMENT
        )
    finally:
        os.close(slave)
    return Client(process, master, master, argv)


def _with_pipes(machine: Machine, argv: list[str]) -> Client:
    process = subprocess.Popen(
        machine.argv(argv), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=ENVIRONMENT
    )
    read_fd, write_fd = os.dup(process.stdout.fileno()), os.dup(process.stdin.fileno())
    process.stdout.close()
    process.stdin.close()
    return Client(process, read_fd, write_fd, argv)
