# SPDX-License-Identifier: MIT
"""A booted Debian with its own namespaces, systemd, logind, D-Bus and sshd. Stopping it leaves nothing behind.

Its root is an overlay on the base (lab.base). The upper layer is a tmpfs in the machine's own mount namespace, so that
the mounts disappear with the last process. The kernel, and with it the wall clock, is this host's own.
"""

import contextlib
import fcntl
import itertools
import os
import subprocess
import time
from pathlib import Path
from typing import Callable, TypeVar

from . import base, cgroup

RUN = Path("/run/sesslimit-lab")
# A machine needs 10 to 20 inotify instances. The kernel counts those of all machines as root's of this host, and permits
# 128 by default. Without them, a machine does not boot.
INSTANCES = Path("/proc/sys/fs/inotify/max_user_instances")
ENOUGH_INSTANCES = 1024
ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "TERM": "xterm",
    "DEBIAN_FRONTEND": "noninteractive",
}

# Arguments: base, cgroup below the hierarchy, directory, name. systemd requires a tree with cgroup2 only. The directory
# contains the upper layer already if the caller has mounted it.
BOOT = """
set -e
umount -R /sys/fs/cgroup
mount -t cgroup2 none /sys/fs/cgroup
echo 0 > "/sys/fs/cgroup/$2/boot/cgroup.procs"
if ! [ -d "$3/upper" ]; then
    mount -t tmpfs -o mode=0755 none "$3"
    mkdir "$3/upper" "$3/work" "$3/root"
fi
mount -t overlay none -o "lowerdir=$1,upperdir=$3/upper,workdir=$3/work" "$3/root"
exec setpriv --pdeathsig KILL systemd-nspawn --quiet --directory="$3/root" --boot --register=no --keep-unit \\
    --private-network --console=pipe --machine="$4"
"""

Value = TypeVar("Value")
_counter = itertools.count(1)


class Gone(Exception):
    """The awaited condition did not occur in time."""


def wait_until(what: str, test: Callable[[], Value], timeout: float, every: float = 0.05) -> tuple[Value, float]:
    """Calls test until it returns a true value. Returns that value and the seconds. Raises Gone after timeout.

    A test that takes long is called less often, so that it uses at most a third of a processor.
    """
    start = time.monotonic()
    while True:
        began = time.monotonic()
        value = test()
        took = time.monotonic() - start
        cost = time.monotonic() - began
        if value:
            return value, took
        if took > timeout:
            raise Gone(f"{what}: not within {timeout:g} s")
        time.sleep(max(every, 2 * cost))


