# SPDX-License-Identifier: MIT
"""A copy of a Debian installation with OpenSSH servers that listen on loopback addresses only."""
import os
import subprocess
import time

KEYS = "/recording"
SERVER = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {keys}/host
AuthorizedKeysFile {keys}/user.pub
PermitRootLogin yes
StrictModes no
UsePAM no
PidFile none
PrintMotd no
LogLevel ERROR
ClientAliveCountMax 1000
{more}
"""
CLIENT = ["-F", "none", "-i", KEYS + "/user", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
          "-o", "LogLevel=ERROR", "-o", "ServerAliveCountMax=1000"]


def run(*command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


class SshHost:
    """Programs of the installation `lower`, with a temporary file system for everything that they write.

    Must be created in a mount namespace of its own, because the mounts are never removed.
    """

    def __init__(self, lower, place):
        self.root = os.path.join(place, "root")
        upper, work = os.path.join(place, "upper"), os.path.join(place, "work")
        for directory in (self.root, upper, work):
            os.makedirs(directory)
        run("mount", "-t", "overlay", "overlay", "-o", f"lowerdir={lower},upperdir={upper},workdir={work}", self.root)
        run("mount", "--rbind", "/dev", self.root + "/dev")
        run("mount", "-t", "proc", "proc", self.root + "/proc")
        for directory in (KEYS, "/run/sshd"):
            os.makedirs(self.root + directory, exist_ok=True)
        for name in ("host", "user"):
            run(*self.command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", f"{KEYS}/{name}"))
        with open(self.root + "/root/.bashrc", "w", encoding="ascii") as profile:
            profile.write("PS1='root@inner:~# '\n")
        self.version = subprocess.run(self.command("ssh", "-V"), check=True, capture_output=True,
                                      text=True).stderr.split(",")[0]

    def command(self, *arguments):
        return ["chroot", self.root, *arguments]

    def start_server(self, port, more):
        """Starts sshd with additional lines of configuration. Returns its process."""
        path = f"{KEYS}/sshd_config.{port}"
        with open(self.root + path, "w", encoding="ascii") as config:
            config.write(SERVER.format(port=port, keys=KEYS, more=more))
        server = subprocess.Popen(self.command("/usr/sbin/sshd", "-D", "-e", "-f", path))
        time.sleep(1)
        return server

    def client(self, port, *options, outer=None):
        """Returns the command of an ssh client, through a server on the port `outer` if one is given."""
        if outer:
            through = ["ssh", *CLIENT, "-W", "127.0.0.1:%p", "-p", str(outer[0]), *outer[1], "root@127.0.0.1"]
            options = ("-o", "ProxyCommand=" + " ".join(through), *options)
        return self.command("ssh", *CLIENT, "-p", str(port), *options, "root@127.0.0.1")
