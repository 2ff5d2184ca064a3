# SPDX-License-Identifier: MIT
"""The packages: an installation works, an upgrade loses no login, and a removal restores the PAM stack."""

import re
import threading

from lab import client

STACKS = ("/etc/pam.d/common-session", "/etc/pam.d/common-session-noninteractive")


def modules(host, stack):
    return re.findall(r"^session\s+(?:\[.*\]|\S+)\s+(pam_\w+)\.so", host.read(stack), re.MULTILINE)


def test_installation_adds_module_and_starts_units(host, saw):
    order = modules(host, STACKS[0])
    place = order.index("pam_sesslimit")
    assert order.index("pam_unix") < place < order.index("pam_systemd")
    # A denial ends the stack. If the module is missing, the stack ignores its line.
    (control,) = re.findall(r"^session\s+\[(.*)\]\s+pam_sesslimit\.so", host.read(STACKS[0]), re.MULTILINE)
    assert {"success=ok", "module_unknown=ignore", "default=die"} <= set(control.split())
    assert "pam_sesslimit" not in modules(host, STACKS[1])
    for unit in ("sesslimitd.service", "sesslimitd.socket"):
        assert host.run("systemctl", "is-active", unit).stdout == "active\n"
        assert host.run("systemctl", "is-enabled", unit).stdout == "enabled\n"
    security = host.run("systemd-analyze", "security", "--no-pager", "sesslimitd.service").stdout
    exposure = re.search(r"Overall exposure level.*: ([0-9.]+)", security).group(1)
    shown = host.run("stat", "-c", "%n %a %U", "/run/sesslimit.sock", "/run/sesslimit").stdout.split("\n")
    assert shown[:2] == ["/run/sesslimit.sock 600 root", "/run/sesslimit 700 root"]
    assert float(exposure) < 2
    saw(f"{' → '.join(order)}; exposure {exposure}")


def test_upgraded_package_loses_no_login(host, debs, saw):
    """Installs the same version again while logins go on, which runs the same maintainer scripts as a newer version."""
    host.limit("alice", "max_sessions = 1")
    shell = client.shell(host, "alice")
    assert shell.verdict()
    before = host.daemon_pid()
    results, done = [], threading.Event()

    def keep_logging_in():
        while not done.is_set():
            login = client.command(host, "alice", "true")
            results.append((login.wait(20), login.output))
            login.close()

    logins = threading.Thread(target=keep_logging_in)
    logins.start()
    try:
        host.install(debs)
    finally:
        done.set()
        logins.join()
    assert host.daemon_pid() not in ("0", before)
    assert results and all(status != 0 and "reached" in output for status, output in results), results
    assert shell.log_out() == 0
    saw(f"upgrade with one session open and {len(results)} logins meanwhile: all denied by the limit of 1, new daemon")


def test_purge_restores_pam_stack(stock, debs, saw):
    before = [stock.read(stack) for stack in STACKS]
    stock.install_sesslimit(debs)
    stock.run("apt-get", "-q", "-y", "purge", "sesslimit", "libpam-sesslimit", timeout=120)
    assert [stock.read(stack) for stack in STACKS] == before
    assert client.command(stock, "alice", "true").wait(20) == 0
    assert stock.sh("ls -d /etc/sesslimit /run/sesslimit* 2>/dev/null || true") == ""
    units = stock.run("systemctl", "list-units", "--all", "sesslimit*").stdout
    assert "0 loaded units" in units and stock.run("systemctl", "is-system-running").stdout == "running\n"
    saw("purged: PAM stack restored, no unit, no file in /etc or /run, logins work")
