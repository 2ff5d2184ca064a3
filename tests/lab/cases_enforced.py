# SPDX-License-Identifier: MIT
"""Field cases of limits that are not enforced, or not against the user that they are meant for.

Not collected by default: tests/run cases. Each case fails with the packages of 8a1275f.
"""

import json
import re
import time

import pytest

from lab import client, ctl
from lab.base import PASSWORDS
from lab.host import PAM_STACK
from lab.left_behind import open_sessions
from lab.machine import wait_until

REACHED = "limit of {} sessions? reached"


def move_module(host, control, behind):
    """Gives pam_sesslimit.so another control value; behind: puts its line after that of pam_systemd."""
    ours = [line for line in host.read(PAM_STACK).splitlines() if "pam_sesslimit.so" in line]
    others = [line for line in host.read(PAM_STACK).splitlines() if line not in ours]
    (at,) = [number for number, line in enumerate(others) if "pam_systemd.so" in line]
    others.insert(at + behind, f"session {control} pam_sesslimit.so")
    host.write(PAM_STACK, "\n".join(others) + "\n")


def users_shown(host):
    return [each["user"] for each in open_sessions(host)]


def answers(login):
    """Returns whether a shell still runs a command."""
    at = len(login.output.encode())
    login.send("echo it $((40 + 2))\n")
    return bool(wait_until("an answer", lambda: login.find("it 42", at) or not login.running, 20)[0]) and login.running


def case_A07_end_user_distinguishes_name_and_uid(host, saw):
    """One user is named like the UID of another one."""
    uid = host.run("id", "-u", "bob").stdout.strip()
    home = f"/home/{uid}"
    host.sh(f"""
        grep -q '^{uid}:' /etc/passwd || echo '{uid}:x:4001:4001::{home}:/bin/bash' >> /etc/passwd
        grep -q '^{uid}:' /etc/shadow || echo '{uid}:*:19000:0:99999:7:::' >> /etc/shadow
        rm -rf {home}; cp -a /home/alice {home}; chown -R 4001:4001 {home}""")
    bob, named = (client.shell(host, user) for user in ("bob", uid))
    for each in (bob, named):
        each.prompt()
    wait_until("both in the list", lambda: {"bob", uid} <= set(users_shown(host)), 10)
    ctl.text(host, "end-user", uid)
    named.wait(20)
    assert answers(bob), f"'end-user {uid}' terminated not only the user of that name but also bob, whose UID is {uid}"
    named = client.shell(host, uid)
    named.prompt()
    wait_until("both in the list", lambda: {"bob", uid} <= set(users_shown(host)), 10)
    ctl.text(host, "end-user", f"uid:{uid}")
    bob.wait(20)
    assert answers(named), f"'end-user uid:{uid}' terminated the session of the user {uid}, whose UID is 4001"
    saw(f"end-user {uid} terminates the user of that name only, end-user uid:{uid} only bob")


def case_B04_module_behind_pam_systemd_enforces_limit(host, saw):
    move_module(host, "requisite", behind=True)
    host.limit("alice", "max_sessions = 2")
    since = time.monotonic()
    logins = [client.shell(host, "alice") for _ in range(6)]
    admitted = [each.verdict() for each in logins].count(True)
    assert admitted == 2, f"{admitted} of 6 logins are admitted at limit 2 when the PAM line is behind pam_systemd"
    said = host.journal_text(since).splitlines()
    warnings = [line for line in said if re.match(r".*sesslimit.*pam_systemd", line) and "sshd" in line]
    assert warnings, "the journal has no warning that the PAM line of the service sshd is behind pam_systemd"
    saw(f"line behind pam_systemd: {admitted} of 6 admitted at limit 2; {warnings[0]}")


@pytest.mark.parametrize("control", ["optional", "required"])
def case_B05_denied_user_reads_reason(host, saw, control):
    move_module(host, control, behind=False)
    host.limit("alice", "max_sessions = 1")
    first = client.shell(host, "alice")
    first.prompt()
    denied = {
        "with a terminal": client.shell(host, "alice"),
        "with a command": client.command(host, "alice", "sleep 60"),
    }
    for each in denied.values():
        each.wait(30)
    took = wait_until("one session", lambda: len(host.sessions("alice")) == 1, 15)[1]
    if control == "optional":
        denied.pop("with a command")  # the session is open for sshd, which then shows messages on terminals only
    untold = [how for how, each in denied.items() if not each.find(REACHED.format(1))]
    assert not untold, f"a denied user of ssh {' and '.join(untold)} reads no reason when the PAM line is {control}"
    assert answers(first)
    saw(f"{control}: denied with the reason, by ssh {' and '.join(denied)}; gone {took:.1f} s later")


POLICY_B09 = """version = 1
[defaults]
ignore_services = ["systemd-user", "sudo"]
[[rule]]
name = "one"
match.user = ["bob"]
max_sessions = 1
"""


def su_in_own_scope(shell, number):
    """Runs su to bob in a scope of alice's user manager; returns whose shell it is then."""
    at = len(shell.output.encode())
    shell.send(f"systemd-run --user --scope --unit=session-{number} su - bob\n")
    at = shell.expect("Password: ", 20, at).end
    shell.send(f"{PASSWORDS['bob']}\n")
    at = shell.prompt(20, at).end
    shell.send("echo as $(id -un)\n")
    return shell.expect("as (alice|bob)", 20, at).text.split()[1]


# Copies the data of an ssh client to and from an AF_UNIX socket.
PROXY_B07 = """
use IO::Socket::UNIX;
my $socket = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die;
my ($from, $to, $data) = fork ? (*STDIN, $socket) : ($socket, *STDOUT);
syswrite $to, $data while sysread $from, $data, 65536;
shutdown $socket, 1;
"""
POLICY_B07 = """version = 1
[[rule]]
name = "not at the console"
match.user = "alice"
match.origin = "!local"
max_sessions = 1
"""


def case_B07_login_through_unix_socket_of_sshd_is_not_local(host, saw):
    for kind, text in (
        ("socket", "[Socket]\nListenStream=/run/lab-sshd.sock\nSocketMode=0666\nAccept=yes\n"),
        ("service", "[Service]\nExecStart=/usr/sbin/sshd -i\nStandardInput=socket\nStandardError=journal\n"),
    ):
        host.write(f"/run/systemd/system/lab-sshd{'@' * (kind == 'service')}.{kind}", text)
    host.write("/run/lab-proxy", PROXY_B07)
    host.sh("systemctl daemon-reload; systemctl start lab-sshd.socket")
    try:
        host.policy(POLICY_B07)
        through = ["-o", "ProxyCommand=perl /run/lab-proxy /run/lab-sshd.sock"]
        first = client.shell(host, "alice", through)
        first.prompt()
        second = client.shell(host, "alice", through)
        assert not second.verdict(), "a rule for !local does not apply to sshd's AF_UNIX socket: two shells at limit 1"
        assert second.find(REACHED.format(1)), second.output
        (session,) = open_sessions(host, "alice")
        assert session["origin"] == "unix", session
        assert first.log_out() == 0
        saw("through sshd's AF_UNIX socket: origin unix, denied at the limit of a rule for !local")
    finally:
        host.sh("systemctl stop lab-sshd.socket; rm /run/systemd/system/lab-sshd* /run/lab-proxy; "
                "systemctl daemon-reload")


def case_B08_rule_for_last_of_5000_groups_applies(host, saw):
    groups = "".join(f"lab{number}:x:{20000 + number}:alice\n" for number in range(5000))
    before = host.read("/etc/group")
    host.write("/etc/group", before + groups)
    try:
        host.policy('version = 1\n[[rule]]\nname = "last"\nmatch.group = ["lab4999"]\nmax_sessions = 1\n')
        first = client.shell(host, "alice")
        first.prompt()
        second = client.shell(host, "alice")
        assert not second.verdict(), "a rule for the last of 5000 groups does not apply: two shells at limit 1"
        assert second.find(REACHED.format(1)) and answers(first)
        explained = json.loads(ctl.text(host, "explain", "alice", "--json=short"))
        assert "last" in [each["rule"] for each in explained["rules"]], explained
        saw("a rule for the last of alice's 5000 groups: the second login is denied at limit 1, explain shows the rule")
    finally:
        host.write("/etc/group", before)


def case_B09_su_in_scope_of_user_manager_is_counted(host, saw):
    """The user's own scope has the name of a session's scope."""
    host.policy(POLICY_B09)
    shell = client.shell(host, "alice")
    shell.prompt()
    first = client.shell(host, "bob")
    first.prompt()
    assert su_in_own_scope(shell, 77) == "alice", "bob's su in alice's scope session-77 is admitted beyond limit 1"
    assert shell.find(REACHED.format(1)), shell.output
    first.log_out()
    host.wait_clean("bob")
    assert su_in_own_scope(shell, 78) == "bob", shell.output
    second = client.shell(host, "bob")
    assert not second.verdict(), "bob's su in alice's scope session-78 is not counted: bob has two shells at limit 1"
    assert "bob" in users_shown(host)
    saw("su of bob in a scope session-N of alice's user manager: denied at limit 1, and counted when it is admitted")


