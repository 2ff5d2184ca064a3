# SPDX-License-Identifier: MIT
"""Edge cases of what counts as a session and as activity: one test each."""

import contextlib
import hashlib
import threading
import time

import pytest
from test_limit import DENIED, storm

from lab import client, ctl
from lab.base import PASSWORDS
from lab.machine import wait_until
from lab.own_clock import OwnClock
from lab.pam_session import PamSession
from lab.text import KEPT, WARNING

YEAR = 365 * 24 * 3600
STEP = 8  # seconds: granularity of a terminal's timestamps, by which an idle session may be terminated late
LATE = 15  # additional seconds that a busy host may be late


@contextlib.contextmanager
def typing(*shells, every=3):
    """Presses Enter in the shells now and at regular intervals."""
    stop = threading.Event()

    def type_on():
        while True:
            for shell in shells:
                shell.send("\n")
            if stop.wait(every):
                return

    thread = threading.Thread(target=type_on)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def opened(shell):
    """Waits until the shell has a prompt. Returns the shell."""
    assert shell.verdict(), shell.output
    return shell


def listed(host, user="alice"):
    """Returns the sessions that the daemon counts for the user."""
    return [each for each in ctl.data(host, "sessions", "list") if each["user"] == user]


def ended_after(terminal, since, least, most):
    """Returns the seconds from `since` to the terminal's end, which must be within these bounds."""
    terminal.wait(max(1.0, since + most - time.monotonic()) + 5)
    took = terminal.ended_at - since
    assert least <= took <= most, (took, terminal.output)
    return took


def as_alice(host, script, text=""):
    """Runs a shell script as alice, outside of any session."""
    become = ["setpriv", "--reuid=alice", "--regid=alice", "--init-groups", "--"]
    return host.run(*become, "sh", "-ec", f"cd /home/alice; {script}", text=text).stdout


def linger(host, on):
    """Enables or disables lingering for alice. Runs in the machine's cgroups, because logind checks the caller's."""
    ask = ["systemd-run", "--quiet", "--wait", "--collect", "loginctl"]
    host.run(*ask, "enable-linger" if on else "disable-linger", "alice")


def stop_user_manager(host):
    host.sh('systemctl stop "user@$(id -u alice).service"')


def user_manager(host):
    """Returns the state of alice's user manager by systemd: "active", "inactive"."""
    return host.sh('systemctl is-active "user@$(id -u alice).service" || true').strip()


def test_ssh_without_command_is_counted_and_idle(host, saw):
    """ssh -N is counted, is denied if no slot is free, and is idle if it transfers nothing."""
    host.limit("alice", 'max_sessions = 2\nidle_timeout = "20s"')
    quiet = client.forward(host, "alice")
    quiet.expect("Authenticated", 20)
    began = quiet.started_at
    kept_alive = client.forward(host, "alice", ["-o", "ServerAliveInterval=2"])
    kept_alive.expect("Authenticated", 20)
    wait_until("2 sessions", lambda: len(listed(host)) == 2, 10)
    third = client.forward(host, "alice")
    assert third.wait(20) != 0 and len(host.events("denied", "alice", began)) == 1
    took = [ended_after(each, began, 20, 20 + 20 + LATE) for each in (quiet, kept_alive)]
    host.wait_clean("alice")
    assert host.end_reasons("alice", began, 2) == ["idle"] * 2 and min(host.lived("alice", began)) >= 20
    saw(f"limit 2: two ssh -N, the third denied; idle_timeout 20s: terminated after {took[0]:.1f} s, one with "
        f"ServerAliveInterval=2 after {took[1]:.1f} s; nothing left")


def test_shells_over_one_connection_are_one_session(host, saw):
    """Several shells over one connection are one session. It is idle only if all of them are idle."""
    host.limit("alice", 'max_sessions = 1\nidle_timeout = "15s"\nwarn_before = ["7s"]')
    socket = "/run/lab-master"
    master = opened(client.shell(host, "alice", ["-M", "-S", socket]))
    second = opened(client.shell(host, "alice", ["-S", socket]))
    with typing(second, every=2):
        wait_until("one session, two terminals", lambda: [len(each["terminals"]) for each in listed(host)] == [2], 20)
        time.sleep(15 + STEP)
        assert WARNING not in master.output + second.output
    # No shell gets input from now on, until a third shell is opened between the warning and the termination.
    warned = master.expect(WARNING, 15 + STEP + LATE)
    third = opened(client.shell(host, "alice", ["-S", socket]))
    opened_at = third.started_at
    ended = ended_after(master, opened_at, 15, 15 + STEP + LATE)
    assert second.wait(10) != 0 and third.wait(10) != 0
    host.wait_clean("alice")
    assert len(host.end_reasons("alice", master.started_at)) == 1
    saw(f"limit 1, idle_timeout 15s: 2 shells over one connection are one session; input in one keeps it {15 + STEP} s "
        f"without a warning; a third, opened {opened_at - warned.at:.1f} s after the warning, keeps it: terminated "
        f"{ended:.1f} s after that")


