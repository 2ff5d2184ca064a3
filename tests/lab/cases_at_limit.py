# SPDX-License-Identifier: MIT
"""Field cases of logins at the limit.

Not collected by default: tests/run cases. Each case fails with the packages of 8a1275f.
"""

import time

from lab import client
from lab.text import DISPLACED

IDLE = 20  # seconds; displace_idle
STEP = 8  # seconds; terminals have timestamps in steps of this length


def type_in(shell):
    at = len(shell.output.encode())
    shell.send("echo he''re\n")
    shell.expect("here", 10, at)


def case_D02_file_transfer_does_not_displace_shell_in_use(host, saw):
    host.sh("head -c 100000 /dev/urandom > /root/file")
    host.limit("alice", f'max_sessions = 2\nat_limit = "end-oldest"\ndisplace_idle = "{IDLE}s"')
    older, younger = (client.shell(host, "alice") for _ in range(2))
    for each in (older, younger):
        each.prompt()
        type_in(each)

    def transfer():
        return host.run("scp", "-q", "/root/file", "alice@127.0.0.1:file", check=False)

    denied = transfer()
    assert denied.returncode != 0 and "limit of 2 sessions reached" in denied.stdout + denied.stderr, denied
    for each in (older, younger):
        type_in(each)
    last = time.monotonic()
    while time.monotonic() < last + IDLE + STEP + 1:
        type_in(younger)
        time.sleep(1)
    admitted = transfer()
    assert admitted.returncode == 0, admitted
    older.wait(10)
    older.expect(DISPLACED, 1)
    type_in(younger)
    saw(f"two shells in use: scp is denied, both stay; the older one {IDLE + STEP} s unused: scp is admitted, it is "
        "terminated")
