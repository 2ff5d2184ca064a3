# SPDX-License-Identifier: MIT
"""A service on a machine's system bus that answers as the daemon of an older version.

Its methods and properties are those of commit 8a1275f, except for those that change something. It has neither the
methods ExplainSession, ListIdle and Defaults nor the properties Now and PolicyProblems. Callers get the same error as
from sd-bus.
"""

import threading
import time

from . import dbus_wire as wire
from .bus import Bus
from .machine import Machine

VERSION = "0.1"
MANAGER = "org.sesslimit1.Manager"
NEVER = 2**64 - 1
HOUR = 3_600_000_000  # microseconds
POLICY = "/etc/sesslimit/policy.toml"


def sessions() -> list[list]:
    """Returns two sessions that began an hour ago. alice's one has no limit."""
    now = time.time_ns() // 1000
    return [_session("7", 1001, "alice", now - HOUR, NEVER), _session("8", 1002, "bob", now - HOUR, 8 * HOUR)]


def _session(name: str, uid: int, user: str, since: int, longest: int) -> list:
    texts = {"Id": name, "User": user, "State": "live", "Service": "sshd", "Origin": "192.0.2.7", "Seat": "",
             "Scope": f"session-{name}.scope", "IdleSign": "terminal", "Mode": "enforce", "Reason": ""}
    times = {"Key": int(name), "Since": since, "IdleSince": since, "MaxDuration": longest, "IdleTimeout": NEVER,
             "DurationEndsAt": NEVER if longest == NEVER else since + longest, "IdleEndsAt": NEVER}
    return [*((key, ("s", value)) for key, value in texts.items()),
            *((key, ("t", value)) for key, value in times.items()),
            ("Uid", ("u", uid)), ("Leader", ("u", 1)), ("Adopted", ("b", False)), ("Terminals", ("as", ["pts/0"]))]


class OlderDaemon:
    """with OlderDaemon(machine): ... The daemon of the machine must be stopped. The method Quit ends the service."""

    def __init__(self, machine: Machine) -> None:
        self._bus = Bus(machine, "root")
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> "OlderDaemon":
        owned = self._bus.call("org.freedesktop.DBus.RequestName", "su", "org.sesslimit1", 4,
                               destination="org.freedesktop.DBus", path="/org/freedesktop/DBus")
        assert not owned.error, owned.text
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._bus.close()
        self._thread.join()

    def _serve(self) -> None:
        try:
            for call in self._bus.calls():
                if call.member == f"{MANAGER}.Quit":
                    self._bus.answer(call)
                    self._bus.close()
                    return
                self._answer(call)
        except OSError:
            pass  # closed

    def _answer(self, call: wire.Message) -> None:
        interface, _, method = call.member.rpartition(".")
        found = [each for each in sessions() if dict(each)["Id"] == ("s", call.text)]
        if method == "GetAll":
            properties = {"Version": ("s", VERSION), "PolicyState": ("s", "files"), "PolicySince": ("t", 0),
                          "Sessions": ("u", len(sessions())), "Recording": ("b", True)}
            self._bus.answer(call, "a{sv}", list(properties.items()))
        elif method == "ListSessions":
            self._bus.answer(call, "aa{sv}", sessions())
        elif method == "GetSession" and found:
            reach = [("Processes", ("u", 2)), ("Commands", ("as", ["bash"])), ("OtherUnits", ("as", [])),
                     ("Lingers", ("b", False))]
            self._bus.answer(call, "a{sv}", found[0] + reach)
        elif method == "GetSession":
            self._bus.refuse(call, "org.sesslimit1.Error.NoSuchSession", f"There is no session {call.text}.")
        elif method == "Explain":
            setting = ("max_duration", "8h", "host", "", POLICY, 3)
            self._bus.answer(call, "bsa(sssssu)a(ssssub)s", True, "", [setting], [], "admitted")
        else:
            text = f"Unknown method {method} or interface {interface}."
            self._bus.refuse(call, "org.freedesktop.DBus.Error.UnknownMethod", text)
