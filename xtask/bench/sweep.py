"""J4 by other libraries: a grid of SMA pairs over the hourly bars, next open, 0.1 % fee."""

import numpy as np
from peer import CASH, FEE, arguments, column, serve

peer, data = arguments()
names = ("seconds.i64", "open.f64", "high.f64", "low.f64", "close.f64", "volume.f64")
ts, o, h, l, c, v = (column(data / "hours", name) for name in names)
ns = ts * 1_000_000_000
fasts, slows = np.arange(5, 55, 2), np.arange(60, 260, 5)
if peer != "numba":
    fasts = fasts[::6]
pairs = len(fasts) * len(slows)


def compare(fills):
    """The largest difference of a pair's fills from the loop by hand."""
    from loops import sweep

    apart = np.abs(sweep(o, c, fasts, slows, FEE, CASH)[:, 0] - fills).max()
    return f"{pairs} pairs, fills of a pair at most {apart:.0f} apart"


if peer == "numba":
    from loops import sweep

    def run():
        return sweep(o, c, fasts, slows, FEE, CASH)

    note = "by hand: no orders, no ledger; one core"
elif peer == "raptorbt":
    import raptorbt as rb

    config = rb.BacktestConfig(initial_capital=CASH, fees=FEE, fill_timing="next_bar_open")

    def run():
        mean = {int(k): rb.sma(c, int(k)) for k in np.r_[fasts, slows]}
        fills = []
        for f in fasts:
            items = []
            for s in slows:
                a, b = mean[int(f)], mean[int(s)]
                items.append(rb.BatchSingleItem(f"{f}-{s}", a > b, a <= b))
            done = rb.batch_single_backtest(ns, o, h, l, c, v, items, config=config)
            fills += [2 * x[1].metrics.total_trades for x in done]
        return np.array(fills)

    note = compare
elif peer == "vectorbt":
    import pandas as pd
    import vectorbt as vbt

    index = pd.DatetimeIndex(ns.astype("datetime64[ns]"))
    closes, opens = pd.Series(c, index), pd.Series(o, index)

    def run():
        periods = np.r_[fasts, slows]
        mean = dict(zip(periods.tolist(), vbt.MA.run(closes, periods).ma.values.T))
        fills = []
        for f in fasts:
            fast, slow = mean[int(f)][:, None], np.stack([mean[int(s)] for s in slows], 1)
            up, down = fast > slow, fast <= slow
            entries, exits = np.zeros(up.shape, bool), np.zeros(up.shape, bool)
            entries[1:], exits[1:] = up[:-1], down[:-1]
            book = vbt.Portfolio.from_signals(
                closes, entries, exits, price=opens, size=1.0, fees=FEE, init_cash=CASH, freq="1h"
            )
            book.final_value()
            fills.append(book.orders.count().values)
        return np.concatenate(fills)

    note = compare
else:
    raise SystemExit(f"no such peer: {peer}")

serve(peer, {"kernel": (run, pairs * len(c), note)})