def test_detached_multiplexer_does_not_keep_session(host, saw):
    """A detached server does not keep its session, even if it prints. Input in an attached one keeps it."""
    host.limit("alice", 'idle_timeout = "12s"')
    starts = {"tmux": "tmux new-session -d 'while sleep 1; do date; done'\n", "screen": "screen -d -m top -d 1\n"}
    attaches = {"tmux": "tmux -L attached\n", "screen": "screen\n"}
    quiet, last_key = {}, {}
    for name, start in starts.items():
        quiet[name] = opened(client.shell(host, "alice"))
        last_key[name] = quiet[name].send(start)
    typed = []
    for start in attaches.values():
        shell = opened(client.shell(host, "alice"))
        shell.send(start)
        typed.append(shell)
    with typing(*typed, every=2):
        took = {name: ended_after(shell, last_key[name], 12, 12 + STEP + LATE) for name, shell in quiet.items()}
        time.sleep(5)
        assert all(shell.running for shell in typed)
    wait_until("2 sessions", lambda: len(listed(host)) == 2, 15)
    # `keep` is not set, so the detached servers are terminated with their sessions.
    left = host.sh("ps -eo args")
    assert "tmux new-session -d" not in left and "top -d 1" not in left, left
    saw(f"idle_timeout 12s: shells with a detached server that prints: tmux terminated after {took['tmux']:.1f} s, "
        f"screen after {took['screen']:.1f} s, servers terminated; input in attached ones keeps both")


def test_user_manager_is_not_counted(host, saw):
    """systemd --user is not a session and is not denied. Its units outlive the user's session."""
    host.limit("alice", 'max_sessions = 1\nmax_duration = "15s"')
    linger(host, True)
    try:
        shell = opened(client.shell(host, "alice"))
        host.sh('systemctl restart "user@$(id -u alice).service"')
        assert len(listed(host)) == 1
        shell.send("systemd-run --user --unit=lab-job sleep 1000; echo status=$?\n")
        shell.expect("status=0", 10)
        shell.wait(40)
        host.wait_clean("alice")
        time.sleep(2)
        state = as_alice(host, 'XDG_RUNTIME_DIR="/run/user/$(id -u)" systemctl --user is-active lab-job')
        assert state == "active\n"
        assert listed(host) == []
        opened(client.shell(host, "alice"))
    finally:
        linger(host, False)
        stop_user_manager(host)
    saw("limit 1, a shell open: user@.service restarts; a job of systemd-run --user outlives the session")


def test_su_and_sudo_belong_to_their_session(host, saw):
    """su and sudo are part of the session in which they run. Input in them keeps the session."""
    host.limit("alice", 'max_sessions = 1\nidle_timeout = "12s"\nwarn_before = ["4s"]')
    shell = opened(client.shell(host, "alice"))
    shell.send("su - bob\n")
    asked = shell.expect("Password: ", 10)
    shell.send(f"{PASSWORDS['bob']}\n")
    shell.prompt(after=asked.end)
    shell.send("echo as $(id -un)\n")
    shell.expect("as bob", 10)
    with typing(shell):
        assert len(host.sessions()) == 1 and len(listed(host)) == 1 and listed(host, "bob") == []
        time.sleep(12 + STEP + 4)
        assert WARNING not in shell.output
    at = len(shell.output.encode())
    shell.send("exit\n")
    at = shell.prompt(after=at).end
    last_key = shell.send("sudo -n -i sh -c 'echo root $((40 + 2)); exec sleep 1000'\n")
    shell.expect("root 42", 10, at)
    assert len(host.sessions()) == 1 and len(listed(host)) == 1
    took = ended_after(shell, last_key, 12, 12 + STEP + LATE)
    host.wait_clean("alice")
    assert "sleep 1000" not in host.sh("ps -eo args")
    saw(f"limit 1: su - and sudo -i work and are not sessions; input in su - keeps the session {12 + STEP + 4} s "
        f"without a warning; with root's sleep in it, both are terminated {took:.1f} s after the last key")


def test_cron_and_at_jobs_are_not_limited(host, saw):
    """Cron and at jobs are never counted, denied or terminated, even at the limit with the module in their stack."""
    host.limit("alice", 'max_sessions = 1\nmax_duration = "6s"\nidle_timeout = "4s"')
    stacks = [f"/etc/pam.d/{name}" for name in ("cron", "atd")]
    before = {stack: host.read(stack) for stack in stacks}
    job = "id -un > /tmp/{0}-ran; sleep 15; id -un > /tmp/{0}-done"
    for stack in stacks:
        host.write(stack, before[stack] + "session requisite pam_sesslimit.so\nsession required pam_systemd.so\n")
    try:
        since = time.monotonic()
        shell = opened(client.shell(host, "alice"))
        host.write("/etc/cron.d/lab", f"@reboot alice {job.format('cron')}\n")
        host.sh("rm -f /run/crond.reboot /var/run/crond.reboot; systemctl restart cron; systemctl start atd")
        as_alice(host, "at now", job.format("at") + "\n")
        for name in ("cron", "at"):
            wait_until(f"the job of {name}", lambda: host.path(f"/tmp/{name}-ran").exists(), 90)
        shell.wait(30)
        for name in ("cron", "at"):
            # The shell creates the file before id(1) writes to it.
            done = host.path(f"/tmp/{name}-done")
            wait_until(f"the end of {name}'s job", lambda: done.exists() and done.read_text() == "alice\n", 30)
        assert len(host.events("admitted", "alice", since)) == len(host.end_reasons("alice", since)) == 1
        assert host.events("denied", "alice", since) == host.events("adopted", "alice", since) == []
    finally:
        for stack in stacks:
            host.write(stack, before[stack])
        host.sh("rm -f /etc/cron.d/lab /tmp/cron-* /tmp/at-*; systemctl restart cron")
    saw("limit 1, a shell open, max_duration 6s: jobs of cron and at run their 15 s; only the shell is terminated")


def test_file_transfers_complete_below_limit_and_fail_at_limit(host, saw):
    """sftp, scp, rsync and git transfer complete files in the last slot, report a denial, and are idle when unused."""
    host.sh("head -c 3000000 /dev/urandom > /root/file; rm -rf /root/got; mkdir /root/got")
    commit = "git -c user.name=a -c user.email=a commit -qm one"
    as_alice(host, f"rm -rf repo got; mkdir got; git init -q repo; cd repo; echo text > text; git add .; {commit}")
    digest = hashlib.sha256(host.path("/root/file").read_bytes()).hexdigest()
    # The command of each transfer, and its target.
    ways = {
        "sftp": (["sftp", "-q", "-b", "-", "alice@127.0.0.1"], "/home/alice/got/sftp"),
        "scp": (["scp", "-q", "/root/file", "alice@127.0.0.1:got/scp"], "/home/alice/got/scp"),
        "rsync": (["rsync", "/root/file", "alice@127.0.0.1:got/rsync"], "/home/alice/got/rsync"),
        "git": (["git", "clone", "-q", "alice@127.0.0.1:repo", "/root/got/git"], "/root/got/git/text"),
    }

    def transfer(name):
        batch = "put /root/file got/sftp\n" if name == "sftp" else ""
        return host.run(*ways[name][0], text=batch, check=False)

    host.limit("alice", "max_sessions = 1")
    since = time.monotonic()
    for name, (_, place) in ways.items():
        done = transfer(name)
        assert done.returncode == 0, (name, done)
        is_whole = host.read(place) == "text\n" if name == "git" else sha256(host, place) == digest
        assert is_whole, name
        host.wait_clean("alice")
    shell = opened(client.shell(host, "alice"))
    host.sh("rm -r /home/alice/got/* /root/got/git")
    errors = {}
    for name, (_, place) in ways.items():
        done = transfer(name)
        errors[name] = (done.stdout + done.stderr).strip()
        assert done.returncode != 0 and errors[name], (name, done)
        assert not host.path(place).exists()
    assert len(host.events("admitted", "alice", since)) == len(ways) + 1  # the transfers and the shell, no denied one
    wait_until("only the shell", lambda: len(host.login_processes("alice")) == 2, 15)
    assert shell.log_out() == 0

    host.limit("alice", 'idle_timeout = "10s"')
    idle = client.sftp(host, "alice")
    last_use = idle.send("pwd\n")
    idle.expect("/home/alice", 20)
    slow = client.program(host, ["scp", "-q", "-l", "1000", "/root/file", "alice@127.0.0.1:got/slow"])
    took = idle.expect("closed by remote host", 20 + LATE).at - last_use  # sftp itself continues to wait for a command
    assert took >= 10
    assert slow.wait(60) == 0 and sha256(host, "/home/alice/got/slow") == digest
    lasted = slow.ended_at - slow.started_at
    assert lasted > 20
    saw("limit 1: sftp, scp, rsync and git transfer complete files in the one slot; at the limit each fails: "
        + "; ".join(f"{name}: {text.splitlines()[-1]!r}" for name, text in errors.items()))
    saw(f"idle_timeout 10s: an idle sftp is terminated after {took:.1f} s, an active scp of {lasted:.0f} s is complete")


