"""Writes reference values of the shipped stocks' signal inputs, computed with numpy and pandas.

    pip install numpy==2.4.6 pandas==3.1.1
    python xtask/scripts/reference_signals.py app/examples/data \\
        > testkit/reference/us_stocks_signals.csv

Ten evenly spaced bars a symbol, from the first with full windows to the last, and the fifth bar of
each new share count after a split, whose windows hold prices of both.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

HEADER = f"""\
# Reference values of us-stocks.csv.gz with us-stocks-actions.csv. numpy {np.__version__}, pandas {pd.__version__},
# by xtask/scripts/reference_signals.py.
# factor: 1 at the symbol's first bar, times split * (1 + dividend / close) on each ex-date.
# total_return_index: close * factor.
# std_60: sample standard deviation (ddof 1) of the last 60 simple returns of total_return_index.
# max_high_50, min_low_70: extremes of high * factor and low * factor over the last 50 and 70 bars.
# Every window ends with the row's own bar.
"""


def main():
    folder = Path(sys.argv[1])
    bars = pd.read_csv(folder / "us-stocks.csv.gz")
    actions = pd.read_csv(folder / "us-stocks-actions.csv")
    sys.stdout.write(HEADER)
    for symbol, table in bars.groupby("Ticker"):
        table = table.set_index("Date")
        own = actions[actions["symbol"] == symbol].set_index("date")
        splits = own.loc[own["kind"] == "split", "value"]
        dividends = own.loc[own["kind"] == "dividend", "value"]
        step = splits.reindex(table.index, fill_value=1.0) * (
            1 + dividends.reindex(table.index, fill_value=0.0) / table["Close"]
        )
        factor = step.cumprod()
        index = table["Close"] * factor
        result = pd.DataFrame(
            {
                "symbol": symbol,
                "factor": factor,
                "total_return_index": index,
                "std_60": index.pct_change().rolling(60).std(ddof=1),
                "max_high_50": (table["High"] * factor).rolling(50).max(),
                "min_low_70": (table["Low"] * factor).rolling(70).min(),
            }
        )
        # pandas updates rolling moments as it goes; the values of record come from numpy.
        rows = set(np.linspace(69, len(table) - 1, 10).astype(int))
        rows |= {table.index.get_loc(date) + 4 for date in splits.index}
        returns = index.to_numpy()[1:] / index.to_numpy()[:-1] - 1
        std = np.array([returns[row - 60 : row].std(ddof=1) for row in sorted(rows)])
        result = result.iloc[sorted(rows)].copy()
        if not np.allclose(result["std_60"], std, rtol=1e-9, atol=0):
            sys.exit(f"{symbol}: numpy and pandas disagree on std_60")
        result["std_60"] = std
        result.to_csv(
            sys.stdout, index_label="date", header=symbol == "AAPL", lineterminator="\n"
        )


if __name__ == "__main__":
    main()
