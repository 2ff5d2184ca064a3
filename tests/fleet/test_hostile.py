# SPDX-License-Identifier: MIT
"""Input that is not valid on the socket of sesslimit-fleetd, and in its configuration."""

import os
import random
import resource
import socket
import subprocess

import pytest

from fleet.frames import CLAIM, GRANTED, HELLO, LIST_END, RELEASE, claim_frame, encode, number
from fleet.machine import default_program
from fleet.waits import wait_for_log

HELLO_FRAME = encode(HELLO, (1, b"digest"))
GOOD_CLAIM = claim_frame(1, "alice", 3)

INVALID = {
    "no hello": GOOD_CLAIM,
    "two hellos": HELLO_FRAME,
    "magic": encode(LIST_END, magic=b"SLIM"),
    "version": encode(LIST_END, version=2),
    "unknown kind": encode(99),
    "kind of the other side": encode(16, (1, number(8, 1)), (2, b"\1"), (3, number(4, 0))),
    "length": encode(LIST_END) + b"x",
    "truncated": GOOD_CLAIM[:-3],
    "header only in part": GOOD_CLAIM[:5],
    "too long": encode(HELLO, (1, b"d")) + bytes(3000),
    "session 0": claim_frame(0, "alice", 3),
    "limit 0": claim_frame(1, "alice", 0),
    "limit 1001": claim_frame(1, "alice", 1001),
    "NUL in the name": claim_frame(1, "ali\0ce", 3),
    "long name": claim_frame(1, "a" * 256, 3),
    "field twice": encode(RELEASE, (1, number(8, 1)), (1, number(8, 1))),
    "field missing": encode(CLAIM, (1, number(8, 1))),
}


def raw_connection(machine):
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    connection.settimeout(5)
    connection.connect(str(machine.socket))
    return connection


def is_closed(connection):
    """Reads until the other end closes the connection."""
    try:
        while connection.recv(4096):
            pass
    except ConnectionResetError:
        pass
    except TimeoutError:
        return False
    return True


def test_an_invalid_frame_closes_the_connection(hosts, saw):
    machine = hosts.add()
    for name, packet in INVALID.items():
        with raw_connection(machine) as connection:
            if name != "no hello":
                connection.send(HELLO_FRAME)
            connection.send(packet)
            assert is_closed(connection), name
    assert machine.log().count("invalid frame") == len(INVALID)
    assert machine.connect().ask(1, "alice", 3)[0].outcome == GRANTED
    saw(f"{len(INVALID)} kinds of invalid frames: each closed its connection, and was logged")


def test_random_packets_stop_nothing(hosts, saw):
    machine = hosts.add()
    machine.connect()
    source = random.Random(19)
    for _ in range(2000):
        with raw_connection(machine) as connection:
            try:
                connection.send(HELLO_FRAME)
                for _ in range(source.randrange(3)):
                    packet = bytearray(GOOD_CLAIM)
                    for _ in range(source.randrange(1, 4)):
                        packet[source.randrange(len(packet))] = source.randrange(256)
                    connection.send(bytes(packet[:source.randrange(1, len(packet) + 1)]))
            except (BrokenPipeError, ConnectionResetError):
                pass
    assert machine.process.poll() is None
    daemon = machine.connect()
    assert daemon.ask(1000, "carol", 3)[0].outcome == GRANTED
    saw("2000 connections with random packets: the process still runs, and admits")


def test_only_root_may_connect(hosts):
    machine = hosts.add()
    daemon = machine.connect()
    os.chmod(machine.directory.parent, 0o755)
    os.chmod(machine.socket, 0o666)
    code = ("import socket, sys; s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET); s.settimeout(5); "
            "s.connect(sys.argv[1])\ntry: s.recv(1)\nexcept ConnectionResetError: pass")
    subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "/usr/bin/python3", "-c", code,
                    str(machine.socket)], check=True)
    wait_for_log(machine, "does not run as root")
    assert not daemon.closed and daemon.ask(1, "alice", 3)[0].outcome == GRANTED


def test_connections_are_accepted_as_soon_as_descriptors_are_free(hosts):
    machine = hosts.add()
    earlier = machine.connect()
    pid = machine.process.pid
    limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, limits[1]))
    try:
        daemon = machine.connect(up=False)
        wait_for_log(machine, "sesslimitd cannot connect for a second: failed to accept a connection: Too many open files")
        assert earlier.ask(1, "alice", 1)[0].outcome == GRANTED
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)
    assert daemon.ask(2, "alice", 1)[0].outcome == GRANTED  # it has not listed the session of the earlier connection
    assert machine.log().count("Too many open files") <= 3, "it retries continuously"


def test_a_daemon_that_does_not_read_is_disconnected(hosts):
    machine = hosts.add()
    connection = raw_connection(machine)
    connection.send(HELLO_FRAME)
    connection.send(encode(LIST_END))
    connection.setblocking(True)
    # Each claim of a session that is recorded already has an answer, which is never read.
    frame = claim_frame(1, "alice", 3)
    with pytest.raises((BrokenPipeError, ConnectionResetError)):
        for _ in range(20000):
            connection.send(frame)
    wait_for_log(machine, "does not read")
    assert machine.connect().ask(2, "alice", 3)[0].outcome == GRANTED


CONFIGURATIONS = {
    'version = 1\nfleet = "a b"\n': ':2:9: error: fleet: "a b" is not a valid name',
    "version = 2\n": ":1:11: error: unsupported version 2",
    'endpoint = ["https://a:1"]\n': ':1:1: error: unknown key "endpoint"; did you mean "endpoints"?',
    'endpoints = ["http://a:2379"]\n': "etcd is only used with TLS",
    'host_ttl = "5s"\n': ':1:12: error: host_ttl: expected whole seconds from "10s" to "10min"',
    'ca = "ca.pem"\n': 'is not an absolute path; start it with "/"',
    "fleet = [\n": "error:",
    "": 'missing "fleet"; add fleet = "NAME"',
}


@pytest.mark.parametrize("text", CONFIGURATIONS)
def test_errors_of_the_configuration_name_line_and_remedy(tmp_path, text):
    file = tmp_path / "fleet.toml"
    file.write_text(text)
    run = subprocess.run([default_program(), "--config", file, "--socket", tmp_path / "s"], capture_output=True,
                         text=True)
    assert run.returncode == 1 and CONFIGURATIONS[text] in run.stderr, run.stderr


def test_a_key_that_cannot_be_read_is_named(hosts):
    machine = hosts.add(start=False)
    (machine.tls / f"{machine.host}.key").unlink()
    run = subprocess.run([default_program(), "--config", machine.directory / "fleet.toml", "--socket", "/run/x"],
                         capture_output=True, text=True)
    assert run.returncode == 1 and f"{machine.host}.key: error: cannot open file: No such file" in run.stderr