def sha256(host, path):
    return host.run("sha256sum", path).stdout.split()[0]


def test_greeter_is_not_counted_and_graphical_session_idles_by_hint(host, saw):
    """A greeter is not counted. A graphical session is idle by logind's hint only. on_idle terminates or locks it."""
    host.limit("alice", 'max_sessions = 1\nidle_timeout = "8s"')
    since = time.monotonic()
    greeter = PamSession(host, "alice", "greeter", "wayland")
    assert greeter.shows("Class") == "greeter" and listed(host) == []
    desktop = PamSession(host, "alice", "user", "wayland")
    assert ctl.sessions(host, 1)[0]["id"] == desktop.id
    denied = client.shell(host, "alice")
    assert not denied.verdict() and denied.wait(20) == DENIED
    time.sleep(8 + 4)
    assert desktop.there, "terminated although its idle hint was never set"
    hinted = time.monotonic()
    desktop.hint(True)
    wait_until("the session's end", lambda: not desktop.there, 8 + LATE)
    took = time.monotonic() - hinted
    assert took >= 8 and greeter.there
    assert host.end_reasons("alice", since) == ["idle"]

    host.limit("alice", 'idle_timeout = "8s"\non_idle = "lock"')
    desktop = PamSession(host, "alice", "user", "wayland")
    lock = "type='signal',sender='org.freedesktop.login1',interface='org.freedesktop.login1.Session',member='Lock'"
    monitor = client.program(host, ["busctl", "--system", "monitor", f"--match={lock}"])
    monitor.expect("Monitoring", 10)
    hinted = time.monotonic()
    desktop.hint(True)
    locked = monitor.expect("Member=Lock", 8 + LATE)
    assert locked.at - hinted >= 8
    time.sleep(3)
    assert desktop.there and [each.event for each in host.events("locked", "alice", since)] == ["locked"]
    for each in (desktop, greeter):
        each.end()
    saw(f"a greeter is not counted; a wayland session takes the one slot, is open after 12 s without a hint, and is "
        f"terminated {took:.1f} s after IdleHint was set (idle_timeout 8s); with on_idle=\"lock\" Lock is sent "
        f"{locked.at - hinted:.1f} s after it, and the session stays open")


def test_suspended_time_counts_and_warning_precedes_termination(host, saw):
    """Suspended time counts. If a limit expires meanwhile, an outstanding warning precedes the termination."""
    with OwnClock(host) as clock, contextlib.ExitStack() as after:
        after.callback(host.end_clients)
        host.limit("alice", 'idle_timeout = "40s"\nwarn_before = ["8s"]')
        gone, back = [opened(client.shell(host, "alice")) for _ in range(2)]
        time.sleep(3)
        resumed = clock.suspend(600)
        gone.expect(WARNING, LATE)
        back.expect(WARNING, LATE)
        key = back.send("\n")
        kept = back.expect(KEPT, LATE)
        took = ended_after(gone, resumed, 8, 8 + LATE)
        assert back.running
        # A session that was warned before, or has no warning configured, is terminated as soon as the host has resumed.
        last = ended_after(back, key, 40, 40 + STEP + LATE)
        host.wait_clean("alice")

        host.limit("alice", 'idle_timeout = "40s"')
        plain = opened(client.shell(host, "alice"))
        time.sleep(3)  # data between the last sample and the suspend is dated at the resume
        resumed = clock.suspend(600)
        at_once = ended_after(plain, resumed, 0, LATE)
        host.wait_clean("alice")

        host.limit("alice", 'max_duration = "60s"')
        timed = client.shell(host, "alice")
        began = timed.started_at
        opened(timed)
        slept = clock.suspend(45)
        lived = ended_after(timed, began, 60 - 45, max(60 - 45, slept - began) + LATE)
        host.wait_clean("alice")
    saw(f"10 min of suspend, idle_timeout 40s, warn_before 8s: warned at resume, terminated {took:.1f} s after it; a "
        f"key keeps the session ({kept.at - key:.1f} s), terminated {last:.1f} s after that key; without warn_before "
        f"terminated {at_once:.1f} s after resume")
    saw(f"max_duration 60s, 45 s of them suspended: terminated {lived:.1f} s after the login")


def test_wall_clock_steps_do_not_affect_idle_timeout(host, saw):
    """The wall clock is set forward and back, at once and in steps. Only the session without input is terminated."""
    ways = {"+1 year": [YEAR], "-2 years": [-2 * YEAR], "+1 h, 5 times": [3600] * 5, "-1 h, 5 times": [-3600] * 5,
            "+10 min and back": [600, -600]}
    host.limit("alice", 'idle_timeout = "20s"\nwarn_before = ["4s"]')
    # A timestamp step that began before the clock was set continues in the kernel. Keys in it do not change the stamp.
    took = {}
    with OwnClock(host) as clock, contextlib.ExitStack() as after:
        after.callback(host.end_clients)
        active = opened(client.shell(host, "alice"))
        (session,) = ctl.sessions(host, 1)
        with typing(active, every=2.5):
            for way, jumps in ways.items():
                idle = opened(client.shell(host, "alice"))
                last_key = idle.send("\n")
                time.sleep(1)
                started = [began(host, session)]
                for jump in jumps:
                    clock.set(jump)
                    started.append(began(host, session))
                # The daemon has noticed the change: the start time of an earlier session has moved by the same amount.
                moved = [after - before for before, after in zip(started, started[1:])]
                assert all(abs(is_ - jump) <= 1 for is_, jump in zip(moved, jumps)), (way, moved)
                took[way] = ended_after(idle, last_key, 20, 20 + STEP + LATE)
            assert active.running and WARNING not in active.output
        took["the one that typed, at last"] = ended_after(active, active.send("\n"), 20, 20 + STEP + LATE)
        host.wait_clean("alice")
    saw("idle_timeout 20s, last key to end: " + ", ".join(f"{way} {span:.1f} s" for way, span in took.items()))


def began(host, session):
    """Returns the session's start time by the daemon's wall clock, in seconds."""
    (since,) = [each["since"] for each in listed(host) if each["id"] == session["id"]]
    return since / 1e6


def test_lingering_user_manager_is_not_counted(host, saw):
    """A user manager that lingers, or that waits UserStopDelaySec after the last logout, is not a session."""
    host.limit("alice", 'max_sessions = 1\nmax_duration = "8s"')
    conf = "/etc/systemd/logind.conf.d/lab.conf"
    since = time.monotonic()
    try:
        show = ["loginctl", "show-user", "alice"]
        wait_until("alice's logind user record to be removed", lambda: host.run(*show, check=False).returncode != 0, 30)
        linger(host, True)
        wait_until("the user manager", lambda: user_manager(host) == "active", 20)
        assert listed(host) == []
        assert opened(client.shell(host, "alice")).log_out() == 0
        linger(host, False)
        host.write(conf, "[Login]\nUserStopDelaySec=60\n")
        host.run("systemctl", "restart", "systemd-logind")
        stop_user_manager(host)
        assert opened(client.shell(host, "alice")).log_out() == 0
        host.wait_clean("alice")
        time.sleep(8 + 4)  # longer than max_duration, which would end it if it were a session
        assert user_manager(host) == "active" and listed(host) == []
        assert opened(client.shell(host, "alice")).log_out() == 0
        events = {each.event for each in host.events("", "alice", since)}
        assert events <= {"admitted", "released"}, events
    finally:
        host.sh(f"rm -f {conf}; systemctl restart systemd-logind")
        linger(host, False)
        stop_user_manager(host)
    saw("limit 1: a lingering user manager, and one kept by UserStopDelaySec, take no slot and are not terminated")


