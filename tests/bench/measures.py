# SPDX-License-Identifier: MIT
"""The benchmarks of the daemon as a plain process, and of its core."""

import contextlib
import json
import statistics
import subprocess
import time

from figures import Result, Table, quantile, spread
from plain import LEADERS, LED, Daemon, Programs, ask, directory, echo, empty_bus, leaders

SIZES = (10, 1000, 100_000)
ROUNDS = 21  # of each pair, whose two sides alternate
MIB = 1024 * 1024


@contextlib.contextmanager
def full_daemon(programs: Programs, sessions: int):
    """Starts a daemon with so many sessions. Yields it when it is ready."""
    with directory() as place, empty_bus(place) as bus, leaders(programs, place, sessions):
        with Daemon(programs, place, bus) as daemon:
            yield daemon


def admit(programs: Programs) -> Result:
    table = Table("sessions", "admit us", "echo us", "identifying echo us", "ratio", "close us")
    goal = "at most 1.5 times the echo at the median, within 20 % at all sizes"
    result = Result("admit", "round trip of an admit decision", goal, table)
    medians, ratios = {}, {}
    for sessions in SIZES:
        ours, bare, floor, closes = [], [], [], []
        with contextlib.ExitStack() as stack:
            daemon = stack.enter_context(full_daemon(programs, sessions))
            other = stack.enter_context(echo(programs, daemon.place))
            asking = stack.enter_context(echo(programs, daemon.place, "identify"))
            for _ in range(ROUNDS):
                answered = ask(programs, daemon.socket, 1, 0.2, 200)
                ours.append(statistics.median(answered["open"]) / 1000)
                closes.append(statistics.median(answered["close"]) / 1000)
                bare.append(statistics.median(ask(programs, other, 1, 0.2, 200)["open"]) / 1000)
                floor.append(statistics.median(ask(programs, asking, 1, 0.2, 200)["open"]) / 1000)
        paired = [one / two for one, two in zip(ours, bare)]
        medians[sessions], ratios[sessions] = statistics.median(ours), statistics.median(paired)
        table.add(sessions, spread(ours), spread(bare), spread(floor), spread(paired), spread(closes))
        result.figures[sessions] = {"admit_us": ours, "echo_us": bare, "identifying_us": floor, "close_us": closes}
    for sessions, ratio in ratios.items():
        result.hold(f"{sessions} sessions: {ratio:.2f} times the echo", ratio <= 1.5)
    flat = max(medians.values()) / min(medians.values())
    result.hold(f"flat: the slowest size takes {flat:.2f} times as long as the fastest", flat <= 1.2)
    return result


def rate(programs: Programs) -> Result:
    table = Table("clients", "decisions/s", "echo/s", "ratio")
    result = Result("rate", "decisions a second, 1000 sessions open", "at least 0.7 of the echo", table)
    with full_daemon(programs, 1000) as daemon, echo(programs, daemon.place) as other:
        for clients in (1, 8, 64):
            rates = {daemon.socket: [], other: []}
            for _ in range(ROUNDS):
                for path, seen in rates.items():
                    answered = ask(programs, path, clients, 0.2, 0)
                    seen.append((len(answered["open"]) + len(answered["close"])) / answered["seconds"])
            paired = [one / two for one, two in zip(rates[daemon.socket], rates[other])]
            table.add(clients, *map(spread, (rates[daemon.socket], rates[other], paired)))
            result.figures[clients] = {"decisions": rates[daemon.socket], "echo": rates[other]}
            share = statistics.median(paired)
            result.hold(f"{clients} clients: {share:.2f} of the echo", share >= 0.7)
    return result


