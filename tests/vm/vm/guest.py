# SPDX-License-Identifier: MIT
"""A Debian in a virtual machine, with the queries that tests make of a machine of the lab.

It boots once. Each test starts it from a snapshot. Times are those of the machine's own monotonic clock.
"""

import base64
import contextlib
import itertools
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import Iterator, Sequence

from lab import client
from lab.base import CACHE
from lab.client import Client
from lab.console import identify
from lab.host import Host
from lab.left_behind import open_sessions
from lab.machine import Gone, wait_until

from . import image, qemu
from .screen import Screen

SNAPSHOT = "ready"


class Agent:
    """Sends commands to the agent of the machine (agent.py). Commands of several threads run at the same time."""

    def __init__(self, connection: socket.socket) -> None:
        self._stream = connection.makefile("rwb", buffering=0)
        connection.close()
        # Numbers of a snapshot's earlier requests do not occur again.
        self._numbers = itertools.count(time.monotonic_ns())
        self._changed = threading.Condition()
        self._answers: dict[int, dict] = {}
        threading.Thread(target=self._read_all, daemon=True).start()

    def _read_all(self) -> None:
        with contextlib.suppress(OSError):
            for line in iter(self._stream.readline, b""):
                with contextlib.suppress(ValueError):  # the agent was killed while it wrote
                    answer = json.loads(line)
                    with self._changed:
                        self._answers[answer["id"]] = answer
                        self._changed.notify_all()

    def run(self, command: Sequence[str], text: str, timeout: float) -> subprocess.CompletedProcess:
        number = next(self._numbers)
        left = json.dumps({"id": number, "argv": command, "input": text}).encode() + b"\n"
        with self._changed:
            while left:
                left = left[self._stream.write(left):]
            if not self._changed.wait_for(lambda: number in self._answers, timeout):
                raise Gone(f"the machine does not answer within {timeout:g} s: {' '.join(command)[:200]}")
            answer = self._answers.pop(number)
        return subprocess.CompletedProcess(command, answer["status"], answer["output"], answer["errors"])


