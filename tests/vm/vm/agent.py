#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Runs commands for the tests, inside of a virtual machine. It needs neither PAM nor the network.

Reads requests from a virtio port, one JSON object per line: {"id": 1, "argv": ["id"], "input": ""}. Answers each with
{"id": 1, "status": 0, "output": "...", "errors": "..."} when the command has exited. Commands run at the same time.
"""

import json
import subprocess
import threading

_writing = threading.Lock()


def answer(port, request):
    done = subprocess.run(
        request["argv"], input=request["input"], capture_output=True, text=True, errors="replace", check=False
    )
    result = {"id": request["id"], "status": done.returncode, "output": done.stdout, "errors": done.stderr}
    with _writing:
        left = json.dumps(result).encode() + b"\n"
        while left:
            left = left[port.write(left):]


def main():
    with open("/dev/virtio-ports/vm-agent", "r+b", buffering=0) as port:
        received = b""
        while data := port.read(65536):  # empty if the host has closed the port
            *lines, received = (received + data).split(b"\n")
            for line in lines:
                threading.Thread(target=answer, args=(port, json.loads(line)), daemon=True).start()


if __name__ == "__main__":
    main()
