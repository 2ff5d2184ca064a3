# SPDX-License-Identifier: MIT
"""Demonstrates the view of an administrator and of a user: one machine, three logins, about a minute.

usage: demo.py SUITE DIRECTORY-OF-PACKAGES
"""

import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True

from lab import base, client  # noqa: E402
from lab.host import POLICY, Host  # noqa: E402
from lab.text import plain  # noqa: E402

LIMITS = """version = 1

[[rule]]
name         = "demo"
match.user   = ["alice"]
max_sessions = 2
max_duration = "30s"
idle_timeout = "15s"
warn_before  = ["10s"]
"""

began = time.monotonic()


def say(text=""):
    print(text, flush=True)


def step(text):
    say(f"\n[{time.monotonic() - began:3.0f} s] {text}")


def quote(text):
    for line in text.splitlines():
        say(f"    | {line}")


class Screen:
    """Prints the output of a terminal line by line, from the position at its construction."""

    def __init__(self, name, terminal):
        self.name = name
        self.terminal = terminal
        self.shown = len(terminal.output)

    def show(self):
        ended = not self.terminal.running
        text = self.terminal.output[self.shown :]
        whole = len(text) if ended else text.rfind("\n") + 1
        self.shown += whole
        for line in plain(text[:whole]).splitlines():
            if line.strip() and line.strip() != client.PROMPT.strip():
                say(f"[{time.monotonic() - began:3.0f} s]   {self.name} | {line.strip()}")
        return ended


def watch(*screens, busy):
    """Shows the terminals until their programs exit. Types a key every five seconds in the busy one."""
    typed = time.monotonic()
    left = list(screens)
    while left:
        left = [screen for screen in left if not screen.show()]
        if busy.running and time.monotonic() - typed > 5:
            busy.send("\n")
            typed = time.monotonic()
        time.sleep(0.1)


def demo(suite, packages):
    global began
    say(f"Booting Debian {base.SUITES[suite]['version']} (building a new base takes half a minute, once).")
    with Host(suite) as host:
        host.install_sesslimit(packages)
        began = time.monotonic()
        step("$ apt install ./" + " ./".join(package.name for package in packages))
        quote("\n".join(line for line in host.read("/etc/pam.d/common-session").splitlines() if "sesslimit" in line))

        step(f"An administrator writes {POLICY} and runs systemctl reload sesslimitd.")
        host.policy(LIMITS)
        quote(LIMITS)

        step("alice logs in with ssh, twice.")
        idle, busy = client.shell(host, "alice"), client.shell(host, "alice")
        assert idle.verdict() and busy.verdict()
        idle.send("tty\n")
        busy.send("tty\n")
        quote(host.run("loginctl", "list-sessions", "--no-pager").stdout)

        step("alice's third login:  $ ssh alice@host")
        third = client.shell(host, "alice")
        assert not third.verdict()
        quote(plain(third.output[third.output.find("Login denied") :]))
        say(f"    exit status {third.wait(20)}")

        step("The first terminal gets no more input. In the second one alice types on.")
        watch(Screen("first ", idle), Screen("second", busy), busy=busy)

        step("Both sessions have been terminated, for different reasons. The journal:")
        host.wait_clean("alice")
        quote(host.journal("-u", "sesslimitd", "-o", "cat", "SESSLIMIT_USER=alice"))

        step("The slots are free again:  $ ssh alice@host echo welcome back")
        again = client.command(host, "alice", "echo welcome back")
        again.wait(20)
        quote(again.output)
    step("The machine has been stopped, and nothing is left of it.")


if __name__ == "__main__":
    demo(sys.argv[1], sorted(Path(sys.argv[2]).glob("*.deb")))
