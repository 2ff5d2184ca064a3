# SPDX-License-Identifier: MIT
"""Notices to users at login, before a termination and at the termination; and the journal after many denials."""

import datetime
import re
import time

from lab import client, console, ctl
from lab.host import seconds_of
from lab.machine import wait_until
from lab.text import HEADER

END = r"Goodbye, alice\.\r*\nThe reason: no activity for 20s\.\r*\nIt was session \w+, from 127\.0\.0\.1\.\r*\n"
WARNED = (r"This session ends in 5s, at (\d\d:\d\d:\d\d): no activity detected \(idle limit 20s\)\. "
          r"Press a key or transfer data to keep the session open\.")
ANNOUNCED = r"This session ends at ([-\d ]*\d\d:\d\d) \(in 8h\), or after 15min without activity\."
LIMITS = 'max_duration = "8h"\nidle_timeout = "15min"\nannounce = true'


def wall(monotonic):
    """Returns the machine's wall clock at that time. It is UTC."""
    return datetime.datetime.fromtimestamp(time.time() - time.monotonic() + monotonic, datetime.timezone.utc)


def seconds_from(moment, clock):
    """Returns the seconds from a moment to the nearest occurrence of a time of day."""
    hour, minute, second = map(int, clock.split(":"))
    named = moment.replace(hour=hour, minute=minute, second=second, microsecond=0)
    half_a_day = datetime.timedelta(hours=12)
    return ((named - moment + half_a_day) % (2 * half_a_day) - half_a_day).total_seconds()


def test_warning_and_end_notice_contain_header_reason_and_time(host, saw):
    host.limit("alice", 'idle_timeout = "20s"\nwarn_before = ["5s"]\n'
               'message_of_end = """\nGoodbye, {user}.\nThe reason: {reason}.\nIt was session {session}, from {host}."""')
    cooked, raw = client.shell(host, "alice"), client.shell(host, "alice")
    assert cooked.verdict() and raw.verdict()
    raw.send("stty raw -echo; echo is raw; sleep 1000\n")
    raw.expect("is raw\n", 10)
    cooked.send("\n")
    for shell in (cooked, raw):
        warned = shell.expect(f"\a\r+\n{HEADER}\r+\n{WARNED}\r+\n", 40)
        said_at, ends_at = re.search(HEADER, warned.text).group(1), re.search(WARNED, warned.text).group(1)
        spoken = datetime.datetime.strptime(said_at, "%a %b %d %H:%M:%S %Y").replace(tzinfo=datetime.timezone.utc)
        shell.wait(30)
        end = shell.expect(f"\a\r+\n{HEADER}\r+\n{END}", 1, warned.end)
        # Written before it was read, with a precision of one second.
        assert -10 <= (spoken - wall(warned.at)).total_seconds() <= 0
        assert 3 < seconds_from(spoken, ends_at) <= 6
        assert -30 <= seconds_from(wall(shell.ended_at), ends_at) <= 0, "terminated before the announced time"
        if shell is raw:
            assert not re.search("\r\r|[^\r]\n", warned.text + end.text), (warned.text, end.text)
        saw(f"{'raw' if shell is raw else 'cooked'}: {warned.text!r}")
        saw(f"terminated {-seconds_from(wall(shell.ended_at), ends_at):.1f} s after {ends_at}: {end.text!r}")


def test_reason_reaches_terminal_whose_output_is_stopped(host, saw):
    host.limit("alice", "max_sessions = 5")
    shell = client.shell(host, "alice")
    shell.prompt()
    (session,) = ctl.sessions(host, 1)
    (terminal,), _ = wait_until("its terminal", lambda: ctl.data(host, "sessions", "list")[0]["terminals"], 10)
    shell.send("\x13")  # Ctrl-S
    write = ("timeout", "1", "sh", "-c", f"echo > /dev/{terminal}")
    wait_until("a stopped terminal", lambda: host.run(*write, check=False).returncode == 124, 10)
    ctl.text(host, "end", session["id"])
    reason = shell.expect("This session was terminated: requested by root", 10).text
    saw(f"output stopped with Ctrl-S: {reason!r}")


def test_limits_are_announced_at_interactive_login(host, saw):
    host.limit("alice", LIMITS)
    at = wall(time.monotonic())
    shell, terminal = client.shell(host, "alice"), console.log_in(host, "alice")
    for each, where in ((shell, "ssh"), (terminal, "console")):
        prompt = each.prompt()
        announced = each.expect(ANNOUNCED, 1)
        assert announced.end < prompt.end, "the announcement is not before the prompt"
        named = re.search(ANNOUNCED, announced.text).group(1)[-5:]
        assert -60 <= seconds_from(at + datetime.timedelta(hours=8), f"{named}:00") <= 120
        saw(f"{where}: {announced.text}")
    other = client.shell(host, "bob")
    assert other.verdict() and "This session" not in other.output
    host.module_arguments("quiet")
    quiet = client.shell(host, "alice")
    assert quiet.verdict() and "This session" not in quiet.output
    saw("a user without limits, and the module argument quiet: no announcement")


