"""Simulates the default run a second time, by its rules alone, and compares the fills.

    python xtask/scripts/reference_breakout.py RUN_DIR PRICES.csv[.gz] ACTIONS.csv [CONFIG.toml]

Shares no code with the program: floats for signals and weights, integers for money. Exits with 1
at the first fill of RUN_DIR/fills.csv that differs in time, symbol, side, quantity, price or fee.
Handles what the default run needs: equities, raw prices, longs alone, fills at the next open.
"""

import csv
import gzip
import itertools
import math
import sys
import tomllib
from collections import defaultdict, deque
from datetime import datetime, time, timezone
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

NEW_YORK = ZoneInfo("America/New_York")
CENTS = 10**4  # units of a price
CASH = 10**8  # units of cash; one price unit times one share is CASH // CENTS of them
NOTIONAL = CASH // CENTS
WEIGHT = 10**9  # weights are cut to this many parts before they meet money


def rows(path):
    with (gzip.open if path.endswith(".gz") else open)(path, "rt", newline="") as file:
        yield from csv.DictReader(file)


def units(text, scale):
    value = Fraction(text) * scale
    assert value.denominator == 1, f"{text} is finer than 1/{scale}"
    return int(value)


class Name:
    """Signal and volatility of one stock, on its total-return index."""

    def __init__(self, entry, exit, window):
        self.entry, self.exit, self.window = entry, exit, window
        self.factor, self.long, self.label = 1.0, False, "not_ready"
        self.highs, self.lows, self.closes = [], [], []

    def bar(self, high, low, close, split, dividend):
        if self.closes:
            self.factor *= split * (1.0 + dividend / close)
        high, low, close = high * self.factor, low * self.factor, close * self.factor
        before = len(self.closes)
        if self.long:
            left = before >= self.exit and close < min(self.lows[-self.exit :])
            self.long, self.label = not left, "exit_long" if left else "hold_long"
        elif before >= self.entry:
            self.long = close > max(self.highs[-self.entry :])
            self.label = "long" if self.long else "neutral"
        self.highs.append(high), self.lows.append(low), self.closes.append(close)

    def warm(self):
        return len(self.closes) > max(self.entry, self.window)

    def volatility(self):
        last = self.closes[-self.window - 1 :]
        returns = [after / before - 1.0 for before, after in itertools.pairwise(last)]
        mean = math.fsum(returns) / len(returns)
        return math.sqrt(math.fsum((r - mean) ** 2 for r in returns) / (len(returns) - 1))


def capped(inverse, cap):
    """Weights in proportion to `inverse`, none above `cap`, the excess to the others pro rata."""
    total = math.fsum(inverse.values())
    weights = {s: x / total for s, x in inverse.items()}
    at_cap = set()
    while over := {s for s, w in weights.items() if w > cap and s not in at_cap}:
        at_cap |= over
        free = math.fsum(x for s, x in inverse.items() if s not in at_cap)
        rest = 1.0 - cap * len(at_cap)
        weights = {s: cap if s in at_cap else inverse[s] / free * rest for s in weights}
    return weights


