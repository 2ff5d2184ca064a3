# SPDX-License-Identifier: MIT
"""Common parts of the benchmarks: the machine's description, medians and spreads, a table, and the result file."""

import datetime
import json
import os
import platform
import statistics
from pathlib import Path


def machine() -> dict:
    """Returns the description of the machine on which the figures are measured."""
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as info:
        models = [line.split(":", 1)[1].strip() for line in info if line.startswith(("model name", "Model"))]
    return {
        "cpu": models[0] if models else platform.machine(),
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "date": datetime.datetime.now().astimezone().isoformat(timespec="minutes"),
        "load": round(os.getloadavg()[0], 1),
    }


def quantile(values: list[float], share: float) -> float:
    """Returns the smallest value that at least this share of the values does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, min(len(ordered) - 1, int(share * len(ordered) + 0.999999) - 1))]


def spread(values: list[float]) -> str:
    """Returns the median, and the bounds of the middle half of the rounds."""
    return f"{statistics.median(values):.2f} ({quantile(values, 0.25):.2f} to {quantile(values, 0.75):.2f})"


class Table:
    """A table of cells as text, also available as JSON."""

    def __init__(self, *columns: str) -> None:
        self._columns, self._rows = columns, []

    def add(self, *cells: object) -> None:
        self._rows.append([str(cell) for cell in cells])

    def __str__(self) -> str:
        lines = [list(self._columns), *self._rows]
        widths = [max(len(line[at]) for line in lines) for at in range(len(self._columns))]
        texts = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines]
        return "\n".join([texts[0], "-" * max(map(len, texts)), *texts[1:]])

    def json(self) -> list[dict]:
        return [dict(zip(self._columns, row)) for row in self._rows]


class Result:
    """The result of a benchmark: its table, whether each part of the goal is met, and the measurements."""

    def __init__(self, name: str, title: str, goal: str, table: Table) -> None:
        self.name, self.title, self.goal, self.table = name, title, goal, table
        self.verdicts: list[tuple[str, bool]] = []
        self.figures: dict = {}

    def hold(self, what: str, met: bool) -> None:
        """Adds a part of the goal, with the measured figure in its text."""
        self.verdicts.append((what, met))

    def __str__(self) -> str:
        held = [f"  {'met   ' if met else 'NOT MET'} {what}" for what, met in self.verdicts]
        return "\n".join([f"\n=== {self.name}: {self.title}", f"goal: {self.goal}", "", str(self.table), "", *held])

    def json(self) -> dict:
        return {
            "name": self.name,
            "title": self.title,
            "goal": self.goal,
            "verdicts": [{"what": what, "met": met} for what, met in self.verdicts],
            "table": self.table.json(),
            "figures": self.figures,
        }


def write(path: Path, results: list[Result]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"machine": machine(), "results": [each.json() for each in results]}, indent=1)
    path.write_text(text + "\n", encoding="utf-8")
