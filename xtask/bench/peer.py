"""One peer in one process: answers each line CASE on stdin with one line of JSON on stdout.

Data are columns of 8-byte little-endian values in the folder that the caller names.
"""

import json
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

CASH = 1_000_000.0
FEE = 0.001


def arguments():
    """The peer's name and the folder of the data."""
    return sys.argv[1], Path(sys.argv[2])


def column(folder, name):
    """A column of one series."""
    kind = "<i8" if name.endswith("i64") else "<f8"
    return np.fromfile(folder / name, dtype=kind)


def daily(folder):
    """Daily closes, a row a day, a column a symbol."""
    days, symbols = map(int, (folder / "days" / "shape.txt").read_text().split())
    return column(folder / "days", "close.f64").reshape(days, symbols)


def serve(package, cases):
    """Runs cases on demand. A case is (work, units of work, note); a note is text or is made from
    the result of the first run, which is not timed: it loads and compiles."""
    try:
        number = version(package)
    except PackageNotFoundError:
        number = "?"
    print(json.dumps({"version": number, "cases": list(cases)}), flush=True)
    notes = {}
    for line in sys.stdin:
        case = line.strip()
        work, n, note = cases[case]
        if case not in notes:
            result = work()
            notes[case] = note(result) if callable(note) else note
        cpu, wall = time.process_time_ns(), time.perf_counter_ns()
        work()
        wall, cpu = time.perf_counter_ns() - wall, time.process_time_ns() - cpu
        print(
            json.dumps({"wall_ns": wall, "cpu_ns": cpu, "n": n, "note": notes[case]}), flush=True
        )