class Run:
    def __init__(self, config):
        parameters, risk = config["strategy"]["parameters"], config["risk"]
        costs = config["execution"]
        self.symbols = config["data"]["symbols"]
        self.cap = parameters["cap"]
        self.slippage = Fraction(str(costs["slippage_bps"])) / 10**4
        self.fee_rate = Fraction(str(costs["fee_bps"])) / 10**4
        self.extra = self.fee_rate + Fraction(str(risk["cash_buffer"]))
        self.max_gross = Fraction(str(risk["max_gross"]))
        self.threshold = Fraction(str(config["rebalance"]["threshold"]))
        self.cash = units(config["account"]["cash"], CASH)
        self.held = dict.fromkeys(self.symbols, 0)
        self.close = {}  # last raw close in price units
        self.names = {
            s: Name(parameters["entry"], parameters["exit"], parameters["volatility_window"])
            for s in self.symbols
        }
        self.late = deque([None] * config["execution"].get("signal_lag", 0))
        self.goal = None  # (equity, {symbol: target}) of the decision that waits for the open
        self.orders = []
        self.fills, self.decisions = [], {}

    def ex_date(self, symbol, split, dividend):
        held = self.held[symbol]
        self.cash += math.floor(dividend * held * CASH)
        if split != 1:
            assert (held * split).denominator == 1, "fractions are not needed here"
            self.held[symbol] = int(held * split)
            if symbol in self.close:
                self.close[symbol] = math.floor(self.close[symbol] / split)
            if self.goal and symbol in self.goal[1]:
                self.goal[1][symbol] = int(self.goal[1][symbol] * split)
            self.orders = [(s, int(q * split) if s == symbol else q) for s, q in self.orders]

    def additions(self):
        """What the decision still wants to buy, cut to cash and gross at the decision's closes."""
        equity, targets = self.goal
        cash = self.cash
        gross = sum(self.held[s] * self.close[s] * NOTIONAL for s in self.held if self.held[s])
        headroom = math.trunc(self.max_gross * equity) - gross
        orders = []
        for symbol in self.symbols:
            wanted = targets.get(symbol, 0) - self.held[symbol]
            if wanted <= 0 or symbol not in targets:
                continue
            one = self.close[symbol] * NOTIONAL
            spend = max(0, min(headroom, math.floor(cash / (1 + self.extra))))
            quantity = min(wanted, spend // one)
            if quantity * one < CASH:  # the smallest order is worth 1
                continue
            headroom -= quantity * one
            cash -= quantity * one + math.ceil(quantity * one * self.extra)
            orders.append((symbol, quantity))
        return orders

    def execute(self, when, opens):
        reduced = any(q < 0 for _, q in self.orders)
        self.fill(when, opens, self.orders)
        if reduced:
            self.fill(when, opens, self.additions())
        self.goal, self.orders = None, []

    def fill(self, when, opens, orders):
        for symbol, quantity in orders:
            side = 1 if quantity > 0 else -1
            exact = opens[symbol] * (1 + side * self.slippage)
            price = math.ceil(exact) if side > 0 else math.floor(exact)
            while True:
                notional = quantity * price * NOTIONAL
                fee = math.ceil(abs(notional) * self.fee_rate)
                if side < 0 or notional + fee <= self.cash:
                    break
                quantity -= 1  # the account pays in full or gets less
            if quantity == 0:
                continue
            self.cash -= notional + fee
            self.held[symbol] += quantity
            self.fills.append(
                {
                    "time": when,
                    "symbol": symbol,
                    "side": "buy" if side > 0 else "sell",
                    "quantity": Decimal(abs(quantity)),
                    "price": Decimal(price) / CENTS,
                    "fee": Decimal(fee) / CASH,
                }
            )

    def decide(self, day):
        if not any(name.warm() for name in self.names.values()):
            return
        volatility = {s: n.volatility() for s, n in self.names.items() if n.warm() and n.long}
        self.late.append(volatility)
        volatility = self.late.popleft()
        if volatility is None:
            return
        weights = capped({s: 1.0 / v for s, v in volatility.items() if v > 0.0}, self.cap)
        value = {s: q * self.close[s] * NOTIONAL for s, q in self.held.items() if q}
        equity = self.cash + sum(value.values())
        threshold = math.trunc(self.threshold * math.trunc(self.max_gross * equity))
        targets, legs = {}, {}
        for symbol in self.symbols:
            if symbol not in weights and not self.held[symbol]:
                continue
            wanted = equity * math.trunc(weights.get(symbol, 0.0) * WEIGHT) // WEIGHT
            target = wanted // (self.close[symbol] * NOTIONAL)
            closes = wanted == 0 and self.held[symbol]
            drift = abs(wanted - value.get(symbol, 0))
            trades = target != self.held[symbol] and (closes or drift > threshold)
            legs[symbol] = (weights.get(symbol), volatility.get(symbol), target, trades)
            if trades:
                targets[symbol] = target
        self.decisions[day] = (equity, threshold, legs, {s: n.label for s, n in self.names.items()})
        self.goal = (equity, targets)
        cuts = [(s, t - self.held[s]) for s, t in targets.items() if t < self.held[s]]
        self.orders = cuts or self.additions()


def simulate(config, prices, actions):
    start, end = str(config["run"]["start"]), str(config["run"]["end"])
    days, acts = defaultdict(dict), defaultdict(list)
    run = Run(config)
    for row in rows(prices):
        if row["Ticker"] in run.names and start <= row["Date"] <= end:
            days[row["Date"]][row["Ticker"]] = row
    for row in rows(actions):
        acts[row["date"], row["symbol"]].append((row["kind"], Fraction(row["value"])))
    for day, bars in sorted(days.items()):
        moved = {}
        for symbol in run.symbols:
            split, dividend = Fraction(1), Fraction(0)
            for kind, value in acts[day, symbol]:
                split, dividend = (value, dividend) if kind == "split" else (split, value)
            run.ex_date(symbol, split, dividend)
            moved[symbol] = float(split), float(dividend)
        opening = datetime.combine(datetime.fromisoformat(day), time(9, 30), NEW_YORK)
        when = opening.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        run.execute(when, {s: units(bar["Open"], CENTS) for s, bar in bars.items()})
        for symbol, bar in bars.items():
            run.close[symbol] = units(bar["Close"], CENTS)
            high, low, close = (float(bar[k]) for k in ("High", "Low", "Close"))
            run.names[symbol].bar(high, low, close, *moved[symbol])
        run.decide(day)
    return run


def main(run_dir, prices, actions, config=None):
    with open(config or f"{run_dir}/config.toml", "rb") as file:
        run = simulate(tomllib.load(file), prices, actions)
    found = list(rows(f"{run_dir}/fills.csv"))
    for i, (ours, theirs) in enumerate(itertools.zip_longest(run.fills, found)):
        if theirs:
            numbers = {k: Decimal(theirs[k]) for k in ("quantity", "price", "fee")}
            theirs = {k: theirs[k] for k in ("time", "symbol", "side")} | numbers
        if ours != theirs:
            sys.exit(f"fills.csv row {i + 2}: expected {ours}, found {theirs}")
    print(f"{len(found)} fills agree; cash at the end {Decimal(run.cash) / CASH}")


if __name__ == "__main__":
    main(*sys.argv[1:])
