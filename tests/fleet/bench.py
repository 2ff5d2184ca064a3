#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""usage: bench.py BUILD [--etcd TREE] [-o FILE] [PATTERN]

Measures a fleet with three nodes of etcd: runs the benchmarks whose names match PATTERN (a regular expression; default:
all) and prints a table for each. Writes all measurements to FILE (JSON; default: BUILD/fleet.json). BUILD is the build
directory of the preset "bench", and TREE the file tree that contains etcd. Run by "tests/run bench-fleet" in
tests/fleet/isolated. Exits with 1 if a limit was not exact, and with 0 regardless of the other figures.
"""

import argparse
import re
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "bench"), str(HERE.parent / "lab")]
sys.dont_write_bytecode = True

import figures  # noqa: E402
from fleet import measures  # noqa: E402
from fleet.cluster import Cluster, Etcd  # noqa: E402
from fleet.net import Network  # noqa: E402
from fleet.pki import Authority  # noqa: E402
from fleet.simulation import Simulations  # noqa: E402


def run(given, directory):
    """Runs the benchmarks, and returns their results."""
    etcd = Etcd(given.etcd)
    there = figures.machine()
    print(f"{there['cpu']}, {there['cores']} cores, Linux {there['kernel']}, {there['date']}, load {there['load']}")
    print(f"etcd {etcd.version()}, three nodes on this machine, data in memory. Ratios are those of one round, whose sides "
          "alternate; in parentheses the middle half of the rounds.")
    cluster = Cluster(Network(), Authority(directory / "authority"), directory, etcd)
    simulations, results = None, []
    try:
        cluster.start()
        simulations = Simulations(cluster, given.build / "tests/fleet/bench/bench_fleet")
        setup = measures.Setup(cluster, simulations, given.build / "fleet/fleetd/sesslimit-fleetd")
        for name, measure in measures.ALL.items():
            if re.search(given.pattern, name):
                began = time.monotonic()
                result = measure(setup)
                print(f"{result}\n  ({time.monotonic() - began:.0f} s)", flush=True)
                results.append(result)
    finally:
        if simulations:
            simulations.close()
        cluster.close()
    return results


def main():
    parser = argparse.ArgumentParser(description="Measures a fleet and compares it with etcd.")
    parser.add_argument("build", type=Path)
    parser.add_argument("--etcd", type=Path, default=Path("/"))
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("pattern", nargs="?", default="")
    given = parser.parse_intermixed_args()
    with tempfile.TemporaryDirectory(dir="/run") as directory:
        results = run(given, Path(directory))
    figures.write(given.output or given.build / "fleet.json", results)
    inexact = any(not met for result in results if result.name == "exact" for _, met in result.verdicts)
    sys.exit(1 if inexact else 0)


if __name__ == "__main__":
    main()
