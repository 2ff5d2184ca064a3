# SPDX-License-Identifier: MIT
"""What users read."""

import re

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x07")


def plain(output: str) -> str:
    """A terminal's output without colours, modes and bells, each line ended by one newline."""
    return re.sub(r"[\r\n]+", "\n", _ESCAPES.sub("", output))


HEADER = r"Message from sesslimit on lab \((\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4})\):"
WARNING = "this session ends in"
KEPT = "this session stays open"
MAXIMUM = "this session was ended: it reached its maximum duration of 20s"
IDLE = "this session was ended: no input for 20s"
DISPLACED = r"this session was ended: limit of \d+ sessions? reached, and a newer login from 127\.0\.0\.1 took its place"
