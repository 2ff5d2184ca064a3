# SPDX-License-Identifier: MIT
"""Processes that are terminated with a session or outlive it: tmux, screen, nohup, setsid, systemd-run, lingering."""

import re
import time

import pytest

from lab import client, ctl
from lab.machine import wait_until

USER = "alice"
LOOP = "i=0; while sleep 0.05; do i=$((i+1)); echo $i > /tmp/lab-{0}; done"  # always has a recently started child
KEPT = {"bash", "screen", "tmux: server"}
LATEST = 60  # seconds until the termination of a session whose limit is 20 s
UNITS = "/etc/systemd/logind.conf.d/lab.conf"


@pytest.fixture
def clean(host):
    """Yields the machine. Afterwards terminates the processes that have outlived sessions."""
    yield host
    host.sh("systemctl stop 'sesslimit-kept-*.scope'; rm -f /tmp/lab-* /home/alice/nohup.out")


def a_shell(host):
    """Returns a client at its prompt, and the ID of its session."""
    before = {each.id for each in host.sessions(USER)}
    shell = client.shell(host, USER)
    assert shell.verdict(), shell.output
    added, _ = wait_until("the session", lambda: [e for e in host.sessions(USER) if e.id not in before], 10)
    return shell, added[0].id


def type_line(shell, text, seen, timeout=20):
    """Types a line and waits for `seen` in its output. The line itself must not contain it."""
    at = len(shell.output.encode())
    shell.send(text + "\n")
    return shell.expect(seen, timeout, at)


def start_everything(shell):
    """Starts a tmux server with a shell and a job, a screen server with a job, and two other background processes."""
    type_line(
        shell,
        f"tmux new-session -d -s work; tmux new-window -d -t work '{LOOP.format('tmux')}'; "
        f"screen -dmS work bash -c '{LOOP.format('screen')}'; "
        "nohup sleep 1111 & setsid sleep 2222 & echo started $((40 + 2))",
        "started 42",
    )


def counter(host, name):
    path = host.path(f"/tmp/lab-{name}")
    return int(path.read_text(encoding="ascii").strip() or 0) if path.exists() else 0


def goes_on(host, name):
    """Waits until the counter of the job has increased."""
    now = counter(host, name)
    wait_until(f"the job of {name} to continue", lambda: counter(host, name) > now + 2, 20)


def commands(host):
    """Returns the commands of alice's processes, without those of the user manager."""
    lines = host.run("ps", "-ww", "-u", USER, "-o", "args=", check=False).stdout.splitlines()
    return [line for line in lines if "systemd --user" not in line and "(sd-pam)" not in line]


def show(host, session, kept=frozenset()):
    """Returns the properties of the session as soon as they list all programs, and `kept` as kept.

    The daemon updates the lists every two seconds. The process of screen is kept as soon as it has called setsid(2).
    """

    def properties():
        shown = ctl.data(host, "sessions", "show", session)[0]
        programs = {"bash", "screen", "sleep", "tmux: server"} <= set(shown["commands"])
        return shown if programs and kept <= set(shown["kept"]) else None

    return wait_until("all programs in the list", properties, 10)[0]


def running(host, pattern):
    return [each for each in commands(host) if re.search(pattern, each)]


def nothing_runs(host):
    wait_until("all of alice's processes to exit", lambda: not commands(host), 30)


def manager_state(host):
    return host.sh(f"systemctl is-active user@$(id -u {USER}).service || true").strip()


def linger(host, verb):
    """Changes lingering in a service, because logind 257 does not serve a process outside of the machine's cgroups."""
    host.run("systemd-run", "--quiet", "--wait", "loginctl", verb, USER)


def said_of_kept_programs(host, since):
    return [line for line in host.journal_text(since, "_COMM=sesslimitd").splitlines() if "kept programs" in line]


