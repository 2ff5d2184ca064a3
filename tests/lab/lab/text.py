# SPDX-License-Identifier: MIT
"""Texts that users read."""

import re
import unicodedata

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x07")


def plain(output: str) -> str:
    """Returns a terminal's output without colors, modes and bells, with each line terminated by one newline."""
    return re.sub(r"[\r\n]+", "\n", _ESCAPES.sub("", output))


def interpreted(text: str | bytes) -> list[str]:
    """Returns the characters that a terminal would interpret or hide, none of which may come from outside.

    These are control and format characters except newlines, and bytes that are not valid UTF-8.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8", errors="surrogateescape")
    # Cc control, Cf format, Cs surrogate: a byte that could not be decoded.
    return [hex(ord(each)) for each in text if each != "\n" and unicodedata.category(each) in ("Cc", "Cf", "Cs")]


HEADER = r"Message from sesslimit on lab \((\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4})\):"
WARNING = "This session ends in"
KEPT = "This session stays open"
MAXIMUM = "This session was terminated: maximum duration of 20s reached"
IDLE = "This session was terminated: no activity for 20s"
DISPLACED = r"This session was terminated: limit of \d+ sessions? reached, displaced by a newer login from 127\.0\.0\.1"
