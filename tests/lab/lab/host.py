# SPDX-License-Identifier: MIT
"""A machine with sesslimit installed, and the queries that tests make of it."""

import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from .machine import Gone, Machine, wait_until

POLICY = "/etc/sesslimit/policy.toml"
PAM_STACK = "/etc/pam.d/common-session"
ASAN_DROP_IN = "/run/systemd/system/sesslimitd.service.d/lab-asan.conf"
NO_LIMITS = "version = 1\n"


@dataclass(frozen=True)
class Event:
    """One journal entry of the daemon about an event. at: monotonic seconds, as time.monotonic()."""

    event: str
    user: str
    key: str  # the daemon's key of the session, from the admission to the end
    reason: str
    message: str
    pid: str  # of the daemon that logged it
    at: float


@dataclass(frozen=True)
class Session:
    """A session as logind reports it."""

    id: str
    user: str
    state: str
    scope: str
    service: str
    kind: str  # logind's class: user, background, manager
    leader: int  # PID in the machine's PID namespace


class Host(Machine):
    programs: Path | None = None
    """Build directory of the preset asan: its programs replace those of the packages; the module is not replaced."""

    def install_sesslimit(self, packages: list[Path]) -> None:
        self.install(packages)
        self._pam_stack = self.read(PAM_STACK)
        if self.programs:
            self._sanitize(self.programs)

    def _sanitize(self, build: Path) -> None:
        for built, installed in (("daemon/sesslimitd", "/usr/sbin"), ("ctl/sesslimitctl", "/usr/bin")):
            self.run("rm", f"{installed}/{Path(built).name}")  # the program may be running
            shutil.copy2(build / built, self.path(installed))
        # Leak detection would have to trace the process itself, which the unit forbids.
        self.write(ASAN_DROP_IN, "[Service]\nEnvironment=ASAN_OPTIONS=detect_leaks=0\n")
        self.sh("systemctl daemon-reload && systemctl restart sesslimitd.service")

    def assert_unsanitized(self) -> None:
        """Checks that no sanitizer has reported anything about the daemon."""
        if self.programs:
            said = self.journal("-u", "sesslimitd.service", "-o", "cat")
            assert not re.search("Sanitizer|runtime error:", said), said

    # --- policy and daemon

    def policy(self, text: str) -> None:
        """Writes a policy and reloads. Returns when the daemon has logged that the policy is loaded."""
        since = self.write_policy(text)
        wait_until("policy-loaded", lambda: self.events("policy-loaded", since=since), 30)

    def write_policy(self, text: str) -> float:
        """Writes a policy and reloads, without checking the result. Returns the time, for events(since=)."""
        self.write(POLICY, text)
        since = self.now()
        self.run("systemctl", "reload", "sesslimitd")
        return since

    def limit(self, user: str, settings: str) -> None:
        """Writes and loads a policy with one rule for one user."""
        self.policy(f'version = 1\n[[rule]]\nname = "test"\nmatch.user = ["{user}"]\n{settings}\n')

    def module_arguments(self, arguments: str) -> None:
        """Sets the arguments of pam_sesslimit.so in the PAM stack. An empty string restores the installed line."""
        changed = re.sub(r"(pam_sesslimit\.so)[ \t]*$", rf"\1 {arguments}", self._pam_stack, flags=re.MULTILINE)
        assert changed != self._pam_stack or not arguments, "pam_sesslimit.so is not in the stack"
        self.write(PAM_STACK, changed)

    def start_daemon(self) -> None:
        self.run("systemctl", "start", "sesslimitd.socket", "sesslimitd.service")

    def daemon_pid(self) -> str:
        return self.run("systemctl", "show", "-P", "MainPID", "sesslimitd.service").stdout.strip()

    def daemon_pids_here(self) -> list[int]:
        """Returns the daemon's PIDs in this host's PID namespace, or an empty list if it is not running."""
        procs = self.group / "boot" / "payload" / "system.slice" / "sesslimitd.service" / "cgroup.procs"
        try:
            return [int(pid) for pid in procs.read_text(encoding="ascii").split()]
        except OSError:
            return []

    # --- the journal

    def entries(self, event: str = "", user: str = "", since: float = 0) -> list[dict]:
        """Returns the journal entries of the daemon's events, oldest first."""
        # The entries are selected by the daemon's own field, because the unit's other output may be large.
        matches = [f"SESSLIMIT_EVENT={event}"] if event else ["_COMM=sesslimitd"]
        matches += [f"SESSLIMIT_USER={user}"] if user else []
        found = map(json.loads, self.journal("--output=json", "--all", *matches).splitlines())
        return [each for each in found if "SESSLIMIT_EVENT" in each and seconds_of(each) >= since]

    def events(self, event: str = "", user: str = "", since: float = 0) -> list[Event]:
        """Returns the daemon's events, oldest first."""
        return [_event(each) for each in self.entries(event, user, since)]

    def end_reasons(self, user: str, since: float, count: int = 1) -> list[str]:
        """Waits until the journal has the ends of `count` sessions. Returns their reasons.

        The client of a session may exit before logind has removed the session.
        """
        found = wait_until(
            f"{count} ends", lambda: (ends := self.events("ended", user, since)) and len(ends) >= count and ends, 30)[0]
        return [each.reason for each in found]

    def lived(self, user: str, since: float = 0) -> list[float]:
        """Returns the seconds from admission to end, by the journal, for each session that was admitted and ended."""
        admitted = {each.key: each.at for each in self.events("admitted", user, since)}
        return [each.at - admitted[each.key] for each in self.events("ended", user, since)]

    def journal_text(self, since: float = 0, *arguments: str) -> str:
        """Returns the messages of the journal as lines "identifier: message", from a monotonic time on."""
        lines = []
        for entry in map(json.loads, self.journal("--output=json", "--all", *arguments).splitlines()):
            if seconds_of(entry) >= since:
                lines.append(f"{entry.get('SYSLOG_IDENTIFIER', '?')}: {entry.get('MESSAGE')}")
        return "\n".join(lines)

    # --- sessions

    def sessions(self, user: str = "") -> list[Session]:
        """Returns logind's sessions of users, without the sessions of user managers."""
        ids = [line.split()[0] for line in self.run("loginctl", "list-sessions", "--no-legend").stdout.splitlines()]
        found = [each for each in map(self._session, ids) if each]
        return [each for each in found if each.kind == "user" and user in ("", each.user)]

    def _session(self, session_id: str) -> Session | None:
        shown = self.run("loginctl", "show-session", session_id, check=False)
        if shown.returncode != 0:
            return None  # the session has ended
        value = dict(line.split("=", 1) for line in shown.stdout.splitlines() if "=" in line)
        # The session of a user manager has no scope on Debian 13.
        words = [value.get(key, "") for key in ("Name", "State", "Scope", "Service", "Class")]
        return Session(session_id, *words, leader=int(value["Leader"]))

    def login_processes(self, user: str) -> list[str]:
        """Returns the sshd processes that serve the user's connections, including those without a session."""
        lines = self.run("ps", "-ww", "-eo", "pid,args").stdout.splitlines()
        return [line.strip() for line in lines if re.search(rf"\bsshd(-session)?: {user}\b", line)]

    def leftovers(self, user: str) -> list[str]:
        """Returns all that remains of the user's logins: sessions of logind and sshd processes."""
        return [f"logind session {each.id} {each.state}" for each in self.sessions(user)] + self.login_processes(user)

    def wait_clean(self, user: str, timeout: float = 30) -> float:
        """Waits until nothing is left of the user's logins. Returns the seconds that it took."""
        try:
            return wait_until(f"nothing left of {user}'s logins", lambda: not self.leftovers(user), timeout)[1]
        except Gone as error:
            raise Gone(f"{error}: {self.leftovers(user)}") from None

    def reset(self) -> None:
        """Restores the state after the installation: no clients, sessions or limits, and a running daemon."""
        self.end_clients()
        self.module_arguments("")
        self.start_daemon()
        self.policy(NO_LIMITS)
        for user in ("alice", "bob", "carol"):
            # logind 252 does not terminate a session that is closing already. It only waits for its processes.
            self.run("loginctl", "kill-user", "--signal=KILL", user, check=False)
            self.wait_clean(user)
        for session in self.sessions():  # of other users, whose processes have survived the logout
            if session.state == "closing":
                self.run("loginctl", "kill-session", "--signal=KILL", session.id, check=False)
        # A console on which logind rejected the session has no scope. Its processes are in the console's unit.
        self.run("systemctl", "kill", "--signal=KILL", "lab-console-*.service", check=False)
        # A killed user manager is a failed unit. The restart resets the daemon's count of earlier denials. Preserved
        # programs and reasons for the next login would otherwise stay for the next test.
        self.sh("systemctl stop 'user@*.service' 'sesslimit-kept-*.scope'; systemctl reset-failed; "
                "rm -f /run/sesslimit/missed-reasons; systemctl restart sesslimitd.service")


def seconds_of(entry: dict) -> float:
    """Returns the monotonic time in seconds at which a journal entry was sent. journald may receive it later."""
    received = int(entry["__REALTIME_TIMESTAMP"])
    delay = received - int(entry.get("_SOURCE_REALTIME_TIMESTAMP", received))
    return (int(entry["__MONOTONIC_TIMESTAMP"]) - delay) / 1e6


def _event(entry: dict) -> Event:
    return Event(
        event=entry["SESSLIMIT_EVENT"],
        user=entry.get("SESSLIMIT_USER", ""),
        key=entry.get("SESSLIMIT_KEY", ""),
        reason=entry.get("SESSLIMIT_REASON", ""),
        message=entry.get("MESSAGE", ""),
        pid=entry["_PID"],
        at=seconds_of(entry),
    )
