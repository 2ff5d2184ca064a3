# SPDX-License-Identifier: MIT
"""The results of a package build: the contents of the packages, and whether a second build is identical.

Not collected by default: tests/run packages.
"""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LONGEST = 3600  # seconds for a build on a busy machine


def passes(saw, name, argument):
    done = subprocess.run(
        [ROOT / "tests" / "packages" / name, argument], capture_output=True, text=True, timeout=LONGEST, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    saw(f"{name}: {done.stdout.strip()}")


def test_package_contents_are_as_listed(debs, saw):
    passes(saw, "check-deb", debs[0].parent)


def test_packages_built_twice_are_identical(suite, debs, saw):
    if debs[0].parent != ROOT / "dist" / suite:
        pytest.skip("these packages were not built by packaging/build-deb --suite")
    passes(saw, "check-reproducible", suite)
