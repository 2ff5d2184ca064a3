# SPDX-License-Identifier: MIT
"""Kinds of logins, and ways to use them, for tests of idle detection.

Each kind of login is a generator with the arguments (host, user). It starts a client and yields the login, then waits
until the login can be used. serving(host) provides the servers and files that the kinds need.
"""

import contextlib
import itertools
import os
import random
import shlex
import signal
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Callable, Iterator

from . import client, network
from .base import PASSWORDS, PROMPT
from .client import Client
from .far import Far
from .host import Host
from .machine import wait_until

SOURCE = "/var/tmp/lab-file"
REPOSITORY = "/var/tmp/lab-repository"
KEY = "/etc/lab-key"  # for logins from one session to another host
RATE = 50  # kB/s of active transfers
RSYNCD_PORT, ECHO_PORT, BEAT_PORT, PING_PORT = 8730, 8731, 8732, 8733
INNER = "root@127.0.0.1"  # account on the host behind the bastion; no limit applies to it

# Uses 4 to 10 % of a processor and prints nothing.
COMPUTE = "while :; do i=0; while [ $((i += 1)) -lt 15000 ]; do :; done; sleep 1; done"
PRINT = "while sleep 1; do date; done"
ANSWER = "while read -r ping <&3; do printf 'PONG :lab\\r\\n' >&3; done"
PRINTED = r"\d\d:\d\d:\d\d"

ports = itertools.count(9000)  # of forwardings


@dataclass
class Login:
    """A login of one user."""

    client: Client
    typed_in: Client | None = None  # the terminal in which a key is pressed at intervals
    act: Callable[[random.Random], object] | None = None  # uses the session once; called at intervals
    growing: str = ""  # the file in the machine that grows as long as the transfer is active
    stop: Callable[[], object] | None = None  # ends a transfer
    last_key: float | None = None  # time of the last key, if no more are typed

    @property
    def ended_at(self) -> float | None:
        """Returns when its session was terminated, by its client. An sftp client continues to read commands then."""
        closed = self.client.find("closed by remote host")
        return closed.at if closed else self.client.ended_at

    def use(self, chance: random.Random, key: str = "\n") -> None:
        """Uses the session once, if it is used by single actions."""
        if self.typed_in and self.typed_in.running:
            self.typed_in.send(key)
        if self.act:
            self.act(chance)


@contextlib.contextmanager
def serving(host: Host) -> Iterator[None]:
    host.sh(f"""
        truncate -s 1G {SOURCE}; chmod 644 {SOURCE}; rm -rf /var/tmp/lab-*-*
        install -m 644 /root/.ssh/id_ed25519 {KEY}
        git init --quiet --bare {REPOSITORY}; git config --system safe.directory '*'""")
    config = f"use chroot = no\naddress = 127.0.0.1\nport = {RSYNCD_PORT}\n[lab]\npath = /var/tmp\n"
    host.write("/etc/lab-rsyncd.conf", config)
    host.sh("systemd-run --quiet --collect --unit=lab-rsyncd rsync --daemon --no-detach --config=/etc/lab-rsyncd.conf")
    ping = partial(network.beat, data=b"PING :lab\r\n", every=3)
    servers = {ECHO_PORT: network.echo, BEAT_PORT: network.beat, PING_PORT: ping}
    with contextlib.ExitStack() as stack:
        stack.callback(host.sh, "systemctl stop lab-rsyncd.service", check=False)
        for port, serve in servers.items():
            stack.enter_context(network.serving(host, port, serve))
        yield


# --- shells


def shell(host, user, line="\n"):
    """A shell in which one line is typed."""
    login = Login(client.shell(host, user))
    yield login
    login.client.prompt()
    login.last_key = login.client.send(line)


printing_shell = partial(shell, line=f"{PRINT}\n")
# top of another host, by ssh in the shell. It prints about a kilobyte every 3 s.
top_elsewhere = partial(
    shell, line=f"ssh -tt -i {KEY} -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null {INNER} top\n")
# Answers the messages of a server, as irssi does.
answering = partial(shell, line=f"exec 3<>/dev/tcp/127.0.0.1/{PING_PORT}; {ANSWER}\n")


def typing_su(host, user):
    login = Login(client.shell(host, user))
    yield login
    at = login.client.prompt().end
    login.client.send("su -\n")
    asked = login.client.expect("Password: ", 60, at)
    login.client.send(f"{PASSWORDS['root']}\n")
    login.client.prompt(60, asked.end)
    login.typed_in = login.client


