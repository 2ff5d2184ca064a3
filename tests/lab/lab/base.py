# SPDX-License-Identifier: MIT
"""The Debian file trees that machines boot from.

A base is built once by mmdebstrap and kept outside the source tree. It is never modified, because machines mount an
overlay on it. Its directory is named after its recipe, so that a changed recipe builds a new base.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Callable

CACHE = Path(os.environ.get("SESSLIMIT_LAB_CACHE", "/var/cache/sesslimit-lab"))

PACKAGES = (
    "systemd-sysv dbus libpam-systemd openssh-server openssh-client openssh-sftp-server iproute2 procps util-linux "
    "login passwd sudo cron at tmux screen dtach mosh rsync git bubblewrap faketime libpam-runtime pamtester libstdc++6 "
    "libsystemd0"
).split()

# Names of packages that differ between Debian releases, and VERSION_ID of the release's os-release.
SUITES = {
    "bookworm": {
        "version": "12", "packages": ["libnettle8"], "grpc": ["libgrpc++1.51", "libprotobuf-lite32"]},
    "trixie": {
        "version": "13", "packages": ["libnettle8t64"], "grpc": ["libgrpc++1.51t64", "libprotobuf-lite32t64"]},
}

# Packages that a test may install later. They are stored in the machine, which has no network access.
LATER = {
    "polkit": ["polkitd", "pkexec"],
    "machinectl": ["systemd-container"],
    "cockpit": ["cockpit-ws", "cockpit-bridge"],
    "cockpit-page": ["cockpit-ws", "cockpit-system"],
    "ansible": ["ansible-core"],
    "x11": ["xvfb", "xterm", "xauth", "xdotool"],
    "python3": ["python3-minimal"],
    "etcd": ["etcd-server", "etcd-client", "openssl"],
    "scap": ["openscap-scanner", "ssg-debian", "ssg-debderived", "ssg-nondebian"],
}
# The same from the backports of a release.
BACKPORTS = {"trixie": {"cockpit-backports": ["cockpit-ws", "cockpit-system", "cockpit-bridge"]}}

STORE = "/var/opt/lab"
APT_GET = 'APT_CONFIG="$MMDEBSTRAP_APT_CONFIG" apt-get --quiet'

PASSWORDS = {"root": "root-secret", "alice": "alice-secret", "bob": "bob-secret", "carol": "carol-secret"}

PROMPT = "ready> "  # of every user's shell, so that a test can distinguish a shell from a denial

# MaxStartups: a test opens 20 connections at once and must reach the limit of sesslimit, not the one of sshd.
# RateLimitIntervalSec=0: journald must not drop entries that a test reads.
SETUP = f"""
set -eu
echo lab > /etc/hostname
printf '127.0.0.1 localhost\\n127.0.1.1 lab\\n' > /etc/hosts
install -d -m 700 /root/.ssh
ssh-keygen -q -t ed25519 -N '' -C lab -f /root/.ssh/id_ed25519
printf '%s\\n' 'Host *' '  StrictHostKeyChecking no' '  UserKnownHostsFile /dev/null' '  LogLevel ERROR' \\
    '  ConnectTimeout 20' > /root/.ssh/config
cp /root/.ssh/id_ed25519.pub /root/.ssh/authorized_keys
for user in alice bob carol; do
    useradd --create-home --shell /bin/bash "$user"
    install -d -m 700 -o "$user" -g "$user" "/home/$user/.ssh"
    install -m 600 -o "$user" -g "$user" /root/.ssh/id_ed25519.pub "/home/$user/.ssh/authorized_keys"
    printf "PS1='{PROMPT}'\\n" > "/home/$user/.bash_profile"
done
printf "PS1='{PROMPT}'\\n" > /root/.bash_profile
printf 'alice ALL=(ALL) NOPASSWD: ALL\\n' > /etc/sudoers.d/alice
printf 'MaxStartups 300\\n' > /etc/ssh/sshd_config.d/lab.conf
mkdir -p /etc/systemd/journald.conf.d
printf '[Journal]\\nStorage=volatile\\nRateLimitIntervalSec=0\\n' > /etc/systemd/journald.conf.d/lab.conf
chpasswd <<END
{chr(10).join(f"{user}:{password}" for user, password in PASSWORDS.items())}
END
"""


def built_once(name: str, recipe_id: str, build: Callable[[Path], object]) -> Path:
    """Returns a directory in the cache. Builds it first if it does not exist. Only one process builds it."""
    path = CACHE / f"{name}-{recipe_id}"
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(CACHE / f"{name}.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.is_dir():
            build(path)
    return path


def base(suite: str) -> Path:
    """Returns the directory of the suite's base, which takes about 25 s to build."""
    return built_once(suite, _recipe_id(suite), lambda path: _build(suite, path))


def _recipe_id(suite: str) -> str:
    recipe = "\n".join([suite, *PACKAGES, *SUITES[suite]["packages"], SETUP, *_hooks(suite)])
    return hashlib.sha256(recipe.encode()).hexdigest()[:12]


def _hooks(suite: str) -> list[str]:
    later = {**LATER, "fleet": [*SUITES[suite]["grpc"], "openssl"]}
    backports = [_backports_hook(suite, *each) for each in BACKPORTS.get(suite, {}).items()]
    return [_store_hook(name, packages) for name, packages in later.items()] + backports


def _store_hook(name: str, packages: list[str]) -> str:
    """Returns a hook that downloads the packages and their missing dependencies into STORE of the file tree."""
    fetched, place = '"$1"/var/cache/apt/archives/*.deb', f'"$1{STORE}/{name}"'
    get = f"{APT_GET} --yes --no-install-recommends --download-only install"
    return f'rm -f {fetched} && {get} {" ".join(packages)} && mkdir -p {place} && mv {fetched} {place}'


def _backports_hook(suite: str, name: str, packages: list[str]) -> str:
    """Returns a hook that downloads backports. It stores none if the mirror of the suite has no backports."""
    sources = '"$1"/etc/apt/sources.list'
    added = f"{sources}.d/backports.list"
    store = _store_hook(name, [f"{package}/{suite}-backports" for package in packages])
    add = f"sed -n 's/ {suite} / {suite}-backports /p' {sources} >{added}"
    return f"{add}; if {APT_GET} update; then {store} || exit 1; fi; rm {added}"


def _build(suite: str, path: Path) -> None:
    for interrupted in CACHE.glob(f"{suite}-building-*"):
        shutil.rmtree(interrupted)
    # The tree is renamed only when it is complete, so that an interrupted build does not leave an incomplete base.
    work = Path(tempfile.mkdtemp(prefix=f"{suite}-building-", dir=CACHE))
    try:
        tree = work / "tree"
        include = ",".join([*PACKAGES, *SUITES[suite]["packages"]])
        hooks = [f"--customize-hook={hook}" for hook in _hooks(suite)]
        options = ["--quiet", "--variant=minbase", "--dpkgopt=force-unsafe-io", f"--include={include}", *hooks]
        _run(["mmdebstrap", *options, suite, str(tree)])
        _run(["chroot", str(tree), "sh"], SETUP)
        tree.rename(path)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _run(argv: list[str], text: str = "") -> None:
    done = subprocess.run(argv, input=text, text=True, capture_output=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{argv[0]} failed with {done.returncode}:\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    base(sys.argv[1])
