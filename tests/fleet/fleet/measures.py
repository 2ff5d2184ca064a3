# SPDX-License-Identifier: MIT
"""The benchmarks of a fleet. Each alternates with operations of etcd that the same client sends, or has an absolute goal."""

import statistics
import time

from figures import Result, Table, quantile, spread
from fleet.machine import Machine
from fleet.waits import LIMIT, wait_until_empty

ROUNDS = 15  # of each pair, whose two sides alternate
SLICE = 400  # milliseconds of each side
STORMS = 100
KILLS = 6
ORDERS = 6
PROCESSES, HOSTS_EACH = 10, 100
TTL = 10


class Setup:
    """The cluster, the simulated hosts, and the program sesslimit-fleetd."""

    def __init__(self, cluster, simulations, fleetd):
        self.cluster, self.simulations, self.fleetd = cluster, simulations, fleetd
        self._hundred = None

    @property
    def hundred(self):
        """A hundred hosts in one process."""
        if self._hundred is None:
            self._hundred = self.simulations.start(0, 100)
            self._hundred.join()
        return self._hundred


def without_failures(setup, result, *words):
    """Repeats a measurement in which a call had no answer in time, because the machine is busy."""
    for _ in range(20):
        measured = setup.hundred.ask(*words)
        if not measured.get("failed", 0) and not measured.get("unknown", 0):
            return measured
        result.figures["repeated"] = result.figures.get("repeated", 0) + 1
    raise AssertionError(f"{' '.join(map(str, words))}: calls had no answer in each of 20 measurements")


def ms(microseconds):
    return [value / 1000 for value in microseconds]


def admission(setup):
    goal = "median at most 1.3 times a put with 1 and 8 clients, at least 0.7 of the rate with 64"
    table = Table("clients", "admission ms", "put ms", "ratio", "p99 ms", "p99 of a put ms", "admissions/s", "puts/s", "ratio")
    result = Result("admission", "admission of a login, and a put of one key", goal, table)
    for clients in (1, 8, 64):
        sides = {"claims": [], "puts": []}
        for turn in range(ROUNDS + 1):
            for side in list(sides) if turn % 2 else list(sides)[::-1]:
                measured = without_failures(setup, result, side, clients, SLICE)
                if turn:  # the first one warms up
                    sides[side].append(measured)
        medians = {side: [statistics.median(ms(each["us"])) for each in all_] for side, all_ in sides.items()}
        tails = {side: [quantile(ms(each["us"]), 0.99) for each in all_] for side, all_ in sides.items()}
        rates = {side: [len(each["us"]) / each["seconds"] for each in all_] for side, all_ in sides.items()}
        slower = [ours / bare for ours, bare in zip(medians["claims"], medians["puts"])]
        share = [ours / bare for ours, bare in zip(rates["claims"], rates["puts"])]
        table.add(clients, spread(medians["claims"]), spread(medians["puts"]), spread(slower),
                  f"{statistics.median(tails['claims']):.1f}", f"{statistics.median(tails['puts']):.1f}",
                  f"{statistics.median(rates['claims']):.0f}", f"{statistics.median(rates['puts']):.0f}", spread(share))
        result.figures[clients] = {"median_ms": medians, "p99_ms": tails, "rate": rates}
        if clients < 64:
            ratio = statistics.median(slower)
            result.hold(f"{clients} clients: {ratio:.2f} times a put", ratio <= 1.3)
        else:
            ratio = statistics.median(share)
            result.hold(f"{clients} clients: {ratio:.2f} of the rate of puts", ratio >= 0.7)
    return result


