# SPDX-License-Identifier: MIT
"""Sessions of which processes still run after the logout."""

import json

from . import ctl
from .host import Host


def open_sessions(host: Host, user: str = "") -> list[dict]:
    """Returns the sessions of the user, or of all users, that are not left behind, as in the output of sesslimitctl."""
    found = json.loads(ctl.text(host, "list", *(["--user", user] if user else []), "--json=short"))
    return [each for each in found if each["state"] != "left-behind"]


def left_behind(host: Host) -> list[dict]:
    """Returns alice's sessions that are left behind, as in the output of sesslimitctl."""
    found = json.loads(ctl.text(host, "list", "--user", "alice", "--json=short"))
    return [each for each in found if each["state"] == "left-behind"]


def fingerprint(host: Host) -> str:
    """Returns the fingerprint of the key with which the clients log in."""
    return host.run("ssh-keygen", "-lf", "/root/.ssh/id_ed25519.pub").stdout.split()[1]
