# SPDX-License-Identifier: MIT
"""Sessions with a class and a type that an ssh client does not create, opened through PAM by the machine's systemd."""

import itertools
import json

from .host import Host
from .machine import wait_until

STACK = """auth required pam_permit.so
account required pam_permit.so
session requisite pam_sesslimit.so
session required pam_systemd.so class={kind} type={type}
"""

_counter = itertools.count(1)


class PamSession:
    """A process `sleep` of the user in a session of logind's class `kind` and of this type ("wayland", "tty")."""

    def __init__(self, host: Host, user: str, kind: str, type: str) -> None:
        self._host, self._user = host, user
        host.write(f"/etc/pam.d/lab-{kind}", STACK.format(kind=kind, type=type))
        self._unit = f"lab-{kind}-{next(_counter)}.service"
        host.run("systemd-run", "--quiet", "--collect", f"--unit={self._unit}", "--property=TimeoutStopSec=3s",
                 f"--property=PAMName=lab-{kind}", f"--property=User={user}", "sleep", "1000")
        self.id, _ = wait_until("logind's session", self._find, 20)

    def _find(self) -> str:
        pid = self._host.run("systemctl", "show", "-P", "MainPID", self._unit).stdout.strip()
        for line in self._host.run("loginctl", "list-sessions", "--no-legend").stdout.splitlines():
            session = line.split()[0]
            if self._property(session, "Leader") == pid:
                return session
        return ""

    def _property(self, session: str, name: str) -> str:
        return self._host.run("loginctl", "show-session", session, "-P", name, check=False).stdout.strip()

    @property
    def there(self) -> bool:
        return self._property(self.id, "State") in ("online", "active")

    def shows(self, name: str) -> str:
        """Returns a property of logind's session."""
        return self._property(self.id, name)

    def hint(self, idle: bool) -> None:
        """Sets logind's idle hint as the session's user, as a desktop does."""
        path = self._call("/org/freedesktop/login1", "Manager", "GetSession", "s", self.id)["data"][0]
        self._call(path, "Session", "SetIdleHint", "b", str(idle).lower(), user=self._user)

    def _call(self, path: str, interface: str, *call: str, user: str = "root") -> dict:
        become = ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "--"]
        bus = ["busctl", "--system", "--json=short", "call", "org.freedesktop.login1"]
        answer = self._host.run(*become, *bus, path, f"org.freedesktop.login1.{interface}", *call).stdout
        return json.loads(answer) if answer.strip() else {}

    def end(self) -> None:
        self._host.run("systemctl", "stop", self._unit, check=False)
        self._host.run("loginctl", "terminate-session", self.id, check=False)
        wait_until("the session's end", lambda: not self.there, 20)