def memory(programs: Programs) -> Result:
    columns = ("RssAnon KiB", "RssFile KiB", "RssShmem KiB", "bytes per session", "peak KiB")
    table = Table("sessions", "tracked leaders", *columns)
    goal = "RssAnon + RssFile under 12 MiB and 600 bytes per session"
    result = Result("memory", "resident memory (RssShmem, the ledger's pages, is charged to /run)", goal, table)
    empty = 0
    for sessions in (0, 1000, LED, 100_000):
        with full_daemon(programs, sessions) as daemon:
            kept = daemon.memory()
        own = kept["RssAnon"] + kept["RssFile"]
        empty = empty or own
        each = (own - empty) / sessions if sessions else 0
        numbers = [kept[key] // 1024 for key in ("RssAnon", "RssFile", "RssShmem")]
        table.add(sessions, min(sessions, LED), *numbers, f"{each:.0f}", kept["VmHWM"] // 1024)
        result.figures[sessions] = kept
        result.hold(f"{sessions} sessions: {own / MIB:.1f} MiB", own < 12 * MIB + 600 * sessions)
    return result


def start(programs: Programs) -> Result:
    table = Table("slots", "sessions", "ready ms", "cat of the ledger ms")
    result = Result("start", "from exec to ready", "under 150 ms with 100,000 slots", table)
    for slots, sessions in ((1000, 0), (1000, 1000), (100_000, 1000), (100_000, 100_000)):
        ready, bare = [], []
        with directory() as place, empty_bus(place) as bus, leaders(programs, place, slots, LEADERS, LED, sessions):
            for _ in range(3):
                with Daemon(programs, place, bus) as daemon:
                    ready.append(daemon.seconds_to_ready * 1000)
                began = time.monotonic()
                subprocess.run(["cat", str(place / "ledger")], stdout=subprocess.DEVNULL, check=True)
                bare.append((time.monotonic() - began) * 1000)
        table.add(slots, sessions, spread(ready), spread(bare))
        result.figures[f"{slots} slots, {sessions} sessions"] = {"ready_ms": ready, "cat_ms": bare}
        median = statistics.median(ready)
        result.hold(f"{slots} slots, {sessions} sessions: {median:.0f} ms", median < 150)
    return result


def late(programs: Programs) -> Result:
    """A session over its limit gets a notice, and 0.5 s later its leader gets SIGTERM. Both may be late."""
    count, begin, within, limit, reading_usec = 1000, 5, 60, 70, 500_000
    table = Table("", "ended", "earliest ms", "median ms", "p99 ms", "latest ms")
    result = Result("late", f"{count} deadlines within a minute", "p99 under 50 ms, none early", table)
    policy = f'version = 1\n[defaults]\nmax_duration = "{limit}s"\n'
    due = ("due", begin, within, limit)
    with directory() as place, directory() as other, empty_bus(place) as bus:
        with leaders(programs, place, count, *due) as ours, leaders(programs, other, count, *due, "bare") as bare:
            with Daemon(programs, place, bus, policy):
                time.sleep(begin + within + 2)
            for name, process, told in (("sesslimitd", ours, reading_usec), ("a bare timer", bare, 0)):
                process.stdin.close()
                usecs = json.loads(process.stdout.readline())
                lates = [(usec - told) / 1000 for usec in usecs if usec is not None]
                p99 = quantile(lates, 0.99)
                shown = (min(lates), statistics.median(lates), p99, max(lates))
                table.add(name, len(lates), *(f"{value:.2f}" for value in shown))
                result.figures[name] = lates
                if process is ours:
                    result.hold(f"all {count} were terminated: {len(lates)}", len(lates) == count)
                    result.hold(f"none early: the earliest {min(lates):.2f} ms late", min(lates) >= 0)
                    result.hold(f"p99 {p99:.2f} ms", p99 < 50)
    return result


def decide(programs: Programs) -> Result:
    argv = [str(programs.decide), "--benchmark_format=json", "--benchmark_repetitions=3"]
    ran = json.loads(subprocess.run([*argv], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout)
    times: dict[str, dict[int, float]] = {}
    for each in ran["benchmarks"]:
        if each.get("aggregate_name") == "median":
            name, size = each["run_name"].split("/")[:2]
            events = 3 if name == "login_and_logout" else 1
            times.setdefault(name, {})[int(size)] = each["cpu_time"] / events
    sizes = sorted(times["map_lookup"])
    table = Table("ns an event", *map(str, sizes))
    result = Result("decide", "the core alone, by sessions open", "logarithmic growth at most", table)
    grown = {name: by_size[sizes[-1]] - by_size[sizes[0]] for name, by_size in times.items()}
    for name, by_size in times.items():
        table.add(name, *(f"{by_size[size]:.0f}" for size in sizes))
        if name != "map_lookup":
            # A decision does a few look-ups in indexes of that size. The unit is the growth of one look-up in a map
            # with as many sessions.
            look_ups = grown[name] / grown["map_lookup"]
            result.hold(f"{name}: grows by as much as {look_ups:.1f} look-ups in a map", look_ups <= 8)
    result.figures = times
    return result


def sockets(programs: Programs) -> Result:
    columns = ("sessions", "sockets", "round ms", "longest turn ms", "bare loop ms", "ratio")
    table = Table(*columns)
    goal = "at most 50 ms, no turn of the event loop over 10 ms"
    result = Result("sockets", "CPU time to sample the connections of all sessions", goal, table)
    for count, groups in ((2000, 100), (20_000, 100), (20_000, 1000)):
        argv = [str(programs.sockets), str(count), str(groups), str(ROUNDS)]
        times = json.loads(subprocess.run(argv, stdout=subprocess.PIPE, check=True).stdout)
        whole, longest, bare = times["round"], times["longest_turn"], times["loop"]
        paired = [one / two for one, two in zip(whole, bare)]
        table.add(groups, count, *map(spread, (whole, longest, bare, paired)))
        result.figures[f"{groups} sessions, {count} sockets"] = times
        took, turn, ratio = (statistics.median(values) for values in (whole, longest, paired))
        met = took <= 50 and turn <= 10
        result.hold(f"{groups} sessions, {count} sockets: {took:.1f} ms, longest turn {turn:.1f} ms, {ratio:.2f}", met)
    return result


ALL = {
    "admit": admit,
    "rate": rate,
    "memory": memory,
    "start": start,
    "late": late,
    "decide": decide,
    "sockets": sockets,
}
