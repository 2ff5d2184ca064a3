# SPDX-License-Identifier: MIT
"""Disk images of Debian that virtual machines boot from.

An image is built once by mmdebstrap and kept in the cache of the lab. Its directory is named after its recipe, so that
a changed recipe builds a new image. It is never modified, because each machine writes to an overlay. It does not contain
the packages of sesslimit. They are installed in the booted machine.
"""

import hashlib
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "lab"))

from lab.base import CACHE, SETUP, SUITES, built_once  # noqa: E402

PACKAGES = (
    "linux-image-amd64 initramfs-tools systemd-sysv udev kmod kbd dbus libpam-systemd openssh-server openssh-client "
    "iproute2 procps util-linux login passwd sudo libpam-runtime libstdc++6 libsystemd0 zlib1g python3 greetd"
).split()

# Drivers and texts that no test uses. Without a graphics driver the screen stays in VGA text mode.
_DRIVERS = "sound drivers/gpu drivers/media drivers/infiniband drivers/net/wireless drivers/net/ethernet".split()
EXCLUDED = ["/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*"] + [
    f"{root}/lib/modules/*/kernel/{driver}/*" for root in ("", "/usr") for driver in _DRIVERS
]

# The initramfs contains only the modules that are needed to mount the root file system.
INITRAMFS = """
mkdir -p "$1/etc/initramfs-tools/conf.d"
echo MODULES=list > "$1/etc/initramfs-tools/conf.d/vm"
printf '%s\\n' virtio_pci virtio_blk virtio_console ext4 > "$1/etc/initramfs-tools/modules"
"""

DISK_SIZE = "3G"

# The agent starts early, stays when another target is isolated, and stops last, because the tests observe all of that.
# LOGIN_TIMEOUT: a snapshot may be taken and loaded while login waits for a name.
SYSTEM = """
set -eu
echo '/dev/vda / ext4 defaults 0 1' > /etc/fstab
printf '[Match]\\nName=e*\\n[Network]\\nDHCP=ipv4\\nLinkLocalAddressing=no\\nIPv6AcceptRA=no\\n' \\
    > /etc/systemd/network/vm.network
sed -i 's/^LOGIN_TIMEOUT.*/LOGIN_TIMEOUT 600/' /etc/login.defs
cat > /etc/systemd/system/vm-agent.service <<'END'
[Unit]
Description=Command runner of the tests
DefaultDependencies=no
IgnoreOnIsolate=yes
StartLimitIntervalSec=0
[Service]
ExecStart=/usr/local/sbin/vm-agent
Restart=always
RestartSec=100ms
[Install]
WantedBy=sysinit.target
END
systemctl --quiet enable vm-agent systemd-networkd ssh serial-getty@ttyS0 serial-getty@hvc0
systemctl --quiet disable greetd
systemctl --quiet set-default multi-user.target
systemctl --quiet mask systemd-networkd-wait-online.service apt-daily.timer apt-daily-upgrade.timer \\
    dpkg-db-backup.timer e2scrub_all.timer fstrim.timer
"""

SELINUX_PACKAGES = "selinux-policy-default policycoreutils selinux-utils tmux etcd-server etcd-client".split()

# Enables SELinux in enforcing mode. The agent's commands run in the domain of a root shell. Otherwise they would run in
# that of a service without a policy of its own, which must not read the journal.
SELINUX = """
set -eu
systemctl --quiet disable etcd
printf 'SELINUX=enforcing\nSELINUXTYPE=default\n' > /etc/selinux/config
cat > /root/agent.cil <<'END'
(allow init_t unconfined_t (process (transition)))
(roleallow system_r unconfined_r)
END
semodule --noreload --store=default --install=/root/agent.cil
mkdir /etc/systemd/system/vm-agent.service.d
printf '[Service]\nSELinuxContext=unconfined_u:unconfined_r:unconfined_t:s0\n' \
    > /etc/systemd/system/vm-agent.service.d/context.conf
setfiles -F -e /proc -e /sys -e /dev /etc/selinux/default/contexts/files/file_contexts /
"""


@dataclass(frozen=True)
class Image:
    """The files of an image. key: the private ssh key that all users of the machine accept."""

    directory: Path
    kernel_options: str = ""

    @property
    def disk(self) -> Path:
        return self.directory / "disk.raw"

    @property
    def kernel(self) -> Path:
        return self.directory / "vmlinuz"

    @property
    def initrd(self) -> Path:
        return self.directory / "initrd"

    @property
    def key(self) -> Path:
        return self.directory / "id_ed25519"


def image(suite: str, selinux: bool = False) -> Image:
    """Returns the image of the suite, which takes about a minute to build."""
    name = f"vm-selinux-{suite}" if selinux else f"vm-{suite}"
    directory = built_once(name, _recipe_id(suite, selinux), lambda path: _build(suite, selinux, path))
    return Image(directory, "security=selinux selinux=1 enforcing=1 audit=1" if selinux else "")


def _agent() -> str:
    return (HERE / "agent.py").read_text(encoding="utf-8")


def _packages(suite: str, selinux: bool) -> list[str]:
    more = [*SELINUX_PACKAGES, *SUITES[suite]["grpc"]] if selinux else []
    return [*PACKAGES, *SUITES[suite]["packages"], *more]


def _recipe_id(suite: str, selinux: bool) -> str:
    recipe = [suite, *_packages(suite, selinux), *EXCLUDED, INITRAMFS, SETUP, SYSTEM, _agent(), DISK_SIZE]
    recipe += [SELINUX] if selinux else []
    return hashlib.sha256("\n".join(recipe).encode()).hexdigest()[:12]


def _build(suite: str, selinux: bool, path: Path) -> None:
    name = path.name.rpartition("-")[0]
    for interrupted in CACHE.glob(f"{name}-building-*"):
        shutil.rmtree(interrupted)
    # The directory is renamed only when it is complete, so that an interrupted build leaves no incomplete image.
    work = Path(tempfile.mkdtemp(prefix=f"{name}-building-", dir=CACHE))
    try:
        tree, result = work / "tree", work / "image"
        include = ",".join(_packages(suite, selinux))
        options = ["--quiet", "--variant=minbase", "--dpkgopt=force-unsafe-io", f"--include={include}"]
        options += [f"--dpkgopt=path-exclude={pattern}" for pattern in EXCLUDED]
        _run(["mmdebstrap", *options, f"--setup-hook={INITRAMFS}", suite, str(tree)])
        agent = tree / "usr/local/sbin/vm-agent"
        agent.write_text(_agent(), encoding="utf-8")
        agent.chmod(0o755)
        _run(["chroot", str(tree), "sh"], SETUP + SYSTEM + (SELINUX if selinux else ""))
        _pack(tree, result)
        result.rename(path)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _pack(tree: Path, result: Path) -> None:
    made = Image(result)
    result.mkdir()
    shutil.copy(tree / "root/.ssh/id_ed25519", made.key)
    (kernel,), (initrd,) = (tree / "boot").glob("vmlinuz-*"), (tree / "boot").glob("initrd.img-*")
    shutil.copy(kernel, made.kernel)
    shutil.copy(initrd, made.initrd)
    _run(["truncate", "-s", DISK_SIZE, str(made.disk)])
    _run(["mke2fs", "-q", "-t", "ext4", "-O", "^has_journal", "-d", str(tree), str(made.disk)])


def _run(argv: list[str], text: str = "") -> None:
    done = subprocess.run(argv, input=text, text=True, capture_output=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{argv[0]} failed with {done.returncode}:\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    print(image(sys.argv[1], selinux="selinux" in sys.argv[2:]).directory)
