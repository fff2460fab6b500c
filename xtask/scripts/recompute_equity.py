"""Recomputes a run's books from its fills, the prices and the config, to the last decimal.

    python xtask/scripts/recompute_equity.py RUN_DIR PRICES.csv[.gz] [CONFIG.toml]

Shares no code with the program. CONFIG is RUN_DIR/config.toml unless given; splits and dividends
come from PRICES-actions.csv beside the prices. Prints one line and exits with 0, or names the first
difference (file, row, column, expected, found) and exits with 1. For raw daily prices of equities.
"""

import csv
import gzip
import os
import sys
import tomllib
from collections import defaultdict
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, getcontext

getcontext().prec = 60  # nothing below may round by itself
PRICE, CASH = Decimal("1e-4"), Decimal("1e-8")  # smallest units: price 4 digits, shares 0, cash 8
FILLS_AT = {"next_open": "Open", "next_close": "Close", "same_close": "Close"}


def table(*path):
    """`(row number in the file, row)` of every line."""
    path = os.path.join(*path)
    with (gzip.open if path.endswith(".gz") else open)(path, "rt", newline="") as file:
        yield from enumerate(csv.DictReader(file), 2)


def by_day(rows):
    days = defaultdict(list)
    for number, row in rows:
        days[(row.get("time") or row["date"])[:10]].append((number, row))
    return days


def expect(file, row, column, expected, found):
    number = isinstance(expected, Decimal)
    if (Decimal(found) if number else found) != expected:
        expected = f"{expected.normalize():f}" if number else expected
        sys.exit(f"{file} row {row} column {column}: expected {expected}, found {found}")


def main(run, prices, config=None):
    with open(config or os.path.join(run, "config.toml"), "rb") as file:
        config = tomllib.load(file)
    costs, base = config["execution"], config["account"]["base"]
    fee_rate, slippage = (Decimal(str(costs[k])) / 10_000 for k in ("fee_bps", "slippage_bps"))
    first, last = (str(config["run"].get(k, d)) for k, d in (("start", ""), ("end", "9999")))
    symbols, fills_at = config["data"].get("symbols"), FILLS_AT[costs.get("fill", "next_open")]
    bars = defaultdict(dict)
    for _, row in table(prices):
        if first <= row["Date"] <= last and (not symbols or row["Ticker"] in symbols):
            bars[row["Date"]][row["Ticker"]] = row
    days, counts, curve = sorted(bars), defaultdict(int), list(table(run, "equity.csv"))
    fills, ledger = by_day(table(run, "fills.csv")), by_day(table(run, "ledger.csv"))
    actions = by_day(table(prices.split(".csv")[0] + "-actions.csv"))
    for file, rows in (("fills.csv", fills), ("ledger.csv", ledger)):
        for day in sorted(rows.keys() - bars.keys()):
            expect(file, rows[day][0][0], "time", "a day with prices", day)
    cash, held, mark = Decimal(config["account"]["cash"]), defaultdict(Decimal), {}
    for index, day in enumerate(days):
        due = {("opening", "", base): cash} if index == 0 else {}
        for _, action in actions[day]:  # on what was held before the open
            symbol, kind, value = action["symbol"], action["kind"], Decimal(action["value"])
            shares = held[symbol]
            if kind == "split":
                held[symbol] = shares * value // 1
                price = Decimal(bars[day][symbol][fills_at])
                rest = ((shares * value - held[symbol]) * price).quantize(CASH, ROUND_FLOOR)
                due[kind, symbol, symbol] = held[symbol] - shares
                due["cash_in_lieu", symbol, base] = rest
                cash += rest
            elif kind == "dividend":
                due[kind, symbol, base] = (shares * value).quantize(CASH, ROUND_FLOOR)
                cash += due[kind, symbol, base]
            elif shares:
                sys.exit(f"this script knows no {kind} ({symbol}, {day})")
        due = {posting: amount for posting, amount in due.items() if amount}
        for number, row in ledger[day]:
            amount = due.pop((row["kind"], row["symbol"], row["asset"]), "no such posting")
            expect("ledger.csv", number, "amount", amount, row["amount"])
            counts[row["kind"]] += 1
        for posting, amount in due.items():
            expect("ledger.csv", f"of {day}", "amount", f"{posting} {amount}", "no row")
        for number, row in fills[day]:
            sign, against = {"buy": (1, ROUND_CEILING), "sell": (-1, ROUND_FLOOR)}[row["side"]]
            price = Decimal(bars[day][row["symbol"]][fills_at]) * (1 + sign * slippage)
            price, shares = price.quantize(PRICE, against), Decimal(row["quantity"])
            fee = (price * shares * fee_rate).quantize(CASH, ROUND_CEILING)
            for column, value in (("price", price), ("fee", fee), ("fee_asset", base)):
                expect("fills.csv", number, column, value, row[column])
            cash -= sign * price * shares + fee
            held[row["symbol"]] += sign * shares
            counts["fills"] += 1
        mark.update((symbol, Decimal(bar["Close"])) for symbol, bar in bars[day].items())
        worth = sum((shares * mark[symbol] for symbol, shares in held.items() if shares), 0 * cash)
        number, row = curve[index] if index < len(curve) else (index + 2, {"time": "no row"})
        expect("equity.csv", number, "time", day, row["time"][:10])
        for column, value in (("cash", cash), ("positions_value", worth), ("equity", cash + worth)):
            expect("equity.csv", number, column, value, row[column])
    expect("equity.csv", len(days) + 2, "time", f"{len(days)} rows", f"{len(curve)} rows")
    seen = ", ".join(f"{n} {kind}" for kind, n in sorted(counts.items()))
    print(f"agrees to the last decimal: {len(days)} rows of equity, {seen}")


if __name__ == "__main__":
    main(*sys.argv[1:])