def test_announcement_does_not_affect_file_transfers_and_commands(host, saw):
    host.limit("alice", LIMITS)
    host.sh("head -c 3000000 /dev/urandom > /root/blob; rm -rf /root/clone /root/back; mkdir /root/back")
    host.sh("su alice -c 'rm -rf ~/repo; git init -q ~/repo; cd ~/repo; echo text > file; git add file; "
            "git -c user.name=a -c user.email=a@lab commit -qm one'")
    programs = {
        "command": "ssh alice@127.0.0.1 cat < /root/blob > /root/back/command",
        "command on a terminal": "ssh -tt alice@127.0.0.1 echo on a terminal",
        "scp": "scp -q /root/blob alice@127.0.0.1:blob; scp -q alice@127.0.0.1:blob /root/back/scp",
        "scp -O": "scp -O -q /root/blob alice@127.0.0.1:blob; scp -O -q alice@127.0.0.1:blob /root/back/scp-O",
        "sftp": "printf 'put /root/blob blob\nget blob /root/back/sftp\n' | sftp -q -b - alice@127.0.0.1",
        "rsync": "rsync -e ssh /root/blob alice@127.0.0.1:rsynced; rsync -e ssh alice@127.0.0.1:rsynced /root/back/rsync",
        "git": "git clone -q ssh://alice@127.0.0.1/home/alice/repo /root/clone; git -C /root/clone fsck --strict",
    }
    said = {}
    for name, script in programs.items():
        said[name] = host.sh(f"set -e; {{ {script}; }} 2>&1")
    copies = host.sh("cd /root/back; for each in *; do cmp /root/blob $each && echo $each; done").split()
    assert sorted(copies) == sorted(["command", "scp", "scp-O", "sftp", "rsync"])
    assert host.read("/root/clone/file") == "text\n"
    assert [name for name, text in said.items() if "This session" in text] == [], said
    assert (said["command"], said["command on a terminal"].strip()) == ("", "on a terminal")
    saw(f"not printed by {', '.join(said)}; {len(copies)} copies of 3,000,000 bytes are identical")
    # For sshd, a shell without a terminal is an interactive login, in which it shows messages like motd.
    assert re.match(ANNOUNCED, host.sh("echo true | ssh -T alice@127.0.0.1"))
    host.sh("touch /home/alice/.hushlogin")
    assert host.sh("echo true | ssh -T alice@127.0.0.1") == ""
    host.sh("rm /home/alice/.hushlogin")
    saw("ssh -T without a command prints it, except with a .hushlogin")


def repeated(host, since):
    return host.entries("denials-repeated", since=since)


def deny(host, count):
    """Makes `count` denied logins, five at a time, each of which must read the reason."""
    for _ in range(count // 5):
        denied = [client.shell(host, "alice") for _ in range(5)]
        for each in denied:
            assert not each.verdict() and each.wait(20) == 254
            assert "Login denied for alice: no sessions are allowed." in each.output, each.output


def test_repeated_denials_are_logged_as_first_entry_and_count(host, saw):
    host.run("systemctl", "restart", "sesslimitd")  # ends the time window of an earlier test
    host.limit("alice", "max_sessions = 0")
    watch = ctl.watch(host, "--json=short")
    since = time.monotonic()
    deny(host, 20)
    took = time.monotonic() - since
    assert took < 55, f"{took:.0f} s: the machine is too slow to test a window of a minute"
    (first,) = host.events("denied", "alice", since)
    assert repeated(host, since) == []
    (line,), waited = wait_until("the entry with the count", lambda: repeated(host, since), 90)
    assert (line["SESSLIMIT_COUNT"], line["SESSLIMIT_USER"], line["SESSLIMIT_ORIGIN"]) == ("19", "alice", "127.0.0.1")
    # The daemon sends an entry a moment after its decision.
    assert 59 <= seconds_of(line) - first.at <= 75
    assert len(host.events("denied", "alice", since)) == 1
    told = [each["event"] for each in ctl.watched(watch)]
    assert told.count("denied") == 20, told
    saw(f"20 denials in {took:.0f} s, all read by their users and reported on the bus; in the journal 1 + 1 entries, "
        f"the second {seconds_of(line) - first.at:.1f} s after the first: {line['MESSAGE']}")

    deny(host, 5)
    assert len(host.events("denied", "alice", since)) == 1 and len(repeated(host, since)) == 1
    host.run("systemctl", "restart", "sesslimitd")
    _, last = wait_until("the entry with the rest", lambda: repeated(host, since)[1:] and repeated(host, since), 10)[0]
    assert last["SESSLIMIT_COUNT"] == "5"
    deny(host, 5)
    assert len(host.events("denied", "alice", since)) == 2
    saw(f"5 more are counted immediately; a restart of the daemon logs them: {last['MESSAGE']}")
