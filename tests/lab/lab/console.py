# SPDX-License-Identifier: MIT
"""Console logins: login(1) on a pty of the machine, started by its systemd in the way of getty@.service."""

import contextlib
import fcntl
import itertools
import os
import struct
import subprocess
from collections.abc import Iterator

from .base import PASSWORDS
from .client import Client
from .machine import ENVIRONMENT, Machine

TIOCGPTN = 0x80045430  # asm-generic/ioctls.h
TIOCSPTLCK = 0x40045431

_counter = itertools.count(1)


def _open_pty(machine: Machine) -> tuple[int, str]:
    """Opens a pty of the machine. Returns the descriptor of its master and the path of its terminal in the machine."""
    master = os.open(machine.path("/dev/pts/ptmx"), os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    fcntl.ioctl(master, TIOCSPTLCK, struct.pack("i", 0))
    (number,) = struct.unpack("I", fcntl.ioctl(master, TIOCGPTN, bytes(4)))
    return master, f"/dev/pts/{number}"


def console(machine: Machine, *arguments: str) -> Client:
    """Opens a console with login's prompt. It ends when login exits, like the session of a getty.

    arguments: of login(1); "-f user" logs in without a password, "-h host" sets the remote host.
    """
    master, tty = _open_pty(machine)
    properties = ["StandardInput=tty", "StandardOutput=tty", f"TTYPath={tty}", "KillMode=process", "SendSIGHUP=yes"]
    argv = ["systemd-run", "--quiet", "--wait", "--collect", f"--unit=lab-console-{next(_counter)}"]
    argv += [f"--property={each}" for each in properties] + ["/bin/login", *arguments]
    process = subprocess.Popen(
        machine.argv(argv, own_pid_namespace=True),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=ENVIRONMENT,
    )
    return Client(process, master, master, ["login", tty])


@contextlib.contextmanager
def device(machine: Machine, name: str) -> Iterator[None]:
    """Makes a pty appear as the console /dev/NAME. Its output is discarded."""
    master, tty = _open_pty(machine)
    with open(os.devnull, "wb") as sink, subprocess.Popen(["cat"], stdin=master, stdout=sink, stderr=sink) as reader:
        try:
            machine.sh(f"touch /dev/{name} && mount --bind {tty} /dev/{name}")
            yield
        finally:
            machine.sh(f"umount /dev/{name}; rm -f /dev/{name}", check=False)
            reader.kill()
            os.close(master)


def log_in(machine: Machine, user: str) -> Client:
    """Opens a console and types name and password. Does not wait for the result of the login."""
    terminal = console(machine)
    identify(terminal, user)
    return terminal


def identify(terminal: Client, user: str) -> None:
    """Waits for the prompts of a console for name and password, and types both."""
    terminal.expect("login: ", 20)
    terminal.send(f"{user}\n")
    terminal.expect("[Pp]assword: ", 20)
    terminal.send(f"{PASSWORDS[user]}\n")
