# SPDX-License-Identifier: MIT
"""sesslimitctl, run in a machine as one user or another, and its JSON held against the schemas."""

import json
import subprocess
from pathlib import Path
from typing import Any

import jsonschema

from . import client
from .machine import Machine, wait_until

SCHEMAS = Path(__file__).resolve().parents[3] / "docs" / "schema"


def run(machine: Machine, *arguments: str, user: str = "root", timeout: float = 60) -> subprocess.CompletedProcess:
    """Runs it outside of any session, without a terminal, whatever comes of it."""
    become = [] if user == "root" else ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "--"]
    return machine.run(*become, "sesslimitctl", *arguments, check=False, timeout=timeout)


def text(machine: Machine, *arguments: str, user: str = "root") -> str:
    """What it prints; it must not complain."""
    done = run(machine, *arguments, user=user)
    assert (done.returncode, done.stderr) == (0, ""), (arguments, done)
    return done.stdout


def data(machine: Machine, schema: str, *arguments: str, user: str = "root") -> Any:
    """Its JSON, both forms of which are the same and as docs/schema/SCHEMA.json has it."""
    short, pretty = (text(machine, *arguments, f"--json={form}", user=user) for form in ("short", "pretty"))
    assert short.count("\n") == 1 < pretty.count("\n") or json.loads(short) == []
    check(json.loads(pretty), schema)
    return check(json.loads(short), schema)


def check(value: Any, schema: str) -> Any:
    """The value, if the schema allows it."""
    with open(SCHEMAS / f"{schema}.json", encoding="utf-8") as file:
        rules = json.load(file)
    jsonschema.Draft202012Validator.check_schema(rules)
    jsonschema.Draft202012Validator(rules).validate(value)
    return value


def watch(machine: Machine, *arguments: str) -> client.Client:
    """sesslimitctl watch, which has said something already: that the policy was read anew."""
    watching = client.program(machine, ["sesslimitctl", "watch", *arguments])
    wait_until("watch to say something", lambda: run(machine, "reload").returncode == 0 and watching.output, 10)
    return watching


def watched(watching: client.Client) -> list[dict]:
    """What watch --json=short has said. A sanitizer says first that it does not find its program, in a /proc that is
    not the machine's."""
    return [json.loads(line) for line in watching.output.splitlines() if not line.startswith("==")]