class Machine:
    """with Machine("bookworm") as machine: machine.run("id")"""

    def __init__(self, suite: str) -> None:
        self.suite = suite
        self.name = f"{suite}-{os.getpid()}-{next(_counter)}"
        self.directory = RUN / self.name
        self.layers: list[Path] = []  # trees whose files replace those of the base, the first one those of the others
        self.group: Path | None = None
        self.pid = 0  # of its systemd, in this host's PID namespace
        self._nspawn: subprocess.Popen | None = None
        self.boot_seconds = 0.0

    def __enter__(self) -> "Machine":
        self.start()
        return self

    def __exit__(self, *_) -> None:
        self.stop()

    def start(self) -> None:
        sweep()
        trees = [*self.layers, base.base(self.suite)]
        began = time.monotonic()
        with _places():
            _raise_instances()
            self.group = cgroup.create(self.name)
            self._create_directory()
        try:
            self._boot(":".join(map(str, trees)))
        except BaseException:
            self.stop()
            raise
        self.boot_seconds = time.monotonic() - began

    def _create_directory(self) -> None:
        self.directory.mkdir(parents=True)

    def _remove_directory(self) -> None:
        self.directory.rmdir()

    def _boot(self, trees: str) -> None:
        below = self.group.relative_to(cgroup.hierarchy())
        argv = ["unshare", "--mount", "sh", "-c", BOOT, "boot", trees, str(below), str(self.directory), self.name]
        self._nspawn = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
        )
        os.set_blocking(self._nspawn.stdout.fileno(), False)
        self.pid, _ = wait_until("the machine's first process", self._find_first_process, 60)
        self._started()
        wait_until("the machine's systemd", self._is_up, 120)

    def _started(self) -> None:
        """Is called when the first process of the machine exists."""

    def _find_first_process(self) -> int:
        if self._nspawn.poll() is not None:
            raise RuntimeError(f"the machine did not boot:\n{self.console_output()}")
        # nspawn's own processes are in the group "boot/supervisor", those of the machine in "boot/payload".
        payload = self.group / "boot" / "payload" / "init.scope" / "cgroup.procs"
        try:
            return min((int(pid) for pid in payload.read_text(encoding="ascii").split()), default=0)
        except OSError:
            return 0

    def _is_up(self) -> bool:
        state = self.run("systemctl", "is-system-running", check=False).stdout.strip()
        return state in ("running", "degraded")

    def stop(self) -> None:
        """Kills every process of the machine and removes its files. May be called repeatedly."""
        self._end()
        if self.directory.is_dir():
            self._remove_directory()
        sweep()

    def _end(self) -> None:
        if self._nspawn is not None:
            self._end_payload()
        if self.group is not None:
            cgroup.end(self.group)
            self.group = None
        if self._nspawn is not None:
            self._nspawn.wait(60)
            self._nspawn.stdout.close()
            self._nspawn = None

    def _end_payload(self) -> None:
        # The payload is killed before nspawn itself, so that nspawn can reap the machine's first process.
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            (self.group / "boot" / "payload" / "cgroup.kill").write_text("1", encoding="ascii")
            self._nspawn.wait(5)

    def console_output(self) -> str:
        """Returns what the machine has written to its console since the last call."""
        return (self._nspawn.stdout.read() or b"").decode(errors="replace")

    def argv(self, command: list[str], own_pid_namespace: bool = False, terminal: bool = False) -> list[str]:
        """Returns the command line that runs the command in the machine, outside of any session.

        own_pid_namespace: the command sees the machine's processes, and has one more process on this host as its
        parent. terminal: the command's standard input becomes its controlling terminal.
        """
        namespaces = ["--all"] if own_pid_namespace else ["--mount", "--uts", "--ipc", "--net"]
        enter = ["nsenter", "--target", str(self.pid), *namespaces, "--"]
        procs = self.group / "tools" / "cgroup.procs"
        session = ["setsid", "--ctty"] if terminal else []
        return ["sh", "-c", 'echo 0 > "$0" && exec "$@"', str(procs), *session, *enter, *command]

    def run(self, *command: str, check: bool = True, text: str = "", timeout: float = 60) -> subprocess.CompletedProcess:
        """Runs a command as root in the machine. Captures standard output and standard error separately."""
        done = subprocess.run(
            self.argv(list(command), own_pid_namespace=True),
            input=text,
            text=True,
            errors="replace",
            capture_output=True,
            env=ENVIRONMENT,
            timeout=timeout,
            check=False,
        )
        if check and done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def sh(self, script: str, check: bool = True, timeout: float = 60) -> str:
        """Runs a shell script as root in the machine and returns its standard output."""
        return self.run("sh", "-ec", script, check=check, timeout=timeout).stdout

    def path(self, inside: str) -> Path:
        """Returns the path at which this process can open a path inside the machine."""
        return Path(f"/proc/{self.pid}/root{inside}")

    def write(self, inside: str, text: str, mode: int = 0o644) -> None:
        path = self.path(inside)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(mode)

    def read(self, inside: str) -> str:
        return self.path(inside).read_text(encoding="utf-8")

    def install(self, packages: list[Path]) -> None:
        """Installs packages with apt-get. Their dependencies must be in the base."""
        target = self.path("/var/tmp/packages")
        target.mkdir(exist_ok=True)
        for package in packages:
            (target / package.name).write_bytes(package.read_bytes())
        names = [f"/var/tmp/packages/{package.name}" for package in packages]
        self._apt_install("--reinstall", *names)

    def install_later(self, name: str) -> None:
        """Installs packages that are stored in the base, see base.LATER."""
        store = f"{base.STORE}/{name}"
        self._apt_install(*(f"{store}/{path.name}" for path in self.path(store).iterdir()))

    def _apt_install(self, *arguments: str) -> None:
        # The user _apt cannot read the packages on every host. Root reads them, and apt must not warn about that.
        self.run("apt-get", "-q", "-y", "-o", "APT::Sandbox::User=root", "install", *arguments, timeout=600)

    def now(self) -> float:
        """Returns the machine's monotonic time in seconds, which its journal shows."""
        return time.monotonic()

    def journal(self, *arguments: str) -> str:
        """Returns the output of journalctl. It contains all that was written before the call, because of --sync."""
        script = 'journalctl --sync; exec journalctl --quiet --no-pager "$@"'
        return self.run("sh", "-c", script, "sh", *arguments).stdout

    def end_clients(self) -> None:
        """Kills every client and command that was started from outside the machine."""
        (self.group / "tools" / "cgroup.kill").write_text("1", encoding="ascii")


@contextlib.contextmanager
def _places():
    """Serializes the creation and removal of machine directories. An empty directory may be about to be used."""
    base.CACHE.mkdir(parents=True, exist_ok=True)
    with open(base.CACHE / "places.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _earlier_instances() -> Path:
    """Returns the file with the kernel's setting from before the first machine."""
    return base.CACHE / "max_user_instances"


def _raise_instances() -> None:
    earlier = INSTANCES.read_text(encoding="ascii")
    if int(earlier) < ENOUGH_INSTANCES:
        _earlier_instances().write_text(earlier, encoding="ascii")
        with contextlib.suppress(OSError):  # the setting may be read-only in a container
            INSTANCES.write_text(str(ENOUGH_INSTANCES), encoding="ascii")


def _restore_instances() -> None:
    """Restores the kernel's setting, unless an administrator has changed it in the meantime."""
    if _earlier_instances().exists():
        with contextlib.suppress(OSError):
            if int(INSTANCES.read_text(encoding="ascii")) == ENOUGH_INSTANCES:
                INSTANCES.write_text(_earlier_instances().read_text(encoding="ascii"), encoding="ascii")
        _earlier_instances().unlink()


def sweep() -> None:
    """Removes the remains of lab processes that were killed, and empty directories.

    Restores the kernel's setting if no machine is left.
    """
    with _places():
        tree = cgroup.hierarchy() / cgroup.TREE
        for parent in (tree, RUN):
            for path in parent.glob("*-*-*"):
                if not os.path.exists(f"/proc/{path.name.split('-')[1]}"):
                    cgroup.end(path) if parent == tree else path.rmdir()
            # The directory is not empty if another lab is running.
            with contextlib.suppress(OSError):
                parent.rmdir()
        if not tree.exists():
            _restore_instances()
