# SPDX-License-Identifier: MIT
"""Logins that count as sessions and activities that do not."""

import pytest

from lab import client
from lab.base import PASSWORDS
from lab.machine import wait_until

LIMIT = "limit of 3 sessions reached"


@pytest.mark.storm
def test_ssh_commands_are_counted(host, saw):
    host.limit("alice", "max_sessions = 3")
    # Each command waits for the end of its input, so that all of them overlap, and then runs `true`.
    commands = [client.command(host, "alice", "cat; true") for _ in range(6)]
    wait_until("3 of them ended", lambda: sum(not each.running for each in commands) == 3, 30)
    wait_until("3 sessions", lambda: len(host.sessions("alice")) == 3, 10)
    denied = [each for each in commands if not each.running]
    admitted = [each for each in commands if each.running]
    assert all(LIMIT in each.output for each in denied), [each.output for each in denied]
    for each in admitted:
        each.close_input()
    assert [each.wait(20) for each in admitted] == [0, 0, 0]
    assert all(each.wait(20) != 0 for each in denied)
    saw(f"limit 3, ssh host command ×6 overlapping: {len(admitted)} admitted, {len(denied)} denied")


def test_sftp_forwarding_and_shell_are_counted(host, saw):
    host.limit("alice", "max_sessions = 3")
    files = client.sftp(host, "alice")
    files.send("pwd\n")
    files.expect("/home/alice", 20)
    forward = client.forward(host, "alice")
    forward.expect("Authenticated", 20)
    shell = client.shell(host, "alice")
    assert shell.verdict()
    wait_until("3 sessions", lambda: len(host.sessions("alice")) == 3, 10)
    one_more = client.shell(host, "alice")
    assert not one_more.verdict() and LIMIT in one_more.output
    second_files = client.sftp(host, "alice")
    assert second_files.wait(20) != 0
    freed = []
    for each, bye in ((files, lambda: files.send("bye\n")), (forward, forward.close)):
        bye()
        if each is files:
            files.wait(20)
        wait_until("one session less", lambda: len(host.sessions("alice")) == 2, 10)
        login = client.command(host, "alice", "true")
        freed.append(login.wait(20))
        refill = client.shell(host, "alice")
        assert refill.verdict(), refill.output
    assert freed == [0, 0]
    saw("limit 3 is reached with sftp, ssh -N and a shell; a fourth shell and a second sftp are denied")
    saw("the end of the sftp and of the ssh -N frees one slot each")


def test_su_sudo_cron_and_user_manager_are_not_counted(host, saw):
    host.limit("alice", "max_sessions = 1")
    shell = client.shell(host, "alice")
    assert shell.verdict()
    ran = [su(shell), sudo(shell), cron(host), user_manager(host)]
    still = client.shell(host, "alice")
    assert not still.verdict(), "the one session is no longer counted"
    assert "limit of 1 session reached" in still.output
    assert shell.log_out() == 0
    again = client.command(host, "alice", "true")
    assert again.wait(20) == 0, again.output
    assert host.events("denied", "alice")[-1].message  # the denial is in the journal too
    saw(f"limit 1, one shell open: {', '.join(ran)} work and are not counted; a second ssh login is denied")


def su(shell):
    at = shell.prompt().end
    shell.send("su - alice -c 'echo su $((40 + 2))'\n")
    asked = shell.expect("Password: ", 10, at)
    shell.send(f"{PASSWORDS['alice']}\n")
    shell.expect("su 42", 10, asked.end)
    return "su -"


def sudo(shell):
    at = len(shell.output.encode())
    shell.send("sudo -n -u alice -i sh -c 'echo sudo $((40 + 3))'\n")
    shell.expect("sudo 43", 10, at)
    return "sudo -i"


def cron(host):
    """Runs a job that starts as soon as cron starts, as at boot."""
    host.write("/etc/cron.d/lab", "@reboot alice id -un > /tmp/cron-ran\n")
    host.sh("rm -f /run/crond.reboot /var/run/crond.reboot && systemctl restart cron")
    wait_until("the cron job", lambda: host.path("/tmp/cron-ran").exists() and host.read("/tmp/cron-ran") == "alice\n", 20)
    host.sh("rm /etc/cron.d/lab /tmp/cron-ran")
    return "cron"


def user_manager(host):
    host.sh('systemctl restart "user@$(id -u alice).service"')
    return "the user manager"
