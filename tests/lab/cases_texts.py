# SPDX-License-Identifier: MIT
"""Field cases of names in the output, of the person behind a request, and of preconditions of the daemon.

Not collected by default: tests/run cases. Each case fails with the packages of 8a1275f.
"""

import json
import re
import time

from lab import client, ctl
from lab.machine import wait_until


def case_D12_deleted_ledger_is_reported(host, saw):
    host.limit("alice", "max_sessions = 1")
    status = ctl.data(host, "status", "status")
    assert status["recording"] is True, status
    since = time.monotonic()
    host.sh("rm -r /run/sesslimit")
    first = client.shell(host, "alice")
    assert first.verdict(), "a login is denied because the ledger was deleted"
    assert not client.shell(host, "alice").verdict(), "the limit is not enforced after the ledger was deleted"
    text = ctl.text(host, "status")
    shown = re.search(r"Recording: (.*)", text).group(1)
    assert re.match(r"no .*systemctl restart sesslimitd", shown), f"Recording: {shown}"
    assert ctl.data(host, "status", "status")["recording"] is False
    said = [line for line in host.journal_text(since).splitlines() if re.match("sesslimitd:.*ledger", line)]
    assert len(said) == 1, f"the journal does not report the deleted ledger once: {said}"
    audit = json.loads(ctl.run(host, "audit", "--json=short").stdout)
    assert [each for each in audit["warnings"] if "does not record sessions" in each["what"]], audit["warnings"]
    host.run("systemctl", "restart", "sesslimitd.service")
    wait_until("a new ledger", lambda: ctl.data(host, "status", "status")["recording"], 10)
    saw(f"/run/sesslimit deleted: Recording: {shown}; {said[0]}")
