# SPDX-License-Identifier: MIT
"""Runs sesslimitctl in a machine as a given user, and validates its JSON output with the schemas."""

import json
import subprocess
from pathlib import Path
from typing import Any

import jsonschema

from . import client
from .machine import Machine, wait_until

SCHEMAS = Path(__file__).resolve().parents[3] / "docs" / "schema"


def run(machine: Machine, *arguments: str, user: str = "root", timeout: float = 60) -> subprocess.CompletedProcess:
    """Runs sesslimitctl outside of any session, without a terminal. Does not check the exit status."""
    become = [] if user == "root" else ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "--"]
    return machine.run(*become, "sesslimitctl", *arguments, check=False, timeout=timeout)


def text(machine: Machine, *arguments: str, user: str = "root") -> str:
    """Returns the output of sesslimitctl, which must exit with 0 and print nothing to standard error."""
    done = run(machine, *arguments, user=user)
    assert (done.returncode, done.stderr) == (0, ""), (arguments, done)
    return done.stdout


def data(machine: Machine, schema: str, *arguments: str, user: str = "root") -> Any:
    """Returns the parsed JSON output. Both forms are validated with docs/schema/SCHEMA.json."""
    short, pretty = (text(machine, *arguments, f"--json={form}", user=user) for form in ("short", "pretty"))
    assert short.count("\n") == 1 and (pretty.count("\n") > 1 or json.loads(pretty) == [])
    check(json.loads(pretty), schema)
    return check(json.loads(short), schema)


def sessions(machine: Machine, count: int, user: str = "") -> list[dict]:
    """Waits for `count` sessions, of the user or in total, all with an ID of logind. Returns them."""

    def known():
        found = data(machine, "sessions", "list", *(["--user", user] if user else []))
        return found if len(found) == count and not any(each["id"].startswith("k") for each in found) else None

    return wait_until(f"{count} sessions", known, 20)[0]


def check(value: Any, schema: str) -> Any:
    """Returns the value. Raises ValidationError if the schema does not allow it."""
    with open(SCHEMAS / f"{schema}.json", encoding="utf-8") as file:
        rules = json.load(file)
    jsonschema.Draft202012Validator.check_schema(rules)
    jsonschema.Draft202012Validator(rules).validate(value)
    return value


def watch(machine: Machine, *arguments: str) -> client.Client:
    """Starts sesslimitctl watch. Waits until it has printed the event of a policy reload."""
    watching = client.program(machine, ["sesslimitctl", "watch", *arguments])
    wait_until("output of watch", lambda: run(machine, "reload").returncode == 0 and watching.output, 20)
    return watching


def watched(watching: client.Client) -> list[dict]:
    """Returns the events that watch --json=short has printed.

    Skips the lines of a sanitizer, which reports that it does not find its program, because /proc is not the machine's.
    """
    return [json.loads(line) for line in watching.output.splitlines() if not line.startswith("==")]
