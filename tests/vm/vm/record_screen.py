#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Records the text of a virtual terminal, inside of a virtual machine. Arguments: the terminal's number, a file.

Appends a line to the file for each change: the monotonic time in seconds and the lines of the screen, in JSON.
"""

import json
import os
import select
import sys
import time


def read_screen(number):
    """Returns the lines of the screen without trailing blanks and empty lines."""
    with open(f"/dev/vcsa{number}", "rb", buffering=0) as attributes:
        columns = os.pread(attributes.fileno(), 2, 0)[1]
    with open(f"/dev/vcs{number}", "rb", buffering=0) as screen:
        cells = os.pread(screen.fileno(), 1 << 16, 0).decode("latin-1")
    lines = (cells[at : at + columns].rstrip() for at in range(0, len(cells), columns))
    return "\n".join(line for line in lines if line)


def main():
    number, path = sys.argv[1:]
    shown = None
    with open(f"/dev/vcs{number}", "rb", buffering=0) as screen, open(path, "a", encoding="utf-8") as states:
        changes = select.poll()
        changes.register(screen, select.POLLPRI)
        while True:
            text = read_screen(number)
            if text != shown:
                states.write(json.dumps([time.monotonic(), text]) + "\n")
                states.flush()
                shown = text
            # The kernel reports a change once for each open file, until the file is read.
            changes.poll(100)
            os.pread(screen.fileno(), 1, 0)
            time.sleep(0.01)  # joins the characters of one output


if __name__ == "__main__":
    main()
