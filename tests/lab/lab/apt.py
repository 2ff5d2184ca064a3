# SPDX-License-Identifier: MIT
"""Installs packages in a machine with apt-get, and builds other versions of the packages for upgrades."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Callable

from .machine import Machine

PLACE = "/var/tmp/packages"
NAMES = ("sesslimit", "libpam-sesslimit")


def install(machine: Machine, packages: list[Path], *options: str, check: bool = True) -> subprocess.CompletedProcess:
    """Installs these packages with apt-get, regardless of the installed version."""
    target = machine.path(PLACE)
    target.mkdir(exist_ok=True)
    for package in packages:
        shutil.copy(package, target)
    names = [f"{PLACE}/{package.name}" for package in packages]
    return apt(machine, "install", "--allow-downgrades", *options, *names, check=check)


def apt(machine: Machine, *arguments: str, check: bool = True) -> subprocess.CompletedProcess:
    """Runs apt-get without prompts.

    APT::Sandbox::User=root is set because the user _apt cannot read the package files on every host.
    """
    command = ["apt-get", "-q", "-y", "-o", "APT::Sandbox::User=root", *arguments]
    return machine.run(*command, check=check, timeout=180)


def version(machine: Machine, name: str = "sesslimit") -> str:
    """Returns the installed version, or "" if the package is not installed or is installed only in part."""
    shown = machine.run("dpkg-query", "-W", "-f", "${db:Status-Status} ${Version}", name, check=False).stdout
    status, _, number = shown.partition(" ")
    return number if status == "installed" else ""


def version_of(packages: list[Path]) -> str:
    (found,) = {_field(package, "Version") for package in packages}
    return found


def is_older(one: list[Path], other: list[Path]) -> bool:
    """Returns whether dpkg sorts the version of the first packages before that of the second ones."""
    argv = ["dpkg", "--compare-versions", version_of(one), "lt", version_of(other)]
    return subprocess.run(argv, check=False).returncode == 0


def repacked(packages: list[Path], directory: Path) -> list[Path]:
    """Builds an older version of the packages, with another policy.toml and a socket unit without netlink."""
    number = version_of(packages)
    return [_repack(package, number, f"{number}~before", directory, _as_before) for package in packages]


def newer(packages: list[Path], directory: Path) -> list[Path]:
    """Builds a newer version of the packages, with the same files."""
    number = version_of(packages)
    return [_repack(package, number, f"{number}+after", directory, lambda tree: None) for package in packages]


def _repack(package: Path, number: str, other: str, directory: Path, change: Callable[[Path], None]) -> Path:
    tree = directory / package.stem
    _run("dpkg-deb", "--raw-extract", str(package), str(tree))
    control = tree / "DEBIAN" / "control"
    # The package's own version, and the version that one package requires of the other.
    changed = re.sub(rf"(?m)^(Version: |.*\(>?= ){re.escape(number)}(?=\)|$)", rf"\g<1>{other}", control.read_text())
    control.write_text(changed)
    change(tree)
    made = directory / package.name.replace(number, other)
    _run("dpkg-deb", "--build", "-Zgzip", str(tree), str(made))
    shutil.rmtree(tree)
    return made


def _as_before(tree: Path) -> None:
    shipped = tree / "etc" / "sesslimit" / "policy.toml"
    if shipped.exists():
        shipped.write_text(shipped.read_text() + "# As it was shipped before.\n")
    for unit in tree.glob("**/systemd/system/sesslimitd.socket"):
        unit.write_text(re.sub(r"(?m)^ListenNetlink=.*\n", "", unit.read_text()))


def _field(package: Path, name: str) -> str:
    return _run("dpkg-deb", "--field", str(package), name).strip()


def _run(*argv: str) -> str:
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout
