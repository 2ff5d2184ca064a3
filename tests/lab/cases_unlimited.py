# SPDX-License-Identifier: MIT
"""Field cases of users without limits: sesslimit must not affect their sessions.

Not collected by default: tests/run cases. Each case fails with the packages of 8a1275f.
"""

import time

from lab import apt, client, console
from lab.background import Background, terminated
from lab.left_behind import open_sessions
from lab.machine import wait_until
from lab.shells import ShellCount

UNLIMITED = "although no limit applies to their users"

# sshd's stack without pam_sesslimit.so.
WITHOUT_MODULE = """
grep -v pam_sesslimit.so /etc/pam.d/common-session > /etc/pam.d/lab-session
sed -i 's/^@include common-session$/@include lab-session/' /etc/pam.d/sshd
grep -q lab-session /etc/pam.d/sshd
"""


def adopted(host, users):
    """Waits until the daemon lists these sessions, which logind had before the installation."""
    wait_until(
        "their adoption", lambda: all(len(open_sessions(host, user)) == users.count(user) for user in set(users)), 20)


def leave(host, login, cut):
    """Ends the login by a logout, or by SIGKILL for its client."""
    if not cut:
        login.log_out()
    login.close()


def wait_logged_out(host, *users):
    for user in users:
        wait_until(f"{user}'s logout", lambda: not host.login_processes(user), 20)


def case_A01_jobs_of_unlimited_users_outlive_logout(stock, debs, saw):
    """Ten logins from before the installation, with the shipped policy; half of the connections are cut."""
    users = ["alice", "bob", "carol", "root"] * 2 + ["alice", "bob"]
    logins = [client.shell(stock, user) for user in users[:8]] + [console.log_in(stock, user) for user in users[8:]]
    jobs = [Background(stock, client.opened(login), user) for user, login in zip(users, logins)]
    apt.install(stock, debs)
    adopted(stock, users)
    for number, login in enumerate(logins):
        leave(stock, login, cut=number % 2)
    wait_logged_out(stock, *set(users))
    killed = terminated(jobs)
    assert not killed, f"{killed} at logout {UNLIMITED}"
    saw("installed with apt-get while ten logins of four users were open: every tmux and nohup job outlives its login")


POLICY_A01 = """version = 1
[defaults]
max_sessions = 5
[[rule]]
name = "exempt"
match.user = ["root"]
exempt = true
[[rule]]
name = "unlimited"
match.user = ["bob"]
max_sessions = "unlimited"
"""


def case_A01_jobs_of_adopted_sessions_outlive_logout(stock, debs, saw):
    """Adopted sessions: of an exempt user, of a limited user who logs out, of a PAM service without the module."""
    logins = [client.opened(client.shell(stock, user)) for user in ("root", "carol")]
    jobs = [Background(stock, logins[0], "root", "exempt"), Background(stock, logins[1], "carol", "limited")]
    apt.install(stock, debs)
    stock.policy(POLICY_A01)
    stock.sh(WITHOUT_MODULE)
    logins.append(client.opened(client.shell(stock, "bob")))
    jobs.append(Background(stock, logins[2], "bob", "service without the module"))
    adopted(stock, ["root", "carol", "bob"])
    for login in logins:
        leave(stock, login, cut=False)
    wait_logged_out(stock, "root", "carol", "bob")
    killed = terminated(jobs)
    assert not killed, f"{killed} although their users logged out properly"
    saw("adopted sessions of exempt root, of a limited user, of a PAM service without the module: their jobs live on")


POLICY_A02 = """version = 1
[[rule]]
name = "limited"
match.user = ["alice", "carol"]
max_sessions = 1
[[rule]]
name = "exempt"
match.user = ["carol"]
exempt = true
"""


def case_A02_killed_monitor_terminates_limited_session_only(host, saw):
    """sshd's monitor process, the leader of the session, is killed."""
    host.policy(POLICY_A02)
    shells = {user: client.opened(client.shell(host, user)) for user in ("alice", "bob", "carol")}
    jobs = [Background(host, shells["bob"], "bob"), Background(host, shells["carol"], "carol", "exempt")]
    leaders = [str(host.sessions(user)[0].leader) for user in shells]
    with ShellCount(host, "alice") as count:
        host.run("kill", "-KILL", *leaders)
        admitted = sum(client.shell(host, "alice").verdict() for _ in range(3))
        killed = terminated(jobs)
    assert count.most == 1, f"alice had {count.most} live shells at limit 1 after her session's leader was killed"
    assert not killed, f"{killed} when sshd's monitor process was killed {UNLIMITED}"
    gone = [user for user in ("bob", "carol") if not shells[user].running]
    assert not gone, f"shells of {gone} were terminated when sshd's monitor process was killed {UNLIMITED}"
    saw("sshd's monitor killed: jobs of an unlimited and of an exempt user live on; limit 1: never two shells, "
        f"{admitted} of 3 logins after it admitted")


POLICY_A03 = """version = 1
[defaults]
mode = "observe"
max_sessions = 1
max_duration = "1h"
"""


def case_A03_observed_session_is_released_at_logout(stock, debs, saw):
    """As A01, with limits that are only observed: nothing is terminated, and the session is released."""
    shell = client.opened(client.shell(stock, "bob"))
    jobs = [Background(stock, shell, "bob")]
    apt.install(stock, debs)
    stock.policy(POLICY_A03)
    adopted(stock, ["bob"])
    shell.log_out()
    wait_logged_out(stock, "bob")
    killed = terminated(jobs)
    assert not killed, f"{killed} at logout although the limits are only observed"
    listed = open_sessions(stock, "bob")
    assert not listed, f"bob's session is still listed after the logout: {listed[0]['state']}"
    since = time.monotonic()
    client.opened(client.shell(stock, "bob"))
    (session,), _ = wait_until("bob's new session", lambda: open_sessions(stock, "bob"), 10)
    counted = [each.message for each in stock.events(user="bob", since=since) if each.event.startswith("would-")]
    assert not counted, f"bob's session is still counted after the logout: {counted}"
    saw(f"observed: released at logout, tmux and nohup job live on; the next session, {session['id']}, is the only one")
