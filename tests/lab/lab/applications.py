# SPDX-License-Identifier: MIT
"""Kinds of logins, as in lab.logins, whose programs are in packages of base.LATER."""

import base64
import contextlib
import itertools
import json
import os
import re
import struct
import threading

from . import client, network
from .base import PROMPT
from .host import Host
from .logins import Login, ports
from .machine import wait_until

DISPLAY = ":7"
COCKPIT_PORT = 9090
EDITOR = "/usr/local/lib/lab-editor"

# Arguments: the port, and "terminal" for a shell on a terminal of its own. Sends 19 bytes every 5 s, and answers every
# other message with one of the same size.
EDITOR_SERVER = """
import os, socket, sys, threading, time

def beat(connection):
    while True:
        connection.sendall(bytes(19))
        time.sleep(5)

def serve(connection):
    threading.Thread(target=beat, args=(connection,), daemon=True).start()
    while data := connection.recv(65536):
        if len(data) != 19:
            connection.sendall(data)

if "terminal" in sys.argv and os.forkpty()[0] == 0:
    os.execv("/bin/bash", ["bash"])
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print("begun", flush=True)
while True:
    threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()
"""


@contextlib.contextmanager
def installed(host: Host):
    """Installs the packages, and starts an X server and Cockpit."""
    for name in ("x11", "python3", "cockpit"):
        host.install_later(name)
    host.write(EDITOR, EDITOR_SERVER)
    host.sh(f"systemd-run --quiet --collect --unit=lab-xvfb Xvfb {DISPLAY} -ac; systemctl start cockpit.socket")
    wait_until("the X server", lambda: host.path(f"/tmp/.X11-unix/X{DISPLAY[1:]}").exists(), 20)
    try:
        yield
    finally:
        host.sh("systemctl stop lab-xvfb.service cockpit.socket cockpit.service", check=False)


def x11(host, user):
    """xterm by ssh -Y. The pointer is moved into its window and out of it."""
    login = Login(client.program(host, ["env", f"DISPLAY={DISPLAY}", "ssh", "-T", "-Y", f"{user}@127.0.0.1", "xterm"]))
    yield login
    find = ["xdotool", "search", "--class", "xterm"]
    x_client = ["env", f"DISPLAY={DISPLAY}"]
    wait_until("the window of xterm", lambda: host.run(*x_client, *find, check=False).stdout, 60, every=1)
    places = itertools.cycle([(50, 50), (1200, 900)])
    login.act = lambda _: host.run(*x_client, "xdotool", "mousemove", *map(str, next(places)))


def editor(host, user, terminal="", used=True):
    """An editor's server, to which two forwarded connections exist. Both sides send 19 bytes every 5 s."""
    port, server_port = next(ports), next(ports)
    command = f"exec python3 {EDITOR} {server_port} {terminal}"
    options = ["-L", f"127.0.0.1:{port}:127.0.0.1:{server_port}"]
    login = Login(client.command(host, user, command, options))
    yield login
    login.client.expect("begun", 60)
    connections = [network.connect(host, port) for _ in range(2)]
    for connection in connections:
        network.in_thread(network.beat, connection)
    if used:
        # The server answers with messages of these sizes. They are not read, as those of the keepalives are not.
        login.act = lambda chance: connections[0].sendall(os.urandom(chance.randint(60, 400)))


def cockpit(host, user):
    """A login to Cockpit in which the Terminal page is open. It has no client program."""
    yield Login(None)
    password = f"{user}-secret"
    host.run("chpasswd", text=f"{user}:{password}\n")
    page = CockpitPage(host, user, password)
    page.open_terminal()


class CockpitPage:
    """The connection of a browser to cockpit-ws, see the file doc/protocol.md of Cockpit."""

    def __init__(self, host: Host, user: str, password: str) -> None:
        self._host = host
        self._received = ""
        cookie = self._log_in(base64.b64encode(f"{user}:{password}".encode()).decode())
        key = base64.b64encode(os.urandom(16)).decode()
        self._socket = self._request(
            "/cockpit/socket", "Upgrade: websocket", "Connection: Upgrade", f"Sec-WebSocket-Key: {key}",
            "Sec-WebSocket-Version: 13", "Sec-WebSocket-Protocol: cockpit1", f"Cookie: {cookie}")
        assert b"101 Switching" in self._socket.recv(4096)
        threading.Thread(target=self._read_all, daemon=True).start()
        self._send({"command": "init", "version": 1})

    def open_terminal(self) -> None:
        self._send({"command": "open", "channel": "1", "payload": "stream", "spawn": ["/bin/bash", "-l"], "pty": True})
        wait_until("the prompt on the Terminal page", lambda: PROMPT in self._received, 30)

    def _request(self, path, *headers):
        connection = network.connect(self._host, COCKPIT_PORT)
        lines = [f"GET {path} HTTP/1.1", "Host: 127.0.0.1:9090", "Origin: http://127.0.0.1:9090", *headers, "", ""]
        connection.sendall("\r\n".join(lines).encode())
        return connection

    def _log_in(self, credentials):
        with self._request("/cockpit/login", f"Authorization: Basic {credentials}") as connection:
            answer = connection.recv(65536).decode()
        found = re.search(r"Set-Cookie: (cockpit=[^;\r]*)", answer, re.IGNORECASE)
        assert found, answer
        return found.group(1)

    def _send(self, message):
        data = f"\n{json.dumps(message)}".encode()
        size = bytes([0x80 | len(data)]) if len(data) < 126 else bytes([0x80 | 126]) + struct.pack("!H", len(data))
        # RFC 6455: the frame of a client is masked. The mask 0 does not change the data.
        self._socket.sendall(b"\x81" + size + bytes(4) + data)

    def _read_all(self):
        self._socket.settimeout(None)
        while data := self._socket.recv(65536):
            self._received += data.decode(errors="replace")