def case_B10_sshd_started_in_a_session_is_limited(host, saw):
    host.limit("alice", 'max_sessions = 2\nidle_timeout = "60s"\nwarn_before = []')
    root = client.shell(host, "root")
    root.prompt()
    root.send("/usr/sbin/sshd -p 2223 -o PidFile=/run/lab-sshd.pid -o ListenAddress=127.0.0.1\n")
    try:
        wait_until("the second sshd", lambda: host.path("/run/lab-sshd.pid").exists(), 10)
        unused, used = (client.shell(host, "alice", ["-p", "2223"]) for _ in range(2))
        for shell in (unused, used):
            shell.prompt()
        assert users_shown(host).count("alice") == 2, users_shown(host)
        for options in ([], ["-p", "2223"]):
            denied = client.shell(host, "alice", options)
            assert not denied.verdict() and denied.find(REACHED.format(2)), denied.output
        began = time.monotonic()
        while unused.running and time.monotonic() < began + 100:
            used.send("true\n")
            time.sleep(2)
        assert unused.find("no activity for 1min") and answers(used) and answers(root), unused.output
        root.send("su alice -c 'echo as $(id -un)'\n")
        root.expect("as alice", 20)
        assert used.log_out() == 0
        wait_until("no session of alice", lambda: users_shown(host) == ["root"], 10)
        saw("sshd -p 2223 in root's session: counted, denied at limit 2, terminated as idle; su there is not counted")
    finally:
        host.sh("kill $(cat /run/lab-sshd.pid)")


def journal_since(host, since, text, *arguments):
    return [line for line in host.journal_text(since, *arguments).splitlines() if text in line]


def case_B11_sshd_without_pam_is_reported(host, saw):
    host.write("/etc/ssh/sshd_config.d/00-lab.conf", "UsePAM no\n")
    try:
        host.sh("systemctl reload ssh")
        host.sh("systemctl restart sesslimitd.service")
        # The daemon before the restart may have read the file, too, because it reads it after its start.
        daemon = "_PID=" + host.run("systemctl", "show", "--property=MainPID", "--value", "sesslimitd").stdout.strip()
        shell = client.shell(host, "alice")
        shell.prompt()
        assert users_shown(host) == []
        warned = wait_until("a journal entry", lambda: journal_since(host, 0, "sshd does not use PAM", daemon), 10)[0]
        assert len(warned) == 1, warned
        for command in ("status", "audit"):
            text = ctl.run(host, command).stdout
            assert "sshd does not use PAM" in text and "/etc/ssh/sshd_config.d/00-lab.conf" in text, text
        saw(f"UsePAM no: journal, status and audit say: {warned[0]}")
    finally:
        host.sh("rm /etc/ssh/sshd_config.d/00-lab.conf; systemctl reload ssh")


def case_B11_limits_without_pam_systemd(host, saw):
    stack = host.read(PAM_STACK)
    host.write(PAM_STACK, "".join(line + "\n" for line in stack.splitlines() if "pam_systemd.so" not in line))
    host.limit("alice", 'max_sessions = 2\nidle_timeout = "60s"\nwarn_before = ["20s"]')
    since = time.monotonic()
    used, unused = (client.shell(host, "alice") for _ in range(2))
    for shell in (used, unused):
        shell.prompt()
    assert not client.shell(host, "alice").verdict()
    unused.send("sh -c 'trap : TERM; sleep 977; sleep 977'\n")

    def states():
        return [(one["state"], bool(one["terminals"])) for one in open_sessions(host)]

    wait_until("both active", lambda: states() == [("active", True)] * 2, 45)
    entries = journal_since(host, since, "logind has no session")
    assert len(entries) == 1 and "sshd" in entries[0], entries
    assert "logind has no session for 2 open sessions" in ctl.run(host, "status").stdout
    assert re.search(r"pam_systemd.so is missing in the session stack of .*sshd", ctl.run(host, "audit").stdout)
    while unused.running:
        used.send("true\n")
        time.sleep(2)
        assert time.monotonic() - since < 150, "not terminated as idle"
    assert unused.find("no activity for 1min"), unused.output
    assert answers(used)
    wait_until("no process left", lambda: host.run("pgrep", "-fx", "sleep 977", check=False).stdout == "", 10)
    saw(f"without pam_systemd: two sessions active, the idle one terminated with its processes "
        f"{time.monotonic() - since:.0f} s after its login; journal: {entries[0]}")


def case_B12_run0_and_greeter_are_not_counted(host, saw):
    """The PAM services of run0 and of greetd's greeter."""
    host.limit("alice", "max_sessions = 0")
    ways = {}
    if host.path("/usr/bin/run0").exists():
        ways["run0"] = ["run0", "--user=alice", "id", "-un"]
    for service in ("systemd-run0", "greetd-greeter"):
        if not host.path(f"/etc/pam.d/{service}").exists():
            host.write(f"/etc/pam.d/{service}", "account required pam_permit.so\n@include common-session\n")
        ways[service] = ["systemd-run", "--wait", "--pipe", "-q", "-p", "User=alice", "-p", f"PAMName={service}", "id",
                         "-un"]
    for name, argv in ways.items():
        done = host.run(*argv, check=False)
        assert done.stdout.strip() == "alice", f"{name}: a session of alice is denied, though it is not a login: {done}"
    assert not client.shell(host, "alice").verdict(), "a login of alice is admitted at limit 0"
    saw(f"limit 0: {', '.join(ways)} run as alice, her login is denied")
