# SPDX-License-Identifier: MIT
"""Field case A04: a pty of another devpts instance has only its number in common with the host's pty.

Not collected by default: tests/run cases.
"""

import json
import re
import time
from dataclasses import dataclass

import pytest

from lab import client, console, ctl
from lab.client import Client
from lab.machine import wait_until
from lab.text import KEPT, WARNING

IDLE, WARN = 16, 8
STEP = 8  # seconds: the kernel updates a terminal's timestamps in such steps
LATE = 15  # seconds that a busy machine may be late
ANSWERED = 3  # seconds after which a key has canceled a warning that came with the policy

# The rule leaves alice's console without limits, so that only sshd's sessions are warned.
POLICY = f"""version = 1
[[rule]]
name = "idle"
match.user = ["alice"]
match.service = ["sshd"]
idle_timeout = "{IDLE}s"
warn_before = ["{WARN}s"]
"""

NOTICE = "Message from sesslimit"

# Opens ptys number 0 to N of the devpts instance and becomes a process whose controlling terminal is number N.
HELPER = "/usr/local/lib/lab-foreign-pty"
HELPER_TEXT = """use strict; use warnings; use Fcntl; use POSIX ();
my ($devpts, $last) = @ARGV;
my $unlocked = pack("i", 0);
my @masters = map {
    sysopen(my $master, "$devpts/ptmx", O_RDWR | O_NOCTTY) or die "ptmx: $!";
    ioctl($master, 0x40045431, $unlocked) or die "TIOCSPTLCK: $!"; # asm-generic/ioctls.h
    $master;
} 0 .. $last;
POSIX::setsid() != -1 or die "setsid: $!";
sysopen(my $slave, "$devpts/$last", O_RDWR) or die "$last: $!";
open(my $stat, "<", "/proc/self/stat") or die "stat: $!";
printf "controlling terminal %d\\n", (split " ", (split /\\)/, <$stat>)[1])[4] - (136 << 8);
STDOUT->flush();
sleep 1000;
"""
MOUNT = "mount -t devpts -o newinstance,ptmxmode=0666 none /mnt"
NAMESPACE = f"unshare --user --map-root-user --mount sh -c '{MOUNT} && exec perl {HELPER} /mnt {{number}} & exec cat'\n"
SANDBOX = (
    "bwrap --dev-bind / / --dev /dev "
    "script -qc 'echo controlling terminal $(tty | tr -dc 0-9); exec sleep 1000' /dev/null\n"
)


@dataclass
class Victim:
    whose: str
    login: Client
    number: int  # of its terminal below /dev/pts


@dataclass
class Attack:
    victim: Victim
    login: Client  # alice's, by ssh
    terminal: str  # its own one
    session: str
    last_key: float = 0.0
    read: int = 0  # what the login has printed before the warning that the case is about

    def shown(self, host):
        """Returns the terminals of the session as sesslimitctl shows them."""
        return json.loads(ctl.text(host, "show", self.session, "--json=short"))[0]["terminals"]

    def kept(self):
        return bool(self.login.find(KEPT, self.read))


def terminal_of(login):
    """Asks the shell for its terminal; returns the name below /dev."""
    at = login.prompt().end
    login.send("tty\n")
    return login.expect(r"pts/\d+", 10, at).text


def victim(whose, login):
    return Victim(whose, login, int(terminal_of(login).partition("/")[2]))


def attack(host, at, command):
    """alice logs in by ssh and takes the number of the victim's terminal in another devpts instance."""
    known = {each.id for each in host.sessions("alice")}
    login = client.shell(host, "alice")
    terminal = terminal_of(login)
    (session,) = [each.id for each in host.sessions("alice") if each.id not in known]
    login.send(command)
    login.expect(rf"controlling terminal {at.number}\s", 20)
    return Attack(at, login, terminal, session)


@pytest.mark.usefixtures("fresh")
def case_A04_pty_of_foreign_devpts_is_not_host_terminal(host, saw):
    host.write(HELPER, HELPER_TEXT)
    since = time.monotonic()
    carol = victim("carol's", client.shell(host, "carol"))
    assert carol.number == 0, "bwrap's new devpts begins with number 0, which carol's terminal must have"
    victims = [
        victim("bob's", client.shell(host, "bob")),
        victim("root's", client.shell(host, "root")),
        victim("alice's other", console.console(host, "-f", "alice")),
    ]
    attacks = [attack(host, carol, SANDBOX)]
    attacks += [attack(host, each, NAMESPACE.format(number=each.number)) for each in victims]

    wrong = [
        f"{each.session} is shown with {each.victim.whose} terminal ({found})"
        for each in attacks
        if (found := each.shown(host)) != [each.terminal]
    ]
    # A busy machine may need longer than IDLE for all of the logins, so that the limit comes after them.
    host.policy(POLICY)
    for each in attacks:
        each.last_key = each.login.send("\n")
    time.sleep(ANSWERED)
    for each in attacks:
        each.read = len(each.login.output.encode())
    for each in attacks:
        each.login.expect(WARNING, IDLE + LATE, each.read)
        each.victim.login.send("\n")
    for each in attacks:
        wait_until("the termination", lambda: each.kept() or not each.login.running, IDLE + STEP + LATE)
    wrong += [
        f"a notice of {each.session} is on {each.victim.whose} terminal"
        for each in attacks
        if NOTICE in each.victim.login.output
    ]
    wrong += [f"a key on {each.victim.whose} terminal keeps {each.session}" for each in attacks if each.kept()]
    foreign = "|".join(rf"pts/{each.number}\b" for each in victims if each.whose in ("bob's", "root's"))
    wrong += [each.message for each in host.events(user="alice", since=since) if re.search(foreign, each.message)]
    assert not wrong, f"alice's sessions have terminals of other sessions: {'; '.join(wrong)}"
    lived = [each.login.ended_at - each.last_key for each in attacks]
    assert IDLE <= min(lived) and max(lived) <= IDLE + STEP + LATE, lived
    whose = ", ".join(each.victim.whose for each in attacks)
    saw(f"another devpts instance with the numbers of {whose} terminals: no notice there, a key there keeps nothing; "
        f"idle_timeout {IDLE}s: terminated {min(lived):.1f} to {max(lived):.1f} s after the last key")
