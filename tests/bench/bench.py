# SPDX-License-Identifier: MIT
"""usage: bench.py BUILD [-o FILE] [PATTERN]

Runs the benchmarks whose names match PATTERN (a regular expression; default: all) and prints a table for each. Writes
all measurements to FILE (JSON; default: BUILD/NAME.json for each). BUILD is the build directory of the preset "bench".
Exits with 0 regardless of the figures. A missed goal is reported, but is not an error.
"""

import argparse
import re
import time
from pathlib import Path

import booted
import figures
import measures
from plain import Programs


def main() -> None:
    parser = argparse.ArgumentParser(description="Measures sesslimit and compares it with a baseline.")
    parser.add_argument("build", type=Path)
    parser.add_argument("-o", "--output", type=Path, help="one JSON file for all benchmarks")
    parser.add_argument("pattern", nargs="?", default="", help="only the benchmarks whose name matches")
    given = parser.parse_intermixed_args()
    programs = Programs(given.build)
    there = figures.machine()
    print(f"{there['cpu']}, {there['cores']} cores, Linux {there['kernel']}, {there['date']}, load {there['load']}")
    print("Medians of rounds that alternate with the baseline; in parentheses the middle half of the rounds.")
    results = []
    for name, run in (measures.ALL | booted.ALL).items():
        if re.search(given.pattern, name):
            began = time.monotonic()
            result = run(programs)
            print(f"{result}\n  ({time.monotonic() - began:.0f} s)", flush=True)
            results.append(result)
            if given.output is None:
                figures.write(given.build / f"{name}.json", [result])
    if given.output is not None:
        figures.write(given.output, results)


if __name__ == "__main__":
    main()