def users(setup):
    goal = "median for one user at most 1.5 times that for 64 users"
    table = Table("limit", "one user ms", "64 users ms", "ratio", "granted of 64")
    result = Result("users", "64 hosts claim one slot each at the same time", goal, table)
    for limit in (100, LIMIT):
        one, many, granted = [], [], []
        for turn in range(ROUNDS * 2):
            for number, times in ((1, one), (64, many)) if turn % 2 else ((64, many), (1, one)):
                measured = without_failures(setup, result, "burst", 64, number, limit)
                times.append(statistics.median(ms(measured["us"])))
                if number == 1:
                    granted.append(measured["granted"])
        paired = [ours / bare for ours, bare in zip(one, many)]
        table.add(limit, spread(one), spread(many), spread(paired), statistics.median(granted))
        result.figures[limit] = {"one_ms": one, "many_ms": many, "granted": granted}
        ratio = statistics.median(paired)
        result.hold(f"limit {limit}: {ratio:.2f} times", ratio <= 1.5)
    return result


def exact(setup):
    table = Table("claims at once", "rounds", "exactly 3 granted", "no answer", "median ms", "longest ms")
    result = Result("exact", f"storms of claims for one user with limit {LIMIT}", f"exact in {STORMS} of {STORMS}", table)
    for logins in (20, 100):
        right, unknown, took = 0, 0, []
        for _ in range(STORMS):
            measured = setup.hundred.ask("burst", logins, 1, LIMIT)
            right += measured["granted"] == LIMIT and measured["full"] == logins - LIMIT
            unknown += measured["unknown"]
            took += ms(measured["us"])
        table.add(logins, STORMS, right, unknown, f"{statistics.median(took):.1f}", f"{max(took):.1f}")
        result.figures[logins] = {"right": right, "ms": took}
        result.hold(f"{logins} claims at once: {right} of {STORMS}", right == STORMS)
    wait_until_empty(setup.cluster)
    return result


def leader(setup):
    goal = "the longest login at most 1.2 times the longest put that is retried"
    table = Table("leader killed", "longest login s", "longest put s", "ratio", "logins without answer")
    result = Result("leader", "8 hosts claim and 8 others put while the leader is killed", goal, table)
    hosts = setup.simulations.start(2000, 16)
    hosts.join()
    longest = {"claims": [], "puts": []}
    for turn in range(KILLS):
        killed = setup.cluster.leader()
        hosts.send("failover", 5000)
        time.sleep(0.7)
        killed.kill()
        measured = hosts.receive()
        killed.start()
        setup.cluster.wait_until_healthy()
        for side, times in longest.items():
            times.append(max(measured[side]["us"]) / 1e6)
        table.add(turn + 1, f"{longest['claims'][-1]:.2f}", f"{longest['puts'][-1]:.2f}",
                  f"{longest['claims'][-1] / longest['puts'][-1]:.2f}", measured["claims"]["failed"])
    hosts.close()
    result.figures = longest
    ratio = statistics.median(longest["claims"]) / statistics.median(longest["puts"])
    result.hold(f"median of {KILLS}: {ratio:.2f} times", ratio <= 1.2)
    ratio = max(longest["claims"]) / max(longest["puts"])
    result.hold(f"longest of all: {ratio:.2f} times", ratio <= 1.2)
    return result


def lost(setup):
    table = Table("hosts", "slots", "earliest s", "median s", "latest s")
    result = Result("lost", f"slots of lost hosts, after their host_ttl of {TTL} s", "free within 1 s", table)
    count = 20
    hosts = setup.simulations.start(3000, count * 2, ttl=TTL)
    hosts.join(per_second=count / 5)
    measured = hosts.ask("lose")
    hosts.close()
    late = [value / 1e6 for value in measured["late_us"]]
    table.add(count, measured["held"], f"{min(late):.2f}", f"{statistics.median(late):.2f}", f"{max(late):.2f}")
    result.figures = {"late_s": late}
    result.hold(f"{len(late)} of {count} hosts: latest {max(late):.2f} s", len(late) == count and max(late) <= 1)
    return result


