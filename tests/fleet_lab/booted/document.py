# SPDX-License-Identifier: MIT
"""The commands and files of docs/fleet.md."""

import re
import textwrap
from pathlib import Path

TEXT = (Path(__file__).resolve().parents[3] / "docs/fleet.md").read_text(encoding="utf-8")


def block(first, **words):
    """Returns the block of code whose first line starts with a text. Replaces its words in capitals.

    A word is replaced only as a whole, so that ADDRESS differs from ADDRESS1, and NODE from ETCD_NAME.
    """
    found = [textwrap.dedent(text) for text in re.findall(r"(?ms)^ *```\n(.*?)^ *```$", TEXT)]
    (text,) = [text for text in found if text.startswith(first)]
    for word, value in words.items():
        text = re.sub(rf"(?<![A-Z_]){word}(?![A-Z0-9_])", value, text)
    left = set(re.findall(r"(?<![A-Z_])(?:NODE|ADDRESS|HOST|FLEET)\d?(?![A-Z0-9_])", text))
    assert not left, f"no value for {left} in:\n{text}"
    return text


def says(text):
    """Returns a text that the document must contain."""
    assert text in TEXT, f"docs/fleet.md does not contain: {text}"
    return text