def typing_tmux(host, user):
    login = Login(client.shell(host, user))
    yield login
    _attach(login.client, "typing")
    login.typed_in = login.client


def detached_tmux(host, user, line=""):
    """A shell from whose tmux the user has detached, after typing a line."""
    login = Login(client.shell(host, user))
    yield login
    at = _attach(login.client, "detached")
    if line:
        login.client.send(line)
        # tmux ignores its own keys if they arrive together with others, see assume-paste-time in tmux(1).
        at = login.client.expect(PRINTED, 30, at).end
    login.last_key = login.client.send("\x02d")
    login.client.expect("detached", 60, at)


printing_tmux = partial(detached_tmux, line=f"{PRINT}\n")


def _attach(terminal, server):
    """Starts tmux with its own server, in this session. Returns the position after its pane's prompt."""
    at = terminal.prompt().end
    terminal.send(f"tmux -L {server}\n")
    drawn = terminal.expect(r"\x1b\[\?1049h", 60, at)
    return terminal.prompt(60, drawn.end).end


# --- sessions that only wait or compute


def waiting(start, begun):
    """A session without a terminal that is not used. start(host, user) returns its client."""

    def begin(host, user):
        it = start(host, user)
        yield Login(it)
        it.expect(begun, 60)

    return begin


command = waiting(lambda host, user: client.command(host, user, "echo begun; exec sleep 1000"), "begun")
computing = waiting(lambda host, user: client.command(host, user, f"echo begun; {COMPUTE}"), "begun")
quiet_forward = waiting(client.forward, "Authenticated")
keepalive_forward = waiting(partial(client.forward, options=["-o", "ServerAliveInterval=5"]), "Authenticated")


def idle_sftp(host, user):
    it = client.sftp(host, user)
    yield Login(it)
    it.send("pwd\n")
    it.expect("Remote working directory", 60)


# --- transfers


def busy_forward(host, user):
    port = next(ports)
    login = Login(client.forward(host, user, ["-L", f"127.0.0.1:{port}:127.0.0.1:{RSYNCD_PORT}"]))
    login.growing = _target("forward", user)
    yield login
    login.client.expect("Authenticated", 60)
    through = f"rsync://127.0.0.1:{port}/lab/{Path(SOURCE).name}"
    client.program(host, ["rsync", "--inplace", f"--bwlimit={RATE}", through, login.growing])
    wait_until("data through the tunnel", lambda: size(host, login), 60)


def _target(kind, user):
    return f"/var/tmp/lab-{kind}-{user}"


def _transfer(host, user, program, to, options=()):
    """Starts a transfer with rsync, scp or sftp, which takes hours."""
    slow = ["-l", str(RATE * 8)]
    remote = f"{user}@127.0.0.1"
    shell_of_rsync = shlex.join(["ssh", *options])
    copy = client.program(host, {
        "rsync": ["rsync", "-e", shell_of_rsync, "--inplace", f"--bwlimit={RATE}", f"{remote}:{SOURCE}", to],
        "scp": ["scp", "-q", *slow, *options, f"{remote}:{SOURCE}", to],
        "sftp": ["sftp", "-q", *slow, *options, remote],
    }[program])
    if program == "sftp":
        copy.send(f"get {SOURCE} {to}\n")
    return copy


def transferring(program):
    """A transfer that is a session of its own."""

    def begin(host, user):
        to = _target(program, user)
        login = Login(_transfer(host, user, program, to), growing=to)
        yield login
        wait_until("a growing file", lambda: size(host, login), 60)

    return begin


def transfer_beside_shell(program):
    """A transfer through the connection of a shell in which nothing is typed."""

    def begin(host, user):
        login, options = _master(host, user)
        yield login
        login.client.prompt()
        login.growing = _target(f"beside-{program}", user)
        login.last_key = login.client.send("\n")
        copy = _transfer(host, user, program, login.growing, options)
        login.stop = lambda: os.kill(copy.pid, signal.SIGTERM)  # the program then ends its own processes
        wait_until("a growing file", lambda: size(host, login), 60)

    return begin


def size(host, login):
    """Returns the size of the file of a transfer."""
    with contextlib.suppress(OSError):
        return host.path(login.growing).stat().st_size
    return 0


# --- several channels on a connection


def _master(host, user):
    """Opens a shell. Returns its login, and options of programs that use its connection."""
    path = f"ControlPath=/run/lab-{user}-{next(ports)}"
    return Login(client.shell(host, user, ["-o", "ControlMaster=yes", "-o", path])), ["-o", path]