class Guest(Host):
    """guest.boot() once, guest.load() for each test, guest.stop() after it, guest.remove() at the end."""

    def __init__(self, suite: str, selinux: bool = False) -> None:
        super().__init__(suite)
        sweep()
        self._selinux = selinux
        self.directory = Path(tempfile.mkdtemp(prefix=f"vm-run-{os.getpid()}-", dir=CACHE))
        self._disk = self.directory / "disk.qcow2"
        self._qemu: qemu.Qemu | None = None
        self.lines: dict[str, Client] = {}
        self.accelerator = ""
        self.snapshot_seconds = self.load_seconds = 0.0

    # --- the life of the machine

    def boot(self, packages: list[Path]) -> None:
        """Boots the machine, installs the packages, and stores the snapshot from which load() starts."""
        self._image = image.image(self.suite, self._selinux)
        self.accelerator = qemu.accelerator(self._image.kernel)
        backing = ["-b", str(self._image.disk), "-F", "raw"]
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", *backing, str(self._disk)], check=True)
        began = time.monotonic()
        self._start()
        self.wait_up(300)
        self.boot_seconds = time.monotonic() - began
        self.install_sesslimit(packages)
        self.module_arguments("timeout=30s")  # without KVM the daemon may be slower than the module waits by default
        self.policy("version = 1\n")
        began = time.monotonic()
        error = self.monitor.human(f"savevm {SNAPSHOT}")
        if error:
            raise RuntimeError(f"no snapshot: {error}")
        self.snapshot_seconds = time.monotonic() - began
        self.stop()

    @contextlib.contextmanager
    def loaded(self) -> Iterator[None]:
        """Runs the machine from the snapshot while the context lasts."""
        try:
            self.load()
            yield
        finally:
            self.stop()

    def load(self) -> None:
        """Starts the machine from the snapshot."""
        began = time.monotonic()
        self._start(SNAPSHOT)
        self.run("true")
        self.load_seconds = time.monotonic() - began

    def _start(self, snapshot: str = "") -> None:
        self._qemu = qemu.Qemu(self._image, self._disk, self.accelerator, self.directory / "kernel", snapshot)
        self.monitor = self._qemu.monitor
        self._agent = Agent(self._qemu.sockets["agent"])
        self.lines = {name: self._line(name) for name in ("ttyS0", "hvc0")}
        self._port = self._qemu.ssh_port()

    def _line(self, name: str) -> Client:
        connection = self._qemu.sockets[name].detach()
        return Client(self._qemu.process, connection, connection, [name])

    def wait_up(self, timeout: float) -> None:
        """Waits until the machine has booted."""
        wait_until("the machine's systemd", self._is_up, timeout, 0.2)

    def _is_up(self) -> bool:
        if self._qemu.process.poll() is not None:
            raise Gone(f"QEMU has exited with {self._qemu.process.returncode}: {self.kernel_messages()}")
        return self.try_run("systemctl", "is-system-running") in ("running", "degraded")

    def stop(self) -> None:
        """Kills QEMU. The next load() starts from the snapshot again."""
        if self._qemu is not None:
            self._qemu.kill()
            self._qemu = None
            for line in self.lines.values():
                line.close()

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.directory)

    # --- what the lab's modules need of a machine

    def argv(self, command: list[str], own_pid_namespace: bool = False, terminal: bool = False) -> list[str]:
        """Returns the command line of a client that runs on this host. See ssh_options."""
        return [*(["setsid", "--ctty"] if terminal else []), *command]

    @property
    def ssh_options(self) -> list[str]:
        """The options with which an ssh client of this host connects to 127.0.0.1 inside of the machine."""
        settings = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR", "IdentitiesOnly=yes"]
        options = [word for setting in settings for word in ("-o", setting)]
        return ["-F", "/dev/null", "-i", str(self._image.key), "-p", str(self._port), *options]

    def run(self, *command: str, check: bool = True, text: str = "", timeout: float = 60) -> subprocess.CompletedProcess:
        done = self._agent.run(command, text, timeout)
        if check and done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def try_run(self, *command: str) -> str:
        """Returns the first line of the command's output, or an empty text if the agent does not answer.

        The agent does not run during a boot, and a shutdown kills it with its requests.
        """
        try:
            return self.run(*command, check=False, timeout=3).stdout.partition("\n")[0]
        except Gone:
            return ""

    def write(self, inside: str, text: str, mode: int = 0o644) -> None:
        self._put(inside, text.encode(), mode)

    def read(self, inside: str) -> str:
        return self.run("cat", inside).stdout

    def _put(self, inside: str, data: bytes, mode: int) -> None:
        script = f'mkdir -p "$(dirname "$0")" && base64 -d > "$0" && chmod {mode:o} "$0"'
        self.run("sh", "-c", script, inside, text=base64.b64encode(data).decode())

    def install(self, packages: list[Path]) -> None:
        names = [f"/var/tmp/packages/{package.name}" for package in packages]
        for package, name in zip(packages, names):
            self._put(name, package.read_bytes(), 0o644)
        self._apt_install(*names)

    def now(self) -> float:
        (nanoseconds,) = re.findall(r"^now at (\d+) nsecs", self.read("/proc/timer_list"), re.MULTILINE)
        return int(nanoseconds) / 1e9

    def boottime(self) -> float:
        """Returns the machine's time since its boot in seconds, including suspended time."""
        return float(self.read("/proc/uptime").split()[0])

    def shell(self, user: str) -> Client:
        """Opens an ssh session of this host's client. Waits for the shell's prompt."""
        login = client.shell(self, user, self.ssh_options)
        login.prompt(60)
        return login

    def ssh(self, user: str, command: str, check: bool = True) -> str:
        """Runs a command in an ssh session of this host's client. Returns its output."""
        argv = ["ssh", "-T", *self.ssh_options, f"{user}@127.0.0.1", command]
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600, check=False)
        if check and done.returncode != 0:
            raise RuntimeError(f"{command}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def listed(self, user: str = "") -> list[dict]:
        """Returns the open sessions of the user, or of all users, as in the output of sesslimitctl."""
        return open_sessions(self, user)

    # --- consoles

    def screen(self, number: int) -> Screen:
        """Shows a virtual terminal on the screen and returns it. Logind starts a getty on it."""
        shown = Screen(self, number)
        shown.switch()
        return shown

    def log_in_on(self, line: str, user: str) -> Client:
        """Types name and password on ttyS0 or hvc0. Does not wait for the result of the login."""
        terminal = self.lines[line]
        terminal.send("\n")  # the prompt may have been printed before the snapshot
        identify(terminal, user)
        return terminal

    # --- evidence

    def kernel_messages(self) -> str:
        return (self.directory / "kernel").read_text(encoding="utf-8", errors="replace")[-4000:]

    def take_picture(self, png: Path) -> None:
        png.parent.mkdir(parents=True, exist_ok=True)
        self.monitor.execute("screendump", filename=str(png), format="png")


def sweep() -> None:
    """Removes the directories of processes that were killed."""
    CACHE.mkdir(parents=True, exist_ok=True)
    for path in CACHE.glob("vm-run-*-*"):
        if not os.path.exists(f"/proc/{path.name.split('-')[2]}"):
            shutil.rmtree(path)
