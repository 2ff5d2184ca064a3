# SPDX-License-Identifier: MIT
"""The benchmarks that need a booted machine with the packages installed. tests/lab boots it."""

import contextlib
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from figures import Result, Table, quantile, spread
from plain import Programs

LAB = Path(__file__).resolve().parent.parent / "lab"
sys.path.insert(0, str(LAB))
sys.dont_write_bytecode = True

from lab.host import PAM_STACK, Host  # noqa: E402

SUITE = "trixie"
SERVICES = {
    "bench-empty": "session required pam_permit.so\n",
    "bench-sesslimit": "session requisite pam_sesslimit.so\n",
    "bench-limits": "session required pam_limits.so conf=/etc/security/bench.conf\n",
    "bench-systemd": "session required pam_systemd.so\n",
}
TOOL = "/usr/local/bin/bench_login"


def packages(suite: str) -> list[Path]:
    dist = Path(os.environ.get("SESSLIMIT_DEBS", LAB.parent.parent / "dist"))
    found = sorted((dist / suite).glob("*.deb")) or sorted(dist.glob("*.deb"))
    if not found:
        raise RuntimeError(f"no packages in {dist}: run packaging/build-deb")
    return found


@contextlib.contextmanager
def machine(programs: Programs):
    with Host(SUITE) as host:
        host.install_sesslimit(packages(SUITE))
        for service, text in SERVICES.items():
            host.write(f"/etc/pam.d/{service}", text)
        host.write("/etc/security/bench.conf", "* - maxlogins 100000\n")
        host.path(TOOL).write_bytes(programs.login.read_bytes())
        host.path(TOOL).chmod(0o755)
        yield host


@contextlib.contextmanager
def sessions(host: Host, count: int, user: str):
    """Opens so many sessions in logind, without ssh clients."""
    argv = host.argv([TOOL, "hold", str(count), user, "bench-systemd"], own_pid_namespace=True)
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        if process.stdout.readline() != b"ready\n":
            raise RuntimeError(f"{count} sessions were not opened")
        yield
        process.stdin.close()


def pam(programs: Programs) -> Result:
    table = Table("logind's sessions", *SERVICES, "limits / sesslimit")
    goal = "at least 50 times cheaper than pam_limits maxlogins at 500 sessions, and flat"
    result = Result("pam", "pam_open_session through libpam on Debian 13, us", goal, table)
    ours, ratios = {}, {}
    with machine(programs) as host, contextlib.ExitStack() as stack:
        stack.enter_context(sessions(host, 1, "alice"))  # alice's user manager runs, so pam_systemd need not start it
        there = 1
        for count in (10, 100, 500):
            stack.enter_context(sessions(host, count - there, "bob"))
            there = count
            time.sleep(2)
            times = json.loads(host.run(TOOL, "time", "40", "alice", *SERVICES, timeout=300).stdout)
            medians = {service: [each / 1000 for each in times[service]] for service in SERVICES}
            paired = [a / b for a, b in zip(medians["bench-limits"], medians["bench-sesslimit"])]
            table.add(count, *(spread(medians[service]) for service in SERVICES), spread(paired))
            ours[count] = statistics.median(medians["bench-sesslimit"])
            ratios[count] = statistics.median(paired)
            result.figures[count] = medians
    result.hold(f"500 sessions: {ratios[500]:.0f} times cheaper than pam_limits", ratios[500] >= 50)
    flat = max(ours.values()) / min(ours.values())
    result.hold(f"flat: the slowest takes {flat:.2f} times as long as the fastest", flat <= 1.2)
    return result


def ssh(programs: Programs) -> Result:
    table = Table("", "median ms", "p90 ms")
    goal = "none: the time that sesslimit adds to a login"
    result = Result("ssh", "ssh host true, 30 runs with and without in turn, Debian 13", goal, table)
    seconds: dict[str, list[float]] = {"with sesslimit": [], "without": []}
    with machine(programs) as host:
        whole = host.read(PAM_STACK)
        stacks = {
            "with sesslimit": whole,
            "without": "".join(line for line in whole.splitlines(True) if "pam_sesslimit" not in line),
        }
        argv = host.argv(["ssh", "-T", "alice@127.0.0.1", "true"])
        for turn in range(31):
            for name, text in stacks.items():
                host.write(PAM_STACK, text)
                began = time.monotonic()
                subprocess.run(argv, check=True, capture_output=True, env={"HOME": "/root", "PATH": os.environ["PATH"]})
                if turn > 0:  # the first run of each is a warm-up
                    seconds[name].append((time.monotonic() - began) * 1000)
    for name, times in seconds.items():
        table.add(name, f"{statistics.median(times):.1f}", f"{quantile(times, 0.9):.1f}")
    gained = [a - b for a, b in zip(*seconds.values())]
    table.add("difference of each pair", spread(gained), f"{quantile(gained, 0.9):.1f}")
    result.figures = seconds
    return result


ALL = {"pam": pam, "ssh": ssh}