def orders(setup):
    count = PROCESSES * HOSTS_EACH
    table = Table("order", "hosts reached", "50 % ms", "99 % ms", "last ms", "answers", "all answers ms", "logins",
                  "99 % of the logins ms", "longest login ms")
    result = Result("orders", f"an order to terminate sessions, over {count} hosts, with one login after the other on a host",
                    "99 % of the hosts within 1 s", table)
    processes = [setup.simulations.start(10_000 + at * HOSTS_EACH, HOSTS_EACH) for at in range(PROCESSES - 1)]
    for process in processes:
        process.send("join", 5)
    processes.append(setup.hundred)
    joined = [process.receive() for process in processes[:-1]]
    assert all(each["joined"] for each in joined), f"only {sum(each['up'] for each in joined)} hosts have joined"
    administrator = setup.simulations.start(0, 0, user="root")
    for order in range(1, ORDERS + 1):
        time.sleep(2)
        setup.hundred.send("claims", 1, 3000)
        order_result = administrator.ask("order", order, 5000)
        logins = setup.hundred.receive()
        if order_result["error"]:
            result.hold(f"order {order} failed: {order_result['error']}", False)
            break
        times = [at for process in processes for at in process.ask("received", order)["at"]]
        late = ms(at - order_result["at"] for at in times)
        login = ms(logins["us"])
        completed = order_result["completed_us"] / 1000
        table.add(order, len(late), *(f"{quantile(late, share):.0f}" for share in (0.5, 0.99, 1)),
                  len(order_result["answered_us"]), f"{completed:.0f}", len(login), f"{quantile(login, 0.99):.0f}",
                  f"{max(login):.0f}")
        result.figures[order] = {"late_ms": late, "answered_ms": ms(order_result["answered_us"]), "completed_ms": completed,
                                 "missing": order_result["missing"], "login_ms": login, "failed": logins["failed"]}
    for process in (*processes[:-1], administrator):
        process.close()
    if not result.figures:
        return result
    figures = result.figures.values()
    reached = min(len(each["late_ms"]) for each in figures)
    slowest = max(quantile(each["late_ms"], 0.99) for each in figures)
    answered = min(len(each["answered_ms"]) for each in figures)
    completed = max(each["completed_ms"] for each in figures)
    missing = sorted({host for each in figures for host in each["missing"]})
    result.hold(f"99 % within {slowest:.0f} ms in the slowest of {len(figures)} orders, {reached} of {count} hosts",
                slowest <= 1000 and reached == count and len(figures) == ORDERS)
    result.hold(f"{answered} of {count} answers, the last one after at most {completed:.0f} ms, {len(missing)} hosts named as "
                f"missing {' '.join(missing[:10])}".rstrip(), answered == count and not missing)
    result.hold(f"{sum(each['failed'] for each in figures)} logins without an answer in time",
                not any(each["failed"] for each in figures))
    return result


def quiet(setup):
    """The goal counts a keep-alive as one wake-up, and one more for the comparison of the records.

    gRPC cannot reach it: both of its timer managers move the windows of their timers once a second or more often, see
    MAX_QUEUE_WINDOW_DURATION in its src/core/lib/iomgr/timer_generic.cc. The rows grpc_global_tim and timer_manager are
    the threads that do this.
    """
    seconds, alive = 60, 6
    table = Table("thread", f"wake-ups in {seconds} s")
    result = Result("quiet", "wake-ups of sesslimit-fleetd without logins", f"keep-alives + 1, which is {alive + 1}", table)
    setup.cluster.admit("quiet")
    machine = Machine(setup.cluster, setup.fleetd, "quiet", "10.99.0.201", ttl="30s")
    machine.start()
    try:
        assert machine.connect().ask(1, "alice", LIMIT)
        time.sleep(10)
        before = machine.wakeups()
        time.sleep(seconds)
        after = machine.wakeups()
    finally:
        machine.end()
    grown = {thread: count - before.get(thread, 0) for thread, count in after.items()}
    for thread, count in sorted(grown.items(), key=lambda item: -item[1]):
        table.add(thread, count)
    result.figures = grown
    total = sum(grown.values())
    result.hold(f"{total} wake-ups", total <= alive + 1)
    return result


ALL = {"admission": admission, "users": users, "exact": exact, "leader": leader, "lost": lost, "orders": orders,
       "quiet": quiet}
