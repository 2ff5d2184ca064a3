# SPDX-License-Identifier: MIT
"""What a build of the packages has made: what is in them, and that another build makes the same.

Not among the tests that run by themselves: tests/run packages.
"""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LONGEST = 3600  # seconds, of a build on a machine that does something else as well


def passes(saw, name, argument):
    done = subprocess.run(
        [ROOT / "tests" / "packages" / name, argument], capture_output=True, text=True, timeout=LONGEST, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    saw(f"{name}: {done.stdout.strip()}")


def test_looked_into(debs, saw):
    passes(saw, "check-deb", debs[0].parent)


def test_built_twice(suite, debs, saw):
    if debs[0].parent != ROOT / "dist" / suite:
        pytest.skip("these packages are not of packaging/build-deb --suite")
    passes(saw, "check-reproducible", suite)
