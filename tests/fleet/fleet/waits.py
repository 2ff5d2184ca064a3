# SPDX-License-Identifier: MIT
"""Conditions for which the tests wait, and the limit that most of them use."""

import time

LIMIT = 3


def wait_for_slots(cluster, user, count, timeout=5):
    end = time.monotonic() + timeout
    while len(cluster.slots(user)) != count:
        assert time.monotonic() < end, f"{cluster.slots(user)}, expected {count} slots of {user}"
        time.sleep(0.02)


def wait_until_empty(cluster, timeout=20):
    end = time.monotonic() + timeout
    while cluster.records("p/"):
        assert time.monotonic() < end, f"left over: {cluster.records('p/')}"
        time.sleep(0.1)
    assert not [key for key in cluster.records("h/") if "/s/" in key]


def wait_for_value(cluster, key, part, timeout=10):
    end = time.monotonic() + timeout
    while part not in cluster.records(key).get(key, ""):
        assert time.monotonic() < end, f"{key}: {cluster.records(key).get(key)}"
        time.sleep(0.05)


def wait_for_log(machine, part, timeout=10):
    end = time.monotonic() + timeout
    while part not in machine.log():
        assert time.monotonic() < end, f"no {part!r} in {machine.log()}"
        time.sleep(0.05)
