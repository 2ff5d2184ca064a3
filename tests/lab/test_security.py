# SPDX-License-Identifier: MIT
"""The daemon's sandbox. Every other test of the lab shows that the daemon works in it."""

import json
import re
import time

from lab import client

# systemd-analyze security: 0 is a service without any privileges, 10 one without any restriction.
MOST_EXPOSURE = 1.5
FILTER = "2"  # Seccomp: of proc_pid_status(5), SECCOMP_MODE_FILTER


def threads(host):
    """Returns proc_pid_status(5) of each of the daemon's threads, as a dictionary."""
    pid = host.daemon_pid()
    texts = host.sh(f"for each in /proc/{pid}/task/*; do cat $each/status; echo; done").strip().split("\n\n")
    return [dict(re.findall(r"^(\w+):\s*(.*)$", text, re.MULTILINE)) for text in texts]


def test_exposure_does_not_exceed_maximum(host, saw):
    listed = host.run("systemd-analyze", "security", "--json=short", "--no-pager", "sesslimitd.service").stdout
    overall = host.run("systemd-analyze", "security", "--no-pager", "sesslimitd.service").stdout
    exposure = float(re.search(r"Overall exposure level.*: ([0-9.]+)", overall).group(1))
    exposed = {each["name"]: float(each["exposure"]) for each in json.loads(listed) if each["exposure"]}
    worst = sorted(exposed, key=exposed.get, reverse=True)[:3]
    assert 0 < exposure <= MOST_EXPOSURE, exposed
    saw(f"exposure {exposure}, largest parts: {', '.join(worst)}")


def test_every_thread_has_seccomp_filter(host, saw):
    found = threads(host)
    assert len(found) >= 2  # the event loop, and the worker that reads files and the user database
    assert {each["Seccomp"] for each in found} == {FILTER}
    assert all(int(each["Seccomp_filters"]) > 0 for each in found)
    assert {each["NoNewPrivs"] for each in found} == {"1"}
    saw(f"{len(found)} threads, seccomp filters of each: {sorted({each['Seccomp_filters'] for each in found})}")


def test_daemon_has_only_two_capabilities(host, saw):
    """The daemon has only CAP_DAC_OVERRIDE (bit 1) and CAP_KILL (bit 5), see capability.h."""
    for each in threads(host):
        assert {int(each[kind], 16) for kind in ("CapPrm", "CapEff", "CapBnd")} == {1 << 1 | 1 << 5}
        assert int(each["CapAmb"], 16) == 0
    saw("root with CAP_DAC_OVERRIDE and CAP_KILL only")


def test_user_cannot_access_socket_or_state_files(host, saw):
    for path in ("/run/sesslimit.sock", "/run/sesslimit/ledger", "/run/sesslimit/policy.json"):
        mode = host.run("stat", "-c", "%a %U", path).stdout.split()
        assert int(mode[0], 8) & 0o077 == 0 and mode[1] == "root", (path, mode)
    for path in ("/run/sesslimit/ledger", "/run/sesslimit/policy.json"):
        assert host.run("runuser", "-u", "alice", "--", "cat", path, check=False).returncode != 0
    saw("socket, ledger and cached policy are accessible to root only")


def test_hidden_processes_are_not_treated_as_exited(host, saw):
    """A host may hide processes from other users (hidepid=, proc(5)). A hidden leader is not treated as exited."""
    try:
        host.run("mount", "-o", "remount,hidepid=2,gid=adm", "/proc")
        host.run("systemctl", "restart", "sesslimitd.service")
        host.limit("alice", "max_sessions = 1")
        since = time.monotonic()
        first = client.shell(host, "alice")
        assert first.verdict()
        second = client.shell(host, "alice")
        assert not second.verdict()
        host.run("systemctl", "restart", "sesslimitd.service")
        third = client.shell(host, "alice")
        assert not third.verdict() and first.running
        assert not host.events("ended", "alice", since)
    finally:
        host.run("mount", "-o", "remount,hidepid=0,gid=0", "/proc")
    saw("/proc with hidepid=2: logins are counted and denied, also after a restart, and no session is terminated")
