"""J2 and J7 by other libraries: one unit while SMA(10) > SMA(50), next open, 0.1 % fee."""

import sys

import numpy as np
from peer import CASH, FEE, arguments, column, serve

peer, data = arguments()
names = ("seconds.i64", "open.f64", "high.f64", "low.f64", "close.f64", "volume.f64")
ts, o, h, l, c, v = (column(data / "minutes", name) for name in names)
FAST, SLOW = 10, 50
# Those that call Python for every bar get as many bars as they finish in about a second.
LIMIT = {"hftbacktest": 200_000, "backtesting": 50_000, "backtrader": 10_000, "nautilus": 10_000}
n = min(len(c), LIMIT.get(peer, len(c)))
ts, o, h, l, c, v = (x[:n] for x in (ts, o, h, l, c, v))
ns = ts * 1_000_000_000
package = {"nautilus": "nautilus_trader"}.get(peer, peer)
expected = {}
if len(sys.argv) == 3:
    from loops import sma_cross

    for next_open in (True, False):
        expected[next_open] = sma_cross(o, c, FAST, SLOW, FEE, CASH, next_open)[0]


def bars_text():
    return f"{n:,} bars, " if n in LIMIT.values() else ""


def fills_text(next_open=True):
    """Fills of the peer beside those of the loop by hand."""
    where = "" if next_open else ", filled at the same close"
    return lambda got: f"{bars_text()}fills {got} of {expected.get(next_open)}{where}"


def frame():
    import pandas as pd

    columns = {"Open": o, "High": h, "Low": l, "Close": c, "Volume": v}
    return pd.DataFrame(columns, index=pd.DatetimeIndex(ns.astype("datetime64[ns]")))


if peer == "numba":
    from loops import sma_cross

    def run():
        return sma_cross(o, c, FAST, SLOW, FEE, CASH, True)[0]

    note = "by hand: no orders, no ledger"
elif peer == "vectorbt":
    import pandas as pd
    import vectorbt as vbt

    index = pd.DatetimeIndex(ns.astype("datetime64[ns]"))
    closes, opens = pd.Series(c, index), pd.Series(o, index)

    def run():
        fast = vbt.MA.run(closes, FAST).ma.values
        slow = vbt.MA.run(closes, SLOW).ma.values
        entries, exits = np.zeros(n, bool), np.zeros(n, bool)
        entries[1:], exits[1:] = (fast > slow)[:-1], (fast <= slow)[:-1]
        book = vbt.Portfolio.from_signals(
            closes, entries, exits, price=opens, size=1.0, fees=FEE, init_cash=CASH, freq="1min"
        )
        book.value().iloc[-1]
        return book.orders.count()

    note = fills_text()
elif peer == "raptorbt":
    import raptorbt as rb

    config = rb.BacktestConfig(initial_capital=CASH, fees=FEE, fill_timing="next_bar_open")

    def run():
        fast, slow = rb.sma(c, FAST), rb.sma(c, SLOW)
        result = rb.run_single_backtest(
            ns, o, h, l, c, v, fast > slow, fast <= slow,
            direction=1, weight=1.0, symbol="X", config=config,
        )
        return 2 * result.metrics.total_trades

    note = fills_text()
elif peer == "backtesting":
    import pandas as pd
    from backtesting import Backtest, Strategy

    table = frame()

    def mean(x, period):
        return pd.Series(x).rolling(period).mean()

    class Cross(Strategy):
        def init(self):
            self.fast = self.I(mean, self.data.Close, FAST)
            self.slow = self.I(mean, self.data.Close, SLOW)

        def next(self):
            if self.fast[-1] > self.slow[-1]:
                if not self.position:
                    self.buy(size=1)
            elif self.position:
                self.position.close()

    def run():
        return 2 * int(Backtest(table, Cross, cash=CASH, commission=FEE).run()["# Trades"])

    note = fills_text()
elif peer == "backtrader":
    import backtrader as bt

    table = frame()

    class Cross(bt.Strategy):
        def __init__(self):
            self.fast = bt.ind.SMA(self.data.close, period=FAST)
            self.slow = bt.ind.SMA(self.data.close, period=SLOW)
            self.fills = 0

        def next(self):
            above = self.fast[0] > self.slow[0]
            if above and not self.position.size:
                self.buy(size=1)
            elif not above and self.position.size:
                self.sell(size=1)

        def notify_order(self, order):
            self.fills += order.status == order.Completed

    def run():
        cerebro = bt.Cerebro(stdstats=False)
        cerebro.adddata(bt.feeds.PandasData(dataname=table, timeframe=bt.TimeFrame.Minutes))
        cerebro.broker.setcash(CASH)
        cerebro.broker.setcommission(FEE)
        cerebro.addstrategy(Cross)
        return cerebro.run()[0].fills

    note = fills_text()