def only_multiplexers_are_left(host, shell, since):
    """Checks that the session has been terminated except tmux, screen and the processes in them."""
    shell.wait(LATEST)
    host.wait_clean(USER)
    for name in ("tmux", "screen"):
        goes_on(host, name)
    assert not running(host, r"sleep (1111|2222)"), commands(host)
    assert not running(host, r"^sshd"), commands(host)

    def is_kept():
        listed = ctl.data(host, "sessions", "list", "--user", USER)
        return [each["state"] for each in listed] == ["left-behind"] and "kept" in listed[0]["scope"]

    wait_until("only a scope", is_kept, 10)
    (said,) = said_of_kept_programs(host, since)
    where = r"sesslimit-kept-\w+-\d+\.scope"
    assert re.search(rf"Terminating session .*; moved \d+ processes of kept programs to {where}\.$", said), said
    return said


def come_back(host):
    """Logs in, attaches to both servers, and finds the former shell. Returns the client, in tmux, and its session."""
    shell, session = a_shell(host)
    type_line(shell, "screen -ls", r"\.work\s.*Detached")
    shell.send("screen -r work\n")
    wait_until("screen to be attached", lambda: running(host, r"^screen -r work"), 10)
    shell.send("\x01d")
    wait_until("screen to be detached", lambda: not running(host, r"^screen -r work"), 10)
    shell.send("tmux attach -t work\n")
    wait_until("tmux to be attached", lambda: running(host, r"^tmux attach"), 10)
    type_line(shell, "echo it is $(tty) $left", r"it is /dev/pts/\d+ behind")
    return shell, session


def leave_something(shell):
    """Sets a variable in the shell of tmux's first window, which stays detached."""
    shell.send("tmux send-keys -t work:0 'left=behind' Enter\n")


@pytest.mark.parametrize("kill_user_processes", ["no", "yes"])
def test_multiplexer_is_preserved_at_max_duration(clean, saw, kill_user_processes):
    host = clean
    host.write(UNITS, f"[Login]\nKillUserProcesses={kill_user_processes}\n")
    host.sh("systemctl restart systemd-logind")
    host.limit(USER, 'max_duration = "20s"\nwarn_before = []\nkeep = ["tmux", "screen"]')
    since = time.monotonic()
    shell, session = a_shell(host)
    start_everything(shell)
    leave_something(shell)
    assert show(host, session, KEPT)["keep"] == ["tmux", "screen"]
    only_multiplexers_are_left(host, shell, since)
    assert host.end_reasons(USER, since) == ["duration"]

    # logind stops the user manager 10 s after the last session (UserStopDelaySec). The scope does not depend on it.
    wait_until("the user manager to stop", lambda: manager_state(host) == "inactive", 40)
    for name in ("tmux", "screen"):
        goes_on(host, name)

    host.policy("version = 1\n")
    shell, session = come_back(host)
    kept = [each for each in ctl.data(host, "sessions", "show", session)[0]["other_units"] if "kept" in each]
    assert len(kept) == 1
    assert ctl.run(host, "end", session).returncode == 0
    shell.wait(LATEST)
    host.wait_clean(USER)
    for name in ("tmux", "screen"):
        goes_on(host, name)
    assert not running(host, "^tmux attach")
    host.sh(f"rm {UNITS} && systemctl restart systemd-logind")
    saw(f"KillUserProcesses={kill_user_processes}, max_duration: tmux and screen continue in {kept[0]}, the user "
        "manager has stopped; they are attached from a new login, and its termination does not affect them")


def test_multiplexer_is_preserved_at_idle_timeout(clean, saw):
    host = clean
    host.limit(USER, 'idle_timeout = "20s"\nwarn_before = []\nkeep = ["tmux", "screen"]')
    since = time.monotonic()
    shell, _ = a_shell(host)
    start_everything(shell)
    leave_something(shell)
    shell.send("tmux attach -t work\n")
    wait_until("tmux to be attached", lambda: running(host, r"^tmux attach"), 10)
    only_multiplexers_are_left(host, shell, since)
    assert host.end_reasons(USER, since) == ["idle"]
    assert not running(host, "^tmux attach")
    host.policy("version = 1\n")
    shell, _ = come_back(host)
    assert host.run("systemctl", "is-system-running").stdout.strip() == "running"
    saw("idle_timeout, attached: the client has ended, tmux and screen continue; attached from a new login")


