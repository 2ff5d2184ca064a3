# SPDX-License-Identifier: MIT
"""An installation with a missing or damaged part still admits the logins of root and of other users.

A truncated module is not tested, because a process that maps more of a file than exists gets SIGBUS, for any PAM
module. dpkg and rpm move a file into place only when it is complete.

Not collected by default: tests/run packages.
"""

import pytest

from lab import console
from lab.going_in import PEOPLE, get_in

MODULE = "/usr/lib/*/security/pam_sesslimit.so"
DAEMON = "/usr/sbin/sesslimitd"
POLICY = "/etc/sesslimit/policy.toml"
LONGEST = 2 + 13  # seconds: the module's budget plus a login on a busy machine

# Restarts the daemon without its policy cache.
NEW_DAEMON = "systemctl kill -s KILL sesslimitd.service; rm -rf /run/sesslimit; systemctl restart sesslimitd.service"

GARBAGE = "head -c 20000 /dev/urandom"
# $1: a mount point of a tmpfs, which is then completely full.
FILL = """
fill() {
    mount -o "remount,size=$(($(df --output=used -k "$1" | tail -n 1) + 8))k" "$1"
    cat /dev/zero >"$1/fill" || true
    if echo >"$1/more"; then exit 1; fi
}
"""
VAR_OF_ITS_OWN = """
mkdir /var-full
mount -t tmpfs none /var-full
cp -a /var/. /var-full
mount --bind /var-full /var
"""

FAULTY = "journalctl --quiet --grep='PAM adding faulty module: .*pam_sesslimit'"
NO_SPACE = "journalctl --quiet --grep='No space left on device'"
UNCOUNTED = "journalctl --quiet --grep='admitted uncounted'"

# The command that breaks the installation, and a command that verifies, after the logins, that it was broken.
BROKEN = {
    "module missing": (f"rm {MODULE}", FAULTY),
    "module of garbage": (f"{GARBAGE} | tee {MODULE}", FAULTY),
    "module empty": (f"truncate -s 0 {MODULE}", FAULTY),
    # e_machine, elf(5): 183 is EM_AARCH64.
    "module of another machine": (f"printf '\\267\\0' | dd of=$(ls {MODULE}) bs=1 seek=18 conv=notrunc", FAULTY),
    "module of mode 0": (f"chmod 0 {MODULE}", f"test $(stat -c %a {MODULE}) = 0"),
    "daemon missing": (f"rm {DAEMON}; {NEW_DAEMON} || true", UNCOUNTED),
    "daemon of garbage": (f"rm {DAEMON}; {GARBAGE} >{DAEMON}; chmod 755 {DAEMON}; {NEW_DAEMON} || true", UNCOUNTED),
    "daemon stopped by SIGSTOP": ("systemctl kill -s STOP sesslimitd.service", UNCOUNTED),
    "socket missing": ("rm /run/sesslimit.sock", UNCOUNTED),
    "policy of garbage": (f"{GARBAGE} >{POLICY}; {NEW_DAEMON}", "! sesslimitctl check"),
    "policy a directory": (f"rm {POLICY}; mkdir {POLICY}; {NEW_DAEMON}", "! sesslimitctl check"),
    "policy of mode 0": (f"chmod 0 {POLICY}; {NEW_DAEMON}", f"test $(stat -c %a {POLICY}) = 0"),
    "/etc/sesslimit missing": (f"rm -r /etc/sesslimit; {NEW_DAEMON}", "test ! -e /etc/sesslimit"),
    "/run full": (f"{FILL} fill /run", NO_SPACE),
    "/run full, new daemon": (f"{FILL} fill /run; {NEW_DAEMON} || true; fill /run", NO_SPACE),
    "/var full": (f"{FILL} {VAR_OF_ITS_OWN} fill /var; {NEW_DAEMON}", "! echo >/var/more"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_installation_admits_logins(stock, debs, saw, name):
    stock.install_sesslimit(debs)
    done, proof = BROKEN[name]
    # The lab opens these consoles before /run is full. For a getty's console, systemd has to write a unit into /run.
    waiting = [console.console(stock) for _ in PEOPLE] if "/run" in name else []
    for terminal in waiting:
        terminal.expect("login: ", 20)
    stock.sh(done)
    took = get_in(stock, waiting)
    stock.sh(f"if ! {{ {proof}; }}; then exit 1; fi")
    assert max(took.values()) < LONGEST, took
    saw(f"{name:25} admitted: " + ", ".join(f"{who} {seconds:.1f} s" for who, seconds in took.items()))
