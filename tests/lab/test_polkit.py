# SPDX-License-Identifier: MIT
"""Authorization to terminate sessions of other users: root only without polkit, and by polkit's rules with it."""

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

# While polkit is stopped, alice requests the end of the session $1 five times at once, then carol does. Polkit
# continues as soon as the first request has a reply. Prints a line for each request, in the order of the replies.
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
    """Returns a shell of the user's only session, and the ID of that session."""
    host.wait_clean(user)
    shell = client.shell(host, user)
    assert shell.verdict(), shell.output
    return shell, ctl.sessions(host, 1, user)[0]["id"]


def takes_password(host):
    """Returns whether the password prompt of polkit has turned echo off. It discards earlier input."""
    terminal = host.sh("ps -C sesslimitctl -o tty=").strip()
    return re.search(r"(?<!\S)-echo(?!\S)", host.sh(f"stty -a -F /dev/{terminal}"))


def test_polkit_rule_authorizes_group(stock, debs, saw):
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
    saw(f"with polkit and a rule for opers: carol terminates bob's session, bob reads: {told}")
    saw(f"the rule does not cover reload: {reload.stderr.strip()}")
    saw(f"alice, for whom no rule exists, after {asked:.2f} s: {denied.stderr.strip()}")

    # A user without a rule may type an administrator's password, if the user has a terminal.
    bob, bob_id = session_of(stock, "bob")
    alice, _ = session_of(stock, "alice")
    alice.send(f"sesslimitctl end {bob_id}\n")
    alice.expect(r"\[y/N\] ", 10)
    alice.send("y\n")
    alice.expect("Password: ", 20)
    wait_until("polkit's password prompt", lambda: takes_password(stock), 10)
    alice.send(f"{PASSWORDS['root']}\n")
    bob.wait(20)
    told = bob.expect("This session was terminated: requested by [^.]*", 1).text
    assert told.endswith("alice")
    assert not re.search(r"not allowed", alice.output)
    saw(f"alice with root's password at polkit's prompt: bob reads: {told}")

    # polkit may wait until a user has typed a password. One user's many requests must not block those of others.
    _, bob_id = session_of(stock, "bob")
    first, *others = stock.run("bash", "-c", CROWD, "crowd", bob_id, timeout=40).stdout.splitlines()
    assert re.fullmatch(r"alice 1 .*Too many calls in progress.*", first), (first, others)
    assert sorted(each[:8] for each in others) == ["alice 4 "] * 4 + ["carol 0 "], others
    saw(f"5 requests of alice at once, polkit stopped: {first!r}; then the other 4 are denied, carol's is granted")