def test_multiplexer_is_terminated_by_end_command(clean, saw):
    """sesslimitctl end terminates multiplexers, both without and with `keep`."""
    host = clean
    for settings, keeps in (("", False), ('keep = ["tmux", "screen"]', True)):
        host.limit(USER, f'max_duration = "1h"\n{settings}')
        shell, session = a_shell(host)
        start_everything(shell)
        type_line(shell, "systemd-run --user --unit=lab-goes-on sleep 3333", "Running as unit")
        wait_until("the jobs to count", lambda: counter(host, "tmux") and counter(host, "screen"), 10)
        shown = show(host, session, KEPT if keeps else frozenset())
        assert bool(shown["keep"]) == bool(shown["kept"]) == keeps
        assert shown["processes"] >= 9 and "lab-goes-on.service" in shown["other_units"]
        text = ctl.text(host, "show", session)
        assert re.search(r"^ +Ended: \d+ processes: bash, ", text, re.MULTILINE), text
        assert re.search(r"^ +NotEnded: .*lab-goes-on\.service", text, re.MULTILINE), text
        assert ctl.run(host, "end", session).returncode == 0
        shell.wait(LATEST)
        host.wait_clean(USER)
        wait_until("the other processes to exit", lambda: commands(host) == ["/usr/bin/sleep 3333"], 15)
        nothing_runs(host)  # logind stops the user manager 10 s after the last session, because alice does not linger
        host.sh("rm -f /tmp/lab-*")
    saw("sesslimitctl end: tmux, screen, nohup and setsid children are terminated, also with keep; the "
        "unit of systemd-run --user continues until logind stops the user manager, 10 s later")


def test_units_of_lingering_user_outlive_session(clean, saw):
    host = clean
    host.limit(USER, 'max_duration = "20s"\nwarn_before = []')
    linger(host, "enable-linger")
    try:
        shell, session = a_shell(host)
        type_line(shell, "systemd-run --user --unit=lab-lingers sleep 3333", "Running as unit")
        shown = ctl.data(host, "sessions", "show", session)[0]
        assert shown["lingers"] and "lab-lingers.service" in shown["other_units"]
        assert not shown["kept"]
        shell.wait(LATEST)
        host.wait_clean(USER)
        time.sleep(14)  # longer than logind waits before it stops the manager of a logged-out user
        assert manager_state(host) == "active"
        assert commands(host) == ["/usr/bin/sleep 3333"]
    finally:
        linger(host, "disable-linger")
    nothing_runs(host)
    saw("enable-linger: the user manager and the unit of systemd-run --user run 14 s after the last session")


def test_multiplexer_is_terminated_if_scope_cannot_be_created(clean, saw):
    """If the scope cannot be created, the session is terminated on time with its multiplexer. The cause is logged."""
    host = clean
    host.limit(USER, 'max_duration = "20s"\nwarn_before = []\nkeep = ["tmux", "screen"]')
    since = time.monotonic()
    shell, _ = a_shell(host)
    start_everything(shell)
    host.sh(f"echo 0 > /sys/fs/cgroup/user.slice/user-$(id -u {USER}).slice/cgroup.max.descendants")
    shell.wait(LATEST)
    host.wait_clean(USER)
    nothing_runs(host)
    wait_until("the user manager to stop", lambda: manager_state(host) == "inactive", 40)
    (said,) = said_of_kept_programs(host, since)
    assert re.search(r"together with its kept programs, which could not be moved: failed to start a scope: .", said)
    (lived,) = host.lived(USER, since)
    assert 20 <= lived <= LATEST
    saw(f"no scope possible: terminated {lived:.2f} s after the login nevertheless; {said}")
