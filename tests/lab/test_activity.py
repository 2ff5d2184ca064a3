# SPDX-License-Identifier: MIT
"""Users who type through a session to another host: kept as long as they type, terminated at the idle limit.

A part of the combinations in activity.py. Each pair of options is in at least one row.
"""

from lab import logins
from lab.activity import RHYTHMS, check, pairwise, typing_rows

USED = 75  # seconds for which sessions are used


def test_sessions_are_kept_while_users_type_through_them(host, saw):
    rhythms = [name for name, (_, (_, longest)) in RHYTHMS.items() if longest < USED / 2]
    with logins.serving(host):
        check(host, typing_rows(host, rhythms, pairwise), USED, saw)
