# SPDX-License-Identifier: MIT
"""A virtual terminal of a machine: the keyboard of QEMU, and the text on the screen with its times."""

import json
import re
from dataclasses import dataclass, replace
from pathlib import Path

from lab.base import PASSWORDS
from lab.machine import Gone, wait_until

RECORDER = Path(__file__).with_name("record_screen.py")
PAUSE = 20  # milliseconds that a key is pressed, and between two keys

_SPECIAL = {
    " ": "spc", "\n": "ret", "-": "minus", "=": "equal", "/": "slash", ".": "dot", ",": "comma", ";": "semicolon",
    "'": "apostrophe",
}
_SHIFTED = {"_": "minus", ":": "semicolon", '"': "apostrophe", "|": "backslash", "&": "7", "(": "9", ")": "0", "$": "4"}


def _keys(character: str) -> list[str]:
    """Returns QEMU's names of the keys that type a character on a US keyboard."""
    if character in _SHIFTED:
        return ["shift", _SHIFTED[character]]
    if character.isupper():
        return ["shift", character.lower()]
    return [_SPECIAL.get(character, character)]


@dataclass(frozen=True)
class Shown:
    """An interval in which a text was on the screen, in monotonic seconds."""

    text: str
    since: float
    until: float

    @property
    def seconds(self) -> float:
        return self.until - self.since


class Screen:
    """A virtual terminal. Its recorder keeps each state of the text on it, with the time of the change."""

    def __init__(self, guest, number: int) -> None:
        self.number = number
        self._guest = guest
        self._states = f"/run/screen-{number}"

    def switch(self) -> None:
        """Switches to the terminal by a key and waits for its login prompt. Starts the recorder."""
        self._guest.write("/usr/local/sbin/record-screen", RECORDER.read_text(encoding="utf-8"), 0o755)
        unit = f"--unit=record-screen-{self.number}"
        options = ["--quiet", "--property=DefaultDependencies=no", "--property=IgnoreOnIsolate=yes"]
        self._guest.run("systemd-run", unit, *options, "/usr/local/sbin/record-screen", str(self.number), self._states)
        self.press("alt", f"f{self.number}")
        self.expect("login:$", 90)

    def press(self, *keys: str) -> None:
        """Presses keys at the same time, such as ctrl and s."""
        self._guest.monitor.execute(
            "send-key", keys=[{"type": "qcode", "data": key} for key in keys], **{"hold-time": PAUSE}
        )

    def type(self, text: str) -> None:
        for character in text:
            self.press(*_keys(character))

    def log_in(self, user: str) -> None:
        """Types name and password. Does not wait for the result of the login."""
        self.type(f"{user}\n")
        self.expect("Password:$", 30)
        self.type(f"{PASSWORDS[user]}\n")

    def states(self) -> list[tuple[float, str]]:
        """Returns the texts that the screen has shown so far, oldest first, and the times when they appeared."""
        recorded = self._guest.run("cat", self._states, check=False).stdout  # it does not exist yet at the start
        return [tuple(json.loads(line)) for line in recorded.splitlines(keepends=True) if line.endswith("\n")]

    def text(self) -> str:
        """Returns the lines of the screen without those that are empty."""
        found = self.states()
        return found[-1][1] if found else ""

    def expect(self, pattern: str, timeout: float) -> str:
        """Waits until the screen shows a text that matches. Returns the text of the screen."""
        try:
            return wait_until("", lambda: (text := self.text()) and re.search(pattern, text) and text, timeout)[0]
        except Gone:
            raise Gone(f"tty{self.number}: no {pattern!r} within {timeout:g} s: {self.text()!r}") from None

    def await_shown(self, pattern: str, timeout: float) -> Shown:
        """Waits until the screen has shown a text that matches, and no longer shows it. Returns the first interval."""
        try:
            return wait_until("", lambda: self._shown(pattern), timeout)[0]
        except Gone:
            states = self.states()[-3:]
            raise Gone(f"tty{self.number}: no end of {pattern!r} within {timeout:g} s: {states}") from None

    def _shown(self, pattern: str) -> Shown | None:
        found: Shown | None = None
        for at, text in self.states():
            match = re.search(pattern, text)
            if match and not found:
                found = Shown(match.group(), at, at)
            elif not match and found:
                return replace(found, until=at)
        return None