def control_master(host, user):
    login, options = _master(host, user)
    yield login
    login.client.prompt()
    second = client.shell(host, user, options)
    second.prompt()
    login.typed_in = second


def git_beside_shell(host, user):
    """A shell through whose connection a repository is read at intervals."""
    login, options = _master(host, user)
    yield login
    login.client.prompt()
    by_ssh = f"core.sshCommand={shlex.join(['ssh', *options])}"
    fetch = ["git", "-c", by_ssh, "ls-remote", f"{user}@127.0.0.1:{REPOSITORY}"]
    login.act = lambda chance: host.run(*fetch)


# --- forwarded connections


def tunnel(start, bytes_each=40, by_socks=False):
    """A session with a forwarded port, through which a query is sent at intervals. start: client.shell or
    client.forward."""

    def begin(host, user):
        port = next(ports)
        option = ["-D", f"127.0.0.1:{port}"] if by_socks else ["-L", f"127.0.0.1:{port}:127.0.0.1:{ECHO_PORT}"]
        login = Login(start(host, user, option))
        yield login
        login.client.expect(f"Authenticated|{PROMPT}", 60)
        connection = None if by_socks else network.connect(host, port)

        def query(_):
            if connection:
                return network.exchange(connection, bytes_each)
            with network.connect_by_socks(host, port, ECHO_PORT) as page:
                network.exchange(page, bytes_each)

        login.act = query

    return begin


def reverse_tunnel(host, user):
    """Like tunnel(), but the port is forwarded from the host to the client (ssh -R)."""
    port = next(ports)
    login = Login(client.forward(host, user, ["-R", f"127.0.0.1:{port}:127.0.0.1:{ECHO_PORT}"]))
    yield login
    login.client.expect("Authenticated", 60)

    def connected():
        with contextlib.suppress(ConnectionRefusedError):
            return network.connect(host, port)

    connection, _ = wait_until("the forwarded port", connected, 60)
    login.act = lambda _: network.exchange(connection, 200)


def left_alone_editor(host, user, start=client.forward, options=()):
    """Two forwarded connections, on which both ends send 19 bytes every 5 s."""
    port = next(ports)
    it = start(host, user, ["-L", f"127.0.0.1:{port}:127.0.0.1:{BEAT_PORT}", *options])
    yield Login(it)
    it.expect(f"Authenticated|{PROMPT}", 60)
    for _ in range(2):
        network.in_thread(network.beat, network.connect(host, port))


def through(host, user, inner=(), outer=None, typed=True, line=""):
    """A shell on another host, through the session of the user on this one.

    inner, outer: options of the client of each host. Without `outer`, the user is given to ssh -J, otherwise to ssh -W.
    """
    jump = ["-J", f"{user}@127.0.0.1"]
    if outer is not None:
        jump = ["-o", f"ProxyCommand={shlex.join(['ssh', *outer, '-W', '%h:%p', f'{user}@127.0.0.1'])}"]
    login = Login(client.program(host, ["ssh", "-tt", *jump, *inner, INNER], terminal=True))
    yield login
    login.client.prompt(60)
    login.typed_in = login.client if typed else None
    if line:
        login.client.send(line)


# Prints 30 bytes each second on the inner host. Nothing is typed.
printing_elsewhere = partial(through, typed=False, line=f"{PRINT}\n")
keepalives_inside = partial(through, typed=False, inner=["-o", "ServerAliveInterval=5"])


# --- output


def lines(host, user, with_terminal=False):
    """tail -f of a file to which a line of 3 to 62 letters is added at intervals."""
    path = f"/var/tmp/lab-lines-{user}-{next(ports)}"
    host.write(path, "")
    tail = f"tail -n 0 -f {path}"
    login = Login(client.shell(host, user) if with_terminal else client.command(host, user, f"echo begun; exec {tail}"))
    yield login
    login.client.expect(f"begun|{PROMPT}", 60)
    if with_terminal:
        login.last_key = login.client.send(f"{tail}\n")

    def add(chance):
        with host.path(path).open("a", encoding="ascii") as file:
            file.write("x" * chance.randint(3, 62) + "\n")

    login.act = add


tail_in_shell = partial(lines, with_terminal=True)


def dead_peer(host, user):
    """A shell that prints every second. Its client is cut off. The context Far(host) must be entered."""
    far = Far(host)
    login = Login(far.shell(user))
    yield login
    at = login.client.prompt().end
    login.client.send(f"{PRINT}\n")
    login.client.expect(PRINTED, 30, at)
    login.last_key = time.monotonic()
    far.cut()
