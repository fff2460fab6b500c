"""Derives splits and dividends from raw and adjusted closes.

    python xtask/scripts/derive_actions.py app/examples/data/us-stocks.csv.gz \\
        > app/examples/data/us-stocks-actions.csv

The vendor adjusts backwards so that
    adjusted[t] / adjusted[t-1] = (close[t] + dividend[t]) * split[t] / close[t-1].
The factor f = (adjusted ratio) / (close ratio) of a day is therefore the new shares per old share
of a split where it is far from 1, and 1 + dividend / close[t] elsewhere. Dates are ex-dates,
dividends cash a share as held on that day. A day with both a split and a dividend cannot be taken
apart: the script stops when its actions do not reproduce every adjusted ratio.
"""

import csv
import gzip
import sys
from fractions import Fraction

SPLIT_FACTOR_MIN = 1.3
TOLERANCE = 1e-9  # relative, of an adjusted ratio; the source's own precision is 1e-13


def actions(rows):
    for before, row in zip(rows, rows[1:]):
        if before["Ticker"] != row["Ticker"]:
            continue
        close = float(row["Close"])
        adjusted_ratio = float(row["Adj Close"]) / float(before["Adj Close"])
        factor = adjusted_ratio / (close / float(before["Close"]))
        split, dividend = Fraction(1), 0.0
        if factor > SPLIT_FACTOR_MIN:
            split = Fraction(factor).limit_denominator(10)
        else:
            dividend = round((factor - 1) * close, 4)
        rebuilt = (close + dividend) * float(split) / float(before["Close"])
        if abs(rebuilt / adjusted_ratio - 1) > TOLERANCE:
            sys.exit(f"{row['Ticker']} {row['Date']}: factor {factor} is no split or dividend")
        if split != 1:
            yield row["Date"], row["Ticker"], "split", f"{float(split):g}"
        if dividend:
            yield row["Date"], row["Ticker"], "dividend", str(dividend)


def main():
    with gzip.open(sys.argv[1], "rt", newline="") as file:
        rows = list(csv.DictReader(file))
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(("date", "symbol", "kind", "value"))
    writer.writerows(sorted(actions(rows)))


if __name__ == "__main__":
    main()
