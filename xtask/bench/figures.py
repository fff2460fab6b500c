"""J5 by other libraries: Sharpe, Sortino, drawdown, VaR 95, ES 95 and CAGR of daily returns."""

import numpy as np
from peer import arguments, daily, serve

peer, data = arguments()
close = daily(data)
r = close[1:] / close[:-1] - 1.0
days, symbols = r.shape
rows = np.ascontiguousarray(r.T)
note = ""

if peer == "numba":
    import numba as nb

    @nb.njit
    def one(x, buffer):
        n = x.size
        m = x.mean()
        s = 0.0
        d = 0.0
        equity = 1.0
        peak = 1.0
        worst = 0.0
        for i in range(n):
            s += (x[i] - m) ** 2
            if x[i] < 0:
                d += x[i] * x[i]
            equity *= 1.0 + x[i]
            peak = max(peak, equity)
            worst = min(worst, equity / peak - 1.0)
            buffer[i] = x[i]
        at = 0.05 * (n - 1)
        k = int(np.floor(at))
        part = np.partition(buffer, k + 1)
        low = part[: k + 1].max()
        var = low + (at - k) * (part[k + 1] - low)
        total = 0.0
        count = 0
        for i in range(n):
            if x[i] <= var:
                total += x[i]
                count += 1
        year = np.sqrt(252.0)
        return (
            m / np.sqrt(s / (n - 1)) * year,
            m / np.sqrt(d / n) * year,
            worst,
            var,
            total / count,
            equity ** (252.0 / n) - 1.0,
        )

    @nb.njit
    def every(rows):
        out = np.empty((rows.shape[0], 6))
        buffer = np.empty(rows.shape[1])
        for j in range(rows.shape[0]):
            out[j] = one(rows[j], buffer)
        return out

    def run():
        return every(rows)

    note = "by hand"
elif peer == "numpy":

    def run():
        m, equity = r.mean(0), np.cumprod(1 + r, 0)
        peak = np.maximum(np.maximum.accumulate(equity, 0), 1.0)
        var = np.quantile(r, 0.05, axis=0)
        es = np.where(r <= var, r, 0).sum(0) / (r <= var).sum(0)
        downside = np.sqrt((np.minimum(r, 0) ** 2).mean(0))
        return (
            m / r.std(0, ddof=1) * 252**0.5,
            m / downside * 252**0.5,
            (equity / peak - 1).min(0),
            var,
            es,
            equity[-1] ** (252 / days) - 1,
        )

    note = "by hand, whole arrays"
elif peer == "empyrical":
    import empyrical as e

    def run():
        return [
            (
                e.sharpe_ratio(x),
                e.sortino_ratio(x),
                e.max_drawdown(x),
                e.value_at_risk(x, 0.05),
                e.conditional_value_at_risk(x, 0.05),
                e.cagr(x),
            )
            for x in rows
        ]

elif peer == "quantstats":
    import pandas as pd
    import quantstats.stats as q

    symbols = min(symbols, 20)
    index = pd.bdate_range("2005-01-04", periods=days)
    series = [pd.Series(rows[k], index=index) for k in range(symbols)]

    def run():
        return [
            (
                q.sharpe(s),
                q.sortino(s),
                q.max_drawdown(s),
                q.value_at_risk(s),
                q.expected_shortfall(s),
                q.cagr(s),
            )
            for s in series
        ]

    note = "20 series; its VaR is of a normal distribution, its CAGR of calendar years"
else:
    raise SystemExit(f"no such peer: {peer}")

package = {"empyrical": "empyrical-reloaded"}.get(peer, peer)
serve(package, {"six figures": (run, days * symbols, note)})
