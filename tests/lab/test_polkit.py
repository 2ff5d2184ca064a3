# SPDX-License-Identifier: MIT
"""Who else may end sessions: nobody without polkit; where it is installed, those whom its rules let."""

import re
import time

from lab import client, ctl
from lab.base import PASSWORDS
from lab.machine import wait_until

RULE = """
polkit.addRule(function(action, subject) {
    if (action.id == "org.sesslimit1.end-session" && subject.isInGroup("opers")) {
        return polkit.Result.YES;
    }
});
"""
NOT_ALLOWED = 4

# Ends the session $1 as alice, five times at once, while polkit answers nobody, then as carol, and lets polkit go on as
# soon as the first has an answer: a line each, in the order of the answers.
CROWD = r"""
polkit=$(systemctl show -P MainPID polkit.service)
kill -STOP "$polkit"
trap 'kill -CONT "$polkit"' EXIT
end() {
    said=$(runuser -u "$1" -- sesslimitctl end --no-ask "$2" 2>&1); status=$?
    printf '%s %s %s\n' "$1" "$status" "${said//$'\n'/ }"
}
for _ in 1 2 3 4 5; do end alice "$1" & done
wait -n
end carol "$1" &
sleep 0.5
kill -CONT "$polkit"
wait
"""


def session_of(host, user):
    """A shell of the user's only session, and that session's id."""
    shell = client.shell(host, user)
    assert shell.verdict(), shell.output
    return shell, wait_until("its session", lambda: host.sessions(user), 10)[0][0].id


def takes_password(host):
    """Whether polkit's question has turned the echo off: what is typed before that, it throws away."""
    terminal = host.sh("ps -C sesslimitctl -o tty=").strip()
    return re.search(r"(?<!\S)-echo(?!\S)", host.sh(f"stty -a -F /dev/{terminal}"))


def test_admin_group(stock, debs, saw):
    stock.install_sesslimit(debs)
    stock.sh("groupadd opers && usermod -aG opers carol")
    bob, bob_id = session_of(stock, "bob")
    carol, _ = session_of(stock, "carol")

    before = ctl.run(stock, "end", bob_id, user="carol")
    assert before.returncode == NOT_ALLOWED and bob.running
    stock.install_later("polkit")
    stock.write("/etc/polkit-1/rules.d/50-opers.rules", RULE)
    stock.run("systemctl", "restart", "polkit.service")

    began = time.monotonic()
    denied = ctl.run(stock, "end", bob_id, user="alice")
    asked = time.monotonic() - began
    assert denied.returncode == NOT_ALLOWED and bob.running
    reload = ctl.run(stock, "reload", user="carol")
    assert reload.returncode == NOT_ALLOWED

    carol.send(f"sesslimitctl end --no-ask {bob_id}; echo \"st\"atus $?\n")
    carol.expect("status 0", 20)
    bob.wait(10)
    told = bob.expect("This session was terminated: requested by [^.]*", 1).text
    assert told.endswith("carol")
    saw(f"without polkit, carol of the group opers: {before.stderr.strip()}")
    saw(f"with polkit and a rule for opers: carol ends bob's session, bob reads: {told}")
    saw(f"the rule does not cover reload: {reload.stderr.strip()}")
    saw(f"alice, for whom there is no rule, after {asked:.2f} s: {denied.stderr.strip()}")

    # Whom no rule lets may type an administrator's password, where there is a terminal.
    bob, bob_id = session_of(stock, "bob")
    alice, _ = session_of(stock, "alice")
    alice.send(f"sesslimitctl end {bob_id}\n")
    alice.expect(r"\[y/N\] ", 10)
    alice.send("y\n")
    alice.expect("Password: ", 20)
    wait_until("polkit takes a password", lambda: takes_password(stock), 10)
    alice.send(f"{PASSWORDS['root']}\n")
    bob.wait(20)
    told = bob.expect("This session was terminated: requested by [^.]*", 1).text
    assert told.endswith("alice")
    assert not re.search(r"not allowed", alice.output)
    saw(f"alice with root's password, typed at polkit's question: bob reads: {told}")

    # polkit may wait for as long as somebody takes to type: who asks for much shuts out nobody else.
    _, bob_id = session_of(stock, "bob")
    first, *others = stock.run("bash", "-c", CROWD, "crowd", bob_id, timeout=40).stdout.splitlines()
    assert re.fullmatch(r"alice 1 .*Too many calls are under way.*", first), (first, others)
    assert sorted(each[:8] for each in others) == ["alice 4 "] * 4 + ["carol 0 "], others
    saw(f"5 questions of alice at once, polkit stopped: {first!r}; goes on: the other 4 are denied, carol's is granted")
