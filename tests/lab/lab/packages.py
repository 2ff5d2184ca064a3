# SPDX-License-Identifier: MIT
"""The Debian packages that are tested."""

import fcntl
import os
from pathlib import Path

# The packages of each suite are in a directory with its name. If it has none, those beside it are used for every suite.
PACKAGES = Path(os.environ.get("SESSLIMIT_DEBS", Path(__file__).resolve().parents[3] / "dist"))


def directory_of_packages(suite):
    """Returns the directory with the packages of the suite. Waits while tests/run builds them, which holds the lock."""
    lock = PACKAGES / f"{suite}.lock"
    if lock.exists():
        with open(lock, encoding="ascii") as held:
            fcntl.flock(held, fcntl.LOCK_SH)
    return PACKAGES / suite if any((PACKAGES / suite).glob("*.deb")) else PACKAGES


def built_packages(suite):
    found = sorted(directory_of_packages(suite).glob("*.deb"))
    assert found, f"no packages in {PACKAGES}: run packaging/build-deb"
    return found


def selinux_package(suite):
    (found,) = (directory_of_packages(suite) / "selinux").glob("*.deb")
    return found


def fleet_package(suite):
    (found,) = (directory_of_packages(suite) / "fleet").glob("*.deb")
    return found