elif peer == "hftbacktest":
    import hftbacktest as hb
    from numba import njit

    TICK = 0.000001
    # For each side: delete the old level, set the new one.
    events = np.zeros(4 * n, hb.event_dtype)
    both = hb.EXCH_EVENT | hb.LOCAL_EVENT
    for k, (side, price) in enumerate(((hb.BUY_EVENT, c - TICK), (hb.SELL_EVENT, c))):
        for j, (px, quantity) in enumerate(((np.r_[price[0], price[:-1]], 0), (price, 1e6))):
            part = events[2 * k + j :: 4]
            part["ev"] = hb.DEPTH_EVENT | side | both
            part["px"], part["qty"] = px, quantity
    for k in range(4):
        events["exch_ts"][k::4] = events["local_ts"][k::4] = ns
    BUY_SELL = (hb.GTC, hb.MARKET)

    @njit
    def walk(book, ns, fast, slow, gtc, market, first):
        ring = np.zeros(slow)
        sf = 0.0
        ss = 0.0
        i = 0
        pos = 0
        number = 1
        book.elapse(1)
        while i < ns.size:
            step = ns[i] + 1 - book.current_timestamp
            if step > 0 and book.elapse(step) != 0:
                break
            depth = book.depth(0)
            x = depth.best_ask if depth.best_ask == depth.best_ask else first
            sf += x
            ss += x
            if i >= fast:
                sf -= ring[(i - fast) % slow]
            if i >= slow:
                ss -= ring[i % slow]
            ring[i % slow] = x
            i += 1
            if i >= slow:
                want = 1 if sf / fast > ss / slow else 0
                if want != pos:
                    book.clear_inactive_orders(0)
                    if want == 1:
                        book.submit_buy_order(0, number, depth.best_ask, 1.0, gtc, market, False)
                    else:
                        book.submit_sell_order(0, number, depth.best_bid, 1.0, gtc, market, False)
                    number += 1
                    pos = want
        return number - 1

    def run():
        asset = hb.BacktestAsset().data(events).linear_asset(1.0)
        asset = asset.constant_order_latency(0, 0).risk_adverse_queue_model()
        asset = asset.no_partial_fill_exchange().trading_value_fee_model(FEE, FEE)
        asset = asset.tick_size(TICK).lot_size(1.0).last_trades_capacity(0)
        book = hb.HashMapMarketDepthBacktest([asset])
        walk(book, ns, FAST, SLOW, *BUY_SELL, c[0])
        fills = book.state_values(0).num_trades
        book.close()
        return int(fills)

    note = fills_text(next_open=False)
elif peer == "nautilus":
    from decimal import Decimal

    from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
    from nautilus_trader.config import LoggingConfig, StrategyConfig
    from nautilus_trader.indicators import SimpleMovingAverage
    from nautilus_trader.model.currencies import BTC, USDT
    from nautilus_trader.model.data import Bar, BarType
    from nautilus_trader.model.enums import AccountType, OmsType, OrderSide
    from nautilus_trader.model.identifiers import InstrumentId, Symbol, Venue
    from nautilus_trader.model.instruments import CurrencyPair
    from nautilus_trader.model.objects import Money, Price, Quantity
    from nautilus_trader.trading.strategy import Strategy

    venue = Venue("SIM")
    name = InstrumentId(Symbol("BTCUSDT"), venue)
    pair = CurrencyPair(
        instrument_id=name, raw_symbol=Symbol("BTCUSDT"), base_currency=BTC, quote_currency=USDT,
        price_precision=6, size_precision=3, price_increment=Price.from_str("0.000001"),
        size_increment=Quantity.from_str("0.001"), ts_event=0, ts_init=0,
        maker_fee=Decimal("0.001"), taker_fee=Decimal("0.001"),
        margin_init=Decimal(0), margin_maint=Decimal(0),
    )
    kind = BarType.from_str("BTCUSDT.SIM-1-MINUTE-LAST-EXTERNAL")
    bars = [
        Bar(kind, Price(a, 6), Price(b, 6), Price(x, 6), Price(y, 6), Quantity(z, 3), t, t)
        for a, b, x, y, z, t in zip(*(q.tolist() for q in (o, h, l, c, v, ns)))
    ]

    class Config(StrategyConfig, frozen=True):
        pass

    class Cross(Strategy):
        def on_start(self):
            self.fast, self.slow = SimpleMovingAverage(FAST), SimpleMovingAverage(SLOW)
            self.register_indicator_for_bars(kind, self.fast)
            self.register_indicator_for_bars(kind, self.slow)
            self.subscribe_bars(kind)
            self.unit, self.long = Quantity.from_str("1.000"), False

        def on_bar(self, bar):
            if self.slow.initialized and (self.fast.value > self.slow.value) != self.long:
                self.long = not self.long
                side = OrderSide.BUY if self.long else OrderSide.SELL
                self.submit_order(self.order_factory.market(name, side, self.unit))

    def run():
        quiet = BacktestEngineConfig(logging=LoggingConfig(bypass_logging=True), run_analysis=False)
        engine = BacktestEngine(quiet)
        engine.add_venue(
            venue, oms_type=OmsType.NETTING, account_type=AccountType.CASH,
            starting_balances=[Money(CASH, USDT), Money(0, BTC)],
        )
        engine.add_instrument(pair)
        engine.add_data(bars)
        engine.add_strategy(Cross(Config()))
        engine.run()
        fills = sum(1 for order in engine.cache.orders() if order.is_closed)
        engine.dispose()
        return fills

    note = fills_text(next_open=False)
else:
    raise SystemExit(f"no such peer: {peer}")

if len(sys.argv) > 3:
    run()
else:
    serve(package, {"kernel": (run, n, note)})
