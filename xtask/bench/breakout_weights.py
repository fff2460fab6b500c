"""J3 by other libraries: breakout and inverse volatility, rebalanced daily past a threshold."""

import numpy as np
from peer import CASH, FEE, arguments, daily, serve

peer, data = arguments()
THRESHOLD, SLIP, LOOK, WINDOW = 0.05, 0.0005, 50, 30
c = np.ascontiguousarray(daily(data))
if peer == "bt":
    c = np.ascontiguousarray(c[:1_000, :20])
days, symbols = c.shape
n = days * symbols


def by_hand(threshold):
    from loops import rebalance, weights

    return rebalance(c, weights(c, LOOK, WINDOW), threshold, FEE, SLIP, CASH)


def compare(got):
    """Trades and equity beside those of the loop by hand."""
    trades, equity = by_hand(THRESHOLD)
    return f"trades {got[0]} of {trades}, equity {got[1] / equity - 1:+.3%}"


def frame():
    import pandas as pd

    index = pd.bdate_range("2005-01-03", periods=days)
    return pd.DataFrame(c, index=index, columns=[f"S{k:04d}" for k in range(symbols)])


def weights_frame(close):
    """The weights as a pandas user writes them, a day later."""
    import pandas as pd

    high, low = close.rolling(LOOK).max(), close.rolling(LOOK).min()
    state = np.where(close >= high, 1.0, np.where(close <= low, 0.0, np.nan))
    state = pd.DataFrame(state, index=close.index, columns=close.columns).ffill().fillna(0.0)
    raw = (state / close.pct_change().rolling(WINDOW).std()).where(state > 0, 0.0).fillna(0.0)
    return raw.div(raw.sum(axis=1).replace(0, np.nan), axis=0).fillna(0.0).shift(1).fillna(0.0)


if peer == "numba":

    def run():
        return by_hand(THRESHOLD)

    note = "by hand: no orders, no ledger"
elif peer == "numpy":
    import bottleneck as bn

    def weights():
        high, low = bn.move_max(c, LOOK, axis=0), bn.move_min(c, LOOK, axis=0)
        r = np.full_like(c, np.nan)
        r[1:] = c[1:] / c[:-1] - 1
        deviation = bn.move_std(r, WINDOW, axis=0, ddof=1)
        state = np.where(c >= high, 1.0, np.where(c <= low, 0.0, np.nan))
        state[: LOOK - 1] = np.nan
        last = np.where(np.isnan(state), 0, np.arange(days)[:, None])
        np.maximum.accumulate(last, axis=0, out=last)
        state = np.nan_to_num(np.take_along_axis(state, last, 0))
        w = np.where(state > 0, 1 / deviation, 0.0)
        total = w.sum(1, keepdims=True)
        total[total == 0] = 1
        return w / total

    def run():
        w, pos, cash, trades = weights(), np.zeros(symbols), CASH, 0
        for t in range(1, days):
            price, target = c[t], w[t - 1]
            value = cash + pos @ price
            go = np.abs(target - pos * price / value) > THRESHOLD * target
            d = np.where(go, target * value / price - pos, 0.0)
            out = go & (target == 0)
            d[out] = -pos[out]
            sell, buy = d < 0, d > 0
            cash += (-d[sell] * price[sell]).sum() * (1 - SLIP) * (1 - FEE)
            cost = d[buy] * price[buy] * (1 + SLIP) * (1 + FEE)
            if cost.sum() > cash:
                before = np.concatenate(([0.0], np.cumsum(cost)[:-1]))
                cut = np.maximum(np.minimum(cost, cash - before), 0.0)
                d[buy] *= cut / cost
                cost = cut
            cash -= cost.sum()
            pos += d
            trades += np.count_nonzero(d)
        return trades, cash + pos @ c[-1]

    note = compare
elif peer == "vectorbt":
    import vectorbt as vbt
    from numba import njit
    from vectorbt.portfolio import nb
    from vectorbt.portfolio.enums import Direction, SizeType

    table = frame()

    @njit
    def group(ctx):
        return (np.empty(ctx.group_len, dtype=np.float64),)

    @njit
    def segment(ctx, order_value, w, threshold):
        value = ctx.last_cash[ctx.group]
        for k in range(ctx.from_col, ctx.to_col):
            ctx.last_val_price[k] = ctx.close[ctx.i, k]
            value += ctx.last_position[k] * ctx.close[ctx.i, k]
        for k in range(ctx.from_col, ctx.to_col):
            held = ctx.last_position[k] * ctx.close[ctx.i, k]
            order_value[k - ctx.from_col] = w[ctx.i, k] * value - held
        nb.insert_argsort_nb(order_value, ctx.call_seq_now)
        return (value,)

    @njit
    def order(ctx, value, w, threshold, fee, slip):
        target = w[ctx.i, ctx.col]
        now = ctx.position_now * ctx.close[ctx.i, ctx.col] / value
        idle = target == 0.0 and ctx.position_now == 0.0
        if idle or abs(target - now) <= threshold * target:
            return nb.order_nothing_nb()
        price = ctx.close[ctx.i, ctx.col]
        return nb.order_nb(
            size=target * value / price, price=price, size_type=SizeType.TargetAmount,
            direction=Direction.LongOnly, fees=fee, slippage=slip,
        )

    def run():
        w = weights_frame(table).values
        book = vbt.Portfolio.from_order_func(
            table, order, w, THRESHOLD, FEE, SLIP, pre_group_func_nb=group,
            pre_segment_func_nb=segment, pre_segment_args=(w, THRESHOLD), init_cash=CASH,
            cash_sharing=True, group_by=True, freq="1D", row_wise=False,
        )
        return book.orders.count(), book.value().iloc[-1]

    note = compare
elif peer == "bt":
    import bt

    table = frame()

    def run():
        w = weights_frame(table)
        steps = [bt.algos.RunDaily(), bt.algos.WeighTarget(w), bt.algos.Rebalance()]
        test = bt.Backtest(
            bt.Strategy("s", steps), table, initial_capital=CASH, integer_positions=False,
            commissions=lambda q, p: abs(q) * p * (FEE + SLIP), progress_bar=False,
        )
        test.run()
        return test.strategy.values.iloc[-1]

    def note(equity):
        apart = equity / by_hand(-1.0)[1] - 1
        return f"20 symbols, 1,000 days, no threshold, equity {apart:+.3%}"
else:
    raise SystemExit(f"no such peer: {peer}")

serve(peer, {"kernel": (run, n, note)})
