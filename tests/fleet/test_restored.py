# SPDX-License-Identifier: MIT
"""A backup of etcd that is restored while hosts have sessions."""

import time

from fleet.frames import FULL, GRANTED, wait_for
from fleet.waits import LIMIT, wait_for_slots, wait_until_empty

# The hosts compare their records with their sessions once in this time, in seconds.
SYNC = 60
SLACK = 2


def sessions_in(cluster):
    """Returns the sessions that have a record, as HOST/SESSION, and the number of occupied slots."""
    found = (key.split("/") for key in cluster.records("h/"))
    return {f"{host}/{session}" for _, host, kind, session in found if kind == "s"}, len(cluster.records("p/"))


def test_sessions_are_recorded_again_after_a_backup_was_restored(clusters, hosts_of, directory, saw):
    cluster = clusters((221, 222, 223))
    hosts = hosts_of(cluster)
    machines = [hosts.add(ttl="60s") for _ in range(2)]
    one, two = daemons = [machine.connect() for machine in machines]
    backup = directory / "backup.db"
    # The backup contains a session of alice that ends later, and one of bob that stays.
    for session, user in (1, "alice"), (2, "bob"):
        assert one.ask(session, user, LIMIT)[0].outcome == GRANTED
    cluster.save_backup(backup)
    one.release(1)
    wait_for_slots(cluster, "alice", 0)
    for daemon, session in (one, 11), (two, 11), (two, 12):
        assert daemon.ask(session, "alice", LIMIT)[0].outcome == GRANTED
    assert one.ask(13, "alice", LIMIT)[0].outcome == FULL
    names = [machine.name for machine in machines]
    open_now = {f"{names[0]}/2", f"{names[0]}/11", f"{names[1]}/11", f"{names[1]}/12"}

    stopped = time.monotonic()
    cluster.restore_backup(backup)
    restored = time.monotonic()
    admitted, last, attempt = 0, restored, 100
    while not (one.repairing and two.repairing):
        attempt += 1
        answer, _ = one.ask(attempt, "alice", LIMIT, timeout=SYNC)
        if answer.outcome != FULL:
            admitted, last = admitted + 1, time.monotonic()
            open_now.add(f"{names[0]}/{attempt}")
        pause_until = time.monotonic() + 0.5
        wait_for(daemons, lambda: time.monotonic() >= pause_until, 1, "pause")  # noqa: B023
        assert time.monotonic() < restored + SYNC + SLACK, "not repaired"
    repaired = time.monotonic()
    wait_for(daemons, lambda: all(daemon.is_up for daemon in daemons), 10, "connection to etcd")
    wait_for_slots(cluster, "alice", LIMIT + admitted)
    assert sessions_in(cluster) == (open_now, len(open_now))
    assert (sum(one.repairing), sum(two.repairing)) == (1, 2)
    # At most as many logins as records were missing, each of them reported, and none terminated.
    assert admitted <= LIMIT
    wait_for(daemons, lambda: len(one.over_limit) + len(two.over_limit) >= admitted, 5, "report")
    reported = len(one.over_limit) + len(two.over_limit)
    assert reported == admitted
    assert not one.orders and not two.orders
    assert two.ask(50, "alice", LIMIT)[0].outcome == FULL
    for name in sorted(open_now):
        host, session = name.split("/")
        daemons[names.index(host)].release(int(session))
    wait_until_empty(cluster)
    assert two.ask(51, "alice", LIMIT)[0].outcome == GRANTED
    saw(f"etcd away for {restored - stopped:.1f} s; {admitted} logins beyond the limit admitted, the last one "
        f"{last - restored:.1f} s after the start of the nodes, because 3 records were missing; most at once "
        f"{LIMIT + admitted}, {reported} reported beyond the limit; records equal to the sessions after "
        f"{repaired - restored:.1f} s (at most {SYNC} s), none terminated")
