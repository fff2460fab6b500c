"""Plants one error after another in a copy of a run and checks that recompute_equity.py finds each.

    python xtask/scripts/recompute_equity_test.py RUN_DIR PRICES.csv[.gz] [CONFIG.toml]
"""

import csv
import os
import shutil
import subprocess
import sys
import tempfile
from decimal import Decimal

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "recompute_equity.py")
CENT = Decimal("0.01")


def cent(column):
    return lambda rows, i: rows[i].update({column: str(Decimal(rows[i][column]) + CENT)})


def one_more(rows, i):
    rows[i].update(quantity=str(int(rows[i]["quantity"]) + 1))


def hidden_by(change, *columns):
    """The cent in cash and in equity too: each row still adds up, only the postings do not."""
    return lambda rows, i: [cent(column)(rows, i) for column in (change, *columns)]


def drop(rows, i):
    del rows[i]


# File, what is done to a row, which column the script must name.
PLANTS = [
    ("fills.csv", "price", cent("price"), "price"),
    ("fills.csv", "fee", cent("fee"), "fee"),
    ("fills.csv", "quantity", one_more, "fee"),
    ("fills.csv", "missing row", drop, None),
    ("ledger.csv", "amount", cent("amount"), "amount"),
    ("ledger.csv", "missing row", drop, "amount"),
    ("equity.csv", "cash", cent("cash"), "cash"),
    ("equity.csv", "positions_value", cent("positions_value"), "positions_value"),
    ("equity.csv", "equity", cent("equity"), "equity"),
    ("equity.csv", "cash and equity", hidden_by("cash", "equity"), "cash"),
    ("equity.csv", "missing row", drop, "time"),
]


def recompute(run, *arguments):
    return subprocess.run([sys.executable, SCRIPT, run, *arguments], capture_output=True, text=True)


def plant(path, change, where):
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    columns, index = list(rows[0]), {"first": 0, "middle": len(rows) // 2, "last": -1}[where]
    change(rows, index)
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def main(run, *arguments):
    clean = recompute(run, *arguments)
    failures, tried = [], 0
    if clean.returncode != 0:
        failures.append(f"the run itself differs: {clean.stderr or clean.stdout}")
    for where in ("first", "middle", "last"):
        for file, name, change, column in PLANTS:
            with tempfile.TemporaryDirectory() as copy:
                for part in ("fills.csv", "ledger.csv", "equity.csv", "config.toml"):
                    if os.path.exists(os.path.join(run, part)):
                        shutil.copy(os.path.join(run, part), copy)
                plant(os.path.join(copy, file), change, where)
                answer = recompute(copy, *arguments)
            tried += 1
            said = answer.stderr.strip()
            named = said.startswith(file) and f"column {column}:" in said
            if answer.returncode != 1 or not (named or column is None):
                failures.append(f"{file}, {where} row, {name}: exit {answer.returncode}, {said}")
    if failures:
        sys.exit("\n".join(failures))
    print(f"all {tried} planted errors found; {clean.stdout.strip()}")


if __name__ == "__main__":
    main(*sys.argv[1:])
