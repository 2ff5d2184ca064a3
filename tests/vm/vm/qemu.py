# SPDX-License-Identifier: MIT
"""A QEMU process, its monitor, and the sockets that are connected to the devices of the machine."""

import contextlib
import functools
import json
import os
import signal
import socket
import subprocess
import threading
from pathlib import Path
from typing import Any

from lab.machine import Gone

from .image import Image

CPU = "qemu64,+ssse3,+sse4.1,+sse4.2,+popcnt"
MEMORY = "1024"
# The kernel reports to ttyS1, whose output is a file. ttyS0 and hvc0 have a login prompt.
KERNEL_LINE = (
    "root=/dev/vda rw console=ttyS1 console=tty0 quiet loglevel=4 mitigations=off net.ifnames=0 "
    "systemd.show_status=0 systemd.getty_auto=0"
)
# Kills QEMU when the process that started it exits.
_TIED = ["setpriv", "--pdeathsig", "KILL", "qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none"]


@functools.cache
def accelerator(kernel: Path) -> str:
    """Returns "kvm" if a kernel boots with it, or "tcg".

    /dev/kvm may exist on a host on which it fails. The kernel of this trial has no root file system. It panics when it
    has started all of its parts, and QEMU then exits.
    """
    argv = [*_TIED, "-accel", "kvm", "-cpu", CPU, "-m", "256", "-kernel", str(kernel), "-serial", "stdio", "-no-reboot"]
    try:
        trial = subprocess.run(
            [*argv, "-append", "console=ttyS0 panic=-1"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            timeout=10,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "tcg"
    return "kvm" if trial.returncode == 0 and b"Unable to mount root fs" in trial.stdout else "tcg"


class Monitor:
    """QEMU's machine protocol (QMP). A thread reads the answers and the events."""

    def __init__(self, connection: socket.socket) -> None:
        self._stream = connection.makefile("rwb", buffering=0)
        connection.close()
        self._changed = threading.Condition()
        self._answers: list[dict] = []
        self._events: list[str] = []
        self._ended = False
        threading.Thread(target=self._read_all, daemon=True).start()
        self.execute("qmp_capabilities")

    def _read_all(self) -> None:
        with contextlib.suppress(ConnectionResetError):  # QEMU was killed
            for line in iter(self._stream.readline, b""):
                message = json.loads(line)
                with self._changed:
                    if "event" in message:
                        self._events.append(message["event"])
                    elif "QMP" not in message:
                        self._answers.append(message)
                    self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def execute(self, command: str, timeout: float = 120, **arguments: Any) -> Any:
        """Runs a command of QMP and returns its result."""
        self._stream.write(json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n")
        with self._changed:
            if not self._changed.wait_for(lambda: self._answers or self._ended, timeout) or not self._answers:
                raise Gone(f"QEMU does not answer {command}")
            answer = self._answers.pop(0)
        if "error" in answer:
            raise RuntimeError(f"{command} {arguments}: {answer['error']['desc']}")
        return answer["return"]

    def human(self, command: str) -> str:
        """Runs a command of the human monitor and returns its output."""
        return self.execute("human-monitor-command", **{"command-line": command})

    def await_event(self, name: str, timeout: float) -> None:
        """Waits for an event of QEMU, such as SUSPEND. An event that was already waited for does not count."""
        with self._changed:
            if not self._changed.wait_for(lambda: name in self._events, timeout):
                raise Gone(f"QEMU reports no {name} within {timeout:g} s, but {self._events}")
            self._events.remove(name)


class Qemu:
    """A running machine. The sockets of its devices are connected before the machine starts."""

    def __init__(self, image: Image, disk: Path, accel: str, console: Path, snapshot: str = "") -> None:
        """disk: an overlay in qcow2 format. console: the file for the messages of the kernel.

        snapshot: the name of the snapshot on the disk with which the machine starts; without a name it boots.
        """
        ends = {name: socket.socketpair() for name in ("monitor", "ttyS0", "hvc0", "agent")}
        argv = [*_TIED, "-accel", accel, "-cpu", CPU, "-smp", "2", "-m", MEMORY, "-vga", "std", "-rtc", "base=utc"]
        argv += ["-kernel", str(image.kernel), "-initrd", str(image.initrd), "-append", f"{KERNEL_LINE} {image.kernel_options}"]
        argv += ["-drive", f"file={disk},if=virtio,cache=unsafe,format=qcow2"]
        argv += ["-netdev", "user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:0-:22"]
        argv += ["-device", "virtio-net-pci,netdev=net,romfile=", "-device", "virtio-rng-pci"]
        for name, (_, theirs) in ends.items():
            argv += ["-chardev", f"socket,id={name},fd={theirs.fileno()}"]
        argv += ["-mon", "chardev=monitor,mode=control", "-serial", "chardev:ttyS0", "-serial", f"file:{console}"]
        argv += ["-device", "virtio-serial-pci", "-device", "virtconsole,chardev=hvc0"]
        argv += ["-device", "virtserialport,chardev=agent,name=vm-agent"]
        argv += ["-loadvm", snapshot] if snapshot else []
        self._output = console.with_suffix(".qemu")
        with open(self._output, "wb") as output:
            self.process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                pass_fds=[theirs.fileno() for _, theirs in ends.values()],
            )
        for _, theirs in ends.values():
            theirs.close()
        self.sockets = {name: ours for name, (ours, _) in ends.items() if name != "monitor"}
        try:
            self.monitor = Monitor(ends["monitor"][0])
        except (Gone, OSError) as error:
            self.kill()
            raise Gone(f"QEMU did not start: {self._output.read_text(errors='replace')}") from error

    def ssh_port(self) -> int:
        """Returns the port on 127.0.0.1 that is forwarded to the machine's sshd."""
        for line in self.monitor.human("info usernet").splitlines():
            words = line.split()
            if words and words[0] == "TCP[HOST_FORWARD]":
                return int(words[3])
        raise RuntimeError("QEMU forwards no port")

    def kill(self) -> None:
        """Kills QEMU. May be called repeatedly."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
