# SPDX-License-Identifier: MIT
"""Every way to use a session, and every combination of options with which users type through one.

Not collected by default: tests/run activity. test_activity.py contains a part of the combinations.
"""

import itertools
from functools import partial

import pytest
from lab import applications, client, logins
from lab.activity import ALL, RHYTHMS, SERVER_ALIVE, Row, check, typing_rows
from lab.far import Far

USED = 160  # seconds for which sessions are used

USED_ROWS = {
    "shell, -L, 600 bytes every second": Row(logins.tunnel(client.shell, 600), (1, 1)),
    "shell, -L, a query every 10 s": Row(logins.tunnel(client.shell), (10, 10)),
    "-N -D, a page every 7 s": Row(logins.tunnel(client.forward, 300, by_socks=True), (7, 7)),
    "shell, -D, a page every 7 s": Row(logins.tunnel(client.shell, 300, by_socks=True), (7, 7)),
    "-N -R, a query every 10 s": Row(logins.reverse_tunnel, (10, 10)),
    "-Y, the pointer moves over xterm": Row(applications.x11, (5, 5)),
    "shell and rsync by ControlMaster": Row(logins.transfer_beside_shell("rsync")),
    "shell and scp by ControlMaster": Row(logins.transfer_beside_shell("scp")),
    "shell and git by ControlMaster": Row(logins.git_beside_shell, (8, 8)),
    "editor's server": Row(applications.editor, (6, 6), period=5),
    "editor's server with a terminal": Row(partial(applications.editor, terminal="terminal"), (6, 6), period=5),
    "-T, prints lines": Row(logins.lines, (6, 20)),
    "shell, tail -f, output counts": Row(logins.tail_in_shell, (6, 20), activity=ALL),
    "Cockpit with the Terminal page": Row(applications.cockpit, is_limited=False),
}

EDITOR_ALIVE = partial(logins.left_alone_editor, options=["-o", "ServerAliveInterval=2"])
CLIENT_ALIVE = "ClientAliveInterval 7"
CLIENT_ALIVE_PERIOD = 14  # with sshd of OpenSSH 9.2

LEFT_ALONE = {
    "shell": Row(logins.shell),
    "shell, ClientAliveInterval 7": Row(logins.shell, period=CLIENT_ALIVE_PERIOD, sshd=CLIENT_ALIVE),
    "-N": Row(logins.quiet_forward),
    "-N, ServerAliveInterval 5": Row(logins.keepalive_forward, period=5),
    "-J": Row(partial(logins.through, typed=False)),
    "-J, ServerAliveInterval 5 inside": Row(logins.keepalives_inside, period=5),
    "-W, keepalives inside and outside": Row(
        partial(logins.through, typed=False, inner=SERVER_ALIVE, outer=[]), period=5, sshd=CLIENT_ALIVE),
    "-W, keepalives of both clients": Row(
        partial(logins.through, typed=False, inner=SERVER_ALIVE, outer=["-o", "ServerAliveInterval=7"]), period=5),
    "-J, quiet watch": Row(partial(logins.through, typed=False, line="watch -n 2 true\n")),
    "-N -L, editor": Row(logins.left_alone_editor, period=5),
    # Each sample contains keepalives of the connection and forwarded data.
    "-N -L, editor, ServerAliveInterval 2": Row(EDITOR_ALIVE, idle=90, period=5),
    "shell, -L, editor, ServerAliveInterval 2": Row(partial(EDITOR_ALIVE, start=client.shell), idle=90, period=5),
    "editor's server": Row(partial(applications.editor, used=False), period=5),
    "editor's server with a terminal": Row(
        partial(applications.editor, used=False, terminal="terminal"), period=5),
    "shell, tmux detached, prints": Row(logins.printing_tmux),
    "shell, ssh inner top": Row(logins.top_elsewhere),
    "shell, prints, dead peer, output counts": Row(logins.dead_peer, activity=ALL, delay=10),
    "shell, answers PING every 3 s": Row(logins.answering, period=3),
}

def test_sessions_are_kept_in_use_and_terminated_when_left_alone(host, saw):
    rows = {
        **{f"used: {name}": row for name, row in USED_ROWS.items()},
        **{f"left alone: {name}": row for name, row in LEFT_ALONE.items()},
    }
    with applications.installed(host), logins.serving(host), Far(host):
        check(host, rows, USED, saw)


@pytest.mark.parametrize("first", range(0, len(RHYTHMS), 2))
def test_sessions_are_kept_while_users_type_through_them(host, first, saw):
    rhythms = list(RHYTHMS)[first:first + 2]
    with logins.serving(host):
        check(host, typing_rows(host, rhythms, itertools.product), USED, saw)