def test_closing_session_takes_no_slot_and_is_not_terminated(host, saw):
    """A process left behind by a logout takes no slot and is not terminated, also after a restart of the daemon."""
    host.limit("alice", 'max_sessions = 1\nmax_duration = "12s"')
    since = time.monotonic()
    shell = opened(client.shell(host, "alice"))
    at = len(shell.output.encode())
    shell.send("nohup setsid sleep 1000 >/dev/null 2>&1 & echo started $((40 + 2))\n")
    shell.expect("started 42", 10, at)
    assert shell.log_out() == 0
    wait_until("a closing session", lambda: [each.state for each in host.sessions("alice")] == ["closing"], 10)
    for restart in (False, True):
        if restart:
            host.run("systemctl", "restart", "sesslimitd.service")
        wait_until("the session in the list", lambda: [e["state"] for e in listed(host)] == ["left-behind"], 10)
        again = client.command(host, "alice", "true")
        assert again.wait(20) == 0, again.output
    time.sleep(12 + 2)
    assert [each.state for each in host.sessions("alice")] == ["closing"]
    assert "sleep 1000" in host.sh("ps -eo args")
    wait_until("3 logouts", lambda: len(host.events("released", "alice", since)) == 3, 10)
    assert {each.event for each in host.events("", "alice", since)} == {"admitted", "released"}
    host.run("loginctl", "kill-user", "--signal=KILL", "alice")
    saw("limit 1: a closing session with a nohup child takes no slot before and after a restart of the daemon, and is "
        "not terminated")


@pytest.mark.storm
def test_simultaneous_logins_admit_exactly_the_limit(host, saw):
    """20 concurrent logins at limit 3: exactly 3 are admitted."""
    host.limit("alice", "max_sessions = 3")
    admitted, denied = storm(host, "alice", 20)
    assert len(admitted) == 3 and len(listed(host)) == 3
    assert [each.wait(20) for each in denied] == [DENIED] * 17
    saw(f"20 logins at once, limit 3: {len(admitted)} admitted, {len(denied)} denied")


def test_restart_of_logind_and_bus_loses_no_session(host, saw):
    """logind and the bus restart while sessions are open. Each session is counted once and terminated on time."""
    alice = '[[rule]]\nname = "a"\nmatch.user = ["alice"]\nmax_sessions = 2\nidle_timeout = "45s"\n'
    host.policy(f'version = 1\n{alice}[[rule]]\nname = "b"\nmatch.user = ["bob"]\nmax_duration = "50s"\n')
    since = time.monotonic()
    idle, active = [opened(client.shell(host, "alice")) for _ in range(2)]
    last_key = idle.send("\n")
    timed = opened(client.shell(host, "bob"))
    with typing(active):
        before = {each["id"]: each["key"] for each in ctl.sessions(host, 2, "alice")}
        # logind 257 does not reconnect to a restarted bus, so it has to be restarted too.
        for units in (["systemd-logind"], ["dbus", "systemd-logind"], ["systemd-logind"]):
            for unit in units:
                host.run("systemctl", "restart", unit)
            for probe in (["loginctl", "list-sessions"], ["sesslimitctl", "list"]):
                wait_until(f"{probe} after {units}", lambda: host.run(*probe, check=False).returncode == 0, 30)
            time.sleep(1)
            assert {each["id"]: each["key"] for each in listed(host)} == before
            third = client.shell(host, "alice")
            assert not third.verdict(), f"admitted after a restart of {units}"
        took = ended_after(idle, last_key, 45, 45 + STEP + LATE)
        lived = ended_after(timed, timed.started_at, 50, 50 + 3 + LATE)
        assert active.running
    host.wait_clean("bob")
    assert active.log_out() == 0
    host.wait_clean("alice")
    ended = [(each.user, each.reason) for each in host.events("ended", since=since)]
    assert sorted(ended) == [("alice", "idle"), ("bob", "duration")]
    assert host.events("adopted", since=since) == []
    saw(f"logind, both and logind restarted: the sessions keep their keys, a third is denied each time; idle "
        f"terminated {took:.1f} s after its last key (45s), a duration of 50s after {lived:.1f} s")
