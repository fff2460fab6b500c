"""Loops by hand, compiled: what every other peer is checked against."""

import numba as nb
import numpy as np

njit = nb.njit(fastmath=False, cache=True, boundscheck=False)


@njit
def sma_cross(o, c, fast, slow, fee, cash, next_open):
    """Fills, final equity and deepest drawdown of one unit held while SMA(fast) > SMA(slow)."""
    sf = 0.0
    ss = 0.0
    pos = 0.0
    want = 0.0
    fills = 0
    peak = cash
    worst = 0.0
    for i in range(c.size):
        if next_open and want != pos:
            d = want - pos
            cash -= d * o[i] + fee * abs(d) * o[i]
            pos = want
            fills += 1
        sf += c[i]
        ss += c[i]
        if i >= fast:
            sf -= c[i - fast]
        if i >= slow:
            ss -= c[i - slow]
        if i >= slow - 1:
            want = 1.0 if sf / fast > ss / slow else 0.0
            if not next_open and want != pos:
                d = want - pos
                cash -= d * c[i] + fee * abs(d) * c[i]
                pos = want
                fills += 1
        equity = cash + pos * c[i]
        if equity > peak:
            peak = equity
        fall = 1.0 - equity / peak
        if fall > worst:
            worst = fall
    return fills, cash + pos * c[-1], worst


@njit
def sweep(o, c, fasts, slows, fee, cash):
    """A row of fills, equity and drawdown for each pair."""
    out = np.empty((fasts.size * slows.size, 3))
    for a in range(fasts.size):
        for b in range(slows.size):
            fills, equity, worst = sma_cross(o, c, fasts[a], slows[b], fee, cash, True)
            row = a * slows.size + b
            out[row, 0] = fills
            out[row, 1] = equity
            out[row, 2] = worst
    return out


@njit
def weights(c, look, window):
    """Breakout state over inverse deviation of returns, normalised each day."""
    days, lanes = c.shape
    w = np.zeros((days, lanes))
    state = np.zeros(lanes)
    s1 = np.zeros(lanes)
    s2 = np.zeros(lanes)
    top = np.zeros((lanes, look), np.int64)
    low = np.zeros((lanes, look), np.int64)
    ends = np.zeros((lanes, 4), np.int64)
    for t in range(days):
        total = 0.0
        for k in range(lanes):
            x = c[t, k]
            while ends[k, 1] > ends[k, 0] and c[top[k, (ends[k, 1] - 1) % look], k] <= x:
                ends[k, 1] -= 1
            top[k, ends[k, 1] % look] = t
            ends[k, 1] += 1
            if top[k, ends[k, 0] % look] + look <= t:
                ends[k, 0] += 1
            while ends[k, 3] > ends[k, 2] and c[low[k, (ends[k, 3] - 1) % look], k] >= x:
                ends[k, 3] -= 1
            low[k, ends[k, 3] % look] = t
            ends[k, 3] += 1
            if low[k, ends[k, 2] % look] + look <= t:
                ends[k, 2] += 1
            if t > 0:
                r = x / c[t - 1, k] - 1.0
                s1[k] += r
                s2[k] += r * r
                if t > window:
                    y = c[t - window, k] / c[t - window - 1, k] - 1.0
                    s1[k] -= y
                    s2[k] -= y * y
            if t >= look - 1 and t >= window:
                if x >= c[top[k, ends[k, 0] % look], k]:
                    state[k] = 1.0
                elif x <= c[low[k, ends[k, 2] % look], k]:
                    state[k] = 0.0
                if state[k] > 0.0:
                    v = (s2[k] - s1[k] * s1[k] / window) / (window - 1)
                    w[t, k] = 1.0 / np.sqrt(v)
                    total += w[t, k]
        if total > 0.0:
            w[t] /= total
    return w


@njit
def rebalance(c, w, threshold, fee, slip, cash):
    """Weights of one close traded at the next; trades and final equity."""
    days, lanes = c.shape
    pos = np.zeros(lanes)
    trades = 0
    for t in range(1, days):
        value = cash
        for k in range(lanes):
            value += pos[k] * c[t, k]
        for buys in range(2):
            for k in range(lanes):
                target = w[t - 1, k]
                if target == 0.0 and pos[k] == 0.0:
                    continue
                now = pos[k] * c[t, k] / value
                if abs(target - now) <= threshold * target:
                    continue
                d = -pos[k] if target == 0.0 else target * value / c[t, k] - pos[k]
                if buys == 0 and d < 0.0:
                    cash += -d * c[t, k] * (1.0 - slip) * (1.0 - fee)
                    pos[k] += d
                    trades += 1
                elif buys == 1 and d > 0.0:
                    cost = c[t, k] * (1.0 + slip) * (1.0 + fee)
                    d = min(d, cash / cost)
                    if d > 0.0:
                        cash -= d * cost
                        pos[k] += d
                        trades += 1
    return trades, cash + (pos * c[-1]).sum()
