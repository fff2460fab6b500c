"""J1 by other libraries: indicators over the one-minute closes; ATR also reads highs and lows."""

import numpy as np
from peer import arguments, column, serve

peer, data = arguments()
h, l, c = (column(data / "minutes", f"{name}.f64") for name in ("high", "low", "close"))
n = len(c)
package = {"talib": "TA-Lib", "kand": "kand"}.get(peer, peer)
population = "ddof 0"
notes = {}

if peer == "talib":
    import talib as t

    work = {
        "SMA 50": lambda: t.SMA(c, 50),
        "EMA 20": lambda: t.EMA(c, 20),
        "RSI 14": lambda: t.RSI(c, 14),
        "ATR 14": lambda: t.ATR(h, l, c, 14),
        "std 30": lambda: t.STDDEV(c, 30),
        "max 50": lambda: t.MAX(c, 50),
        "min 50": lambda: t.MIN(c, 50),
    }
    notes = {"std 30": population}
elif peer == "kand":
    import kand as t

    work = {
        "SMA 50": lambda: t.sma(c, 50),
        "EMA 20": lambda: t.ema(c, 20),
        "RSI 14": lambda: t.rsi(c, 14),
        "ATR 14": lambda: t.atr(h, l, c, 14),
        "std 30": lambda: t.stddev(c, 30),
        "max 50": lambda: t.max(c, 50),
        "min 50": lambda: t.min(c, 50),
    }
    notes = {"std 30": population}
elif peer == "bottleneck":
    import bottleneck as t

    work = {
        "SMA 50": lambda: t.move_mean(c, 50),
        "std 30": lambda: t.move_std(c, 30, ddof=1),
        "max 50": lambda: t.move_max(c, 50),
        "min 50": lambda: t.move_min(c, 50),
    }
elif peer == "pandas":
    import pandas as pd

    s, hs, ls = pd.Series(c), pd.Series(h), pd.Series(l)

    def wilder(x):
        return x.ewm(alpha=1 / 14, adjust=False).mean()

    def rsi():
        change = s.diff()
        gain, loss = wilder(change.clip(lower=0)), wilder(-change.clip(upper=0))
        return 100 * gain / (gain + loss)

    def atr():
        before = s.shift(1)
        return wilder(np.maximum(hs, before) - np.minimum(ls, before))

    work = {
        "SMA 50": lambda: s.rolling(50).mean(),
        "EMA 20": lambda: s.ewm(span=20, adjust=False).mean(),
        "RSI 14": rsi,
        "ATR 14": atr,
        "std 30": lambda: s.rolling(30).std(),
        "max 50": lambda: s.rolling(50).max(),
        "min 50": lambda: s.rolling(50).min(),
    }
elif peer == "polars":
    import polars as pl

    frame = pl.DataFrame({"h": h, "l": l, "c": c})
    close = pl.col("c")

    def one(expression):
        return lambda: frame.lazy().select(o=expression).collect()["o"].to_numpy()

    def wilder(x):
        return x.fill_null(0).ewm_mean(alpha=1 / 14, adjust=False)

    gain = wilder(close.diff().clip(lower_bound=0))
    loss = wilder(-close.diff().clip(upper_bound=0))
    reach = pl.max_horizontal("h", close.shift(1)) - pl.min_horizontal("l", close.shift(1))
    work = {
        "SMA 50": one(close.rolling_mean(50)),
        "EMA 20": one(close.ewm_mean(span=20, adjust=False)),
        "RSI 14": one(100 * gain / (gain + loss)),
        "ATR 14": one(reach.ewm_mean(alpha=1 / 14, adjust=False)),
        "std 30": one(close.rolling_std(30)),
        "max 50": one(close.rolling_max(50)),
        "min 50": one(close.rolling_min(50)),
    }
elif peer == "numba":
    import numba as nb

    jit = nb.njit(fastmath=False, boundscheck=False)
    out = np.empty(n)

    @jit
    def sma(c, o, p):
        s = 0.0
        k = 1.0 / p
        for i in range(p):
            s += c[i]
            o[i] = np.nan
        o[p - 1] = s * k
        for i in range(p, c.size):
            s += c[i] - c[i - p]
            o[i] = s * k

    @jit
    def ema(c, o, p):
        k = 2.0 / (p + 1)
        e = c[0]
        for i in range(c.size):
            e += k * (c[i] - e)
            o[i] = e

    @jit
    def rsi(c, o, p):
        g = 0.0
        d = 0.0
        k = 1.0 / p
        o[0] = np.nan
        for i in range(1, c.size):
            x = c[i] - c[i - 1]
            g += k * ((x if x > 0 else 0.0) - g)
            d += k * ((-x if x < 0 else 0.0) - d)
            o[i] = 100.0 * g / (g + d) if g + d > 0 else 50.0

    @jit
    def atr(h, l, c, o, p):
        a = h[0] - l[0]
        k = 1.0 / p
        o[0] = a
        for i in range(1, c.size):
            a += k * (max(h[i], c[i - 1]) - min(l[i], c[i - 1]) - a)
            o[i] = a

    @jit
    def std(c, o, p):
        s = 0.0
        q = 0.0
        for i in range(c.size):
            x = c[i] - c[0]
            s += x
            q += x * x
            if i >= p:
                y = c[i - p] - c[0]
                s -= y
                q -= y * y
            v = (q - s * s / p) / (p - 1)
            o[i] = np.sqrt(v) if v > 0 else 0.0

    @jit
    def extreme(c, o, p, sign):
        rest = np.empty(p)
        for b in range(0, c.size, p):
            e = min(b + p, c.size)
            m = -np.inf
            for i in range(b, e):
                m = max(m, sign * c[i])
                j = i - b + 1
                o[i] = sign * (max(m, rest[j]) if (b > 0 and j < p) else m)
            m = -np.inf
            for i in range(e - 1, b - 1, -1):
                m = max(m, sign * c[i])
                rest[i - b] = m

    work = {
        "SMA 50": lambda: sma(c, out, 50),
        "EMA 20": lambda: ema(c, out, 20),
        "RSI 14": lambda: rsi(c, out, 14),
        "ATR 14": lambda: atr(h, l, c, out, 14),
        "std 30": lambda: std(c, out, 30),
        "max 50": lambda: extreme(c, out, 50, 1.0),
        "min 50": lambda: extreme(c, out, 50, -1.0),
    }
    notes = {case: "by hand" for case in work}
    notes["std 30"] = "by hand, running sums that drift"
else:
    raise SystemExit(f"no such peer: {peer}")

serve(package, {case: (f, n, notes.get(case, "")) for case, f in work.items()})
