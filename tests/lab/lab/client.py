# SPDX-License-Identifier: MIT
"""OpenSSH clients that run in the machine, outside of any session, and connect to its sshd on 127.0.0.1."""

import os
import subprocess
from typing import Sequence

from .base import PROMPT
from .machine import ENVIRONMENT, Gone, Machine
from .terminal import Seen, Terminal


class Client(Terminal):
    """A running ssh or sftp client."""

    def prompt(self, timeout: float = 30, after: int = 0) -> Seen:
        """Waits for the shell's prompt."""
        return self.expect(PROMPT, timeout, after)

    def verdict(self, timeout: float = 60) -> bool:
        """Waits for the result of the login: True if a prompt appears, False if the client exits without one."""
        try:
            self.prompt(timeout)
            return True
        except Gone:
            if self.running:
                raise
            return False

    def log_out(self, timeout: float = 20) -> int:
        """Types exit at the prompt. Returns the client's exit status."""
        self.send("exit\n")
        return self.wait(timeout)


def opened(login: Client) -> Client:
    """Waits for the prompt of a login. Returns the login."""
    login.prompt()
    return login


def shell(machine: Machine, user: str, options: Sequence[str] = ()) -> Client:
    """Runs ssh -tt user@machine: an interactive shell on its own pty."""
    return _with_pty(machine, ["ssh", "-tt", *options, f"{user}@127.0.0.1"])


def command(machine: Machine, user: str, remote: str, options: Sequence[str] = ()) -> Client:
    """Runs ssh -T user@machine command: without a terminal on either side."""
    return _with_pipes(machine, ["ssh", "-T", *options, f"{user}@127.0.0.1", remote])


def forward(machine: Machine, user: str, options: Sequence[str] = ()) -> Client:
    """Runs ssh -N user@machine: a connection without a channel. Prints "Authenticated" after authentication."""
    return _with_pipes(machine, ["ssh", "-N", "-o", "LogLevel=VERBOSE", *options, f"{user}@127.0.0.1"])


def sftp(machine: Machine, user: str) -> Client:
    """Starts an sftp client that waits for commands. It answers `pwd` with "Remote working directory"."""
    return _with_pipes(machine, ["sftp", "-q", f"{user}@127.0.0.1"])


def program(machine: Machine, argv: Sequence[str], terminal: bool = False) -> Client:
    """Runs a program of the machine as root, outside of any session, with pipes or a terminal."""
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
