"""J6 by other libraries: what a market order costs, with orders at every step less without."""

import json
import sys
import time
from importlib.metadata import version

import hftbacktest as hb
import numpy as np
from numba import njit
from peer import arguments

peer, _ = arguments()
assert peer == "hftbacktest", peer
SIZES = {"10,000 orders": 10_000, "100,000 orders": 100_000}


def market(steps):
    """A bid and an ask that never move, set again at every second."""
    events = np.zeros(2 * steps, hb.event_dtype)
    both = hb.EXCH_EVENT | hb.LOCAL_EVENT
    for k, (side, price) in enumerate(((hb.BUY_EVENT, 100.0), (hb.SELL_EVENT, 100.01))):
        part = events[k::2]
        part["ev"], part["px"], part["qty"] = hb.DEPTH_EVENT | side | both, price, 1e6
        part["exch_ts"] = part["local_ts"] = np.arange(1, steps + 1) * 1_000_000_000
    return events


@njit
def walk(book, steps, on, gtc, market_order):
    book.elapse(1_000_000_000)
    for i in range(steps):
        if on:
            depth = book.depth(0)
            if i % 2 == 0:
                book.submit_buy_order(0, i + 1, depth.best_ask, 1.0, gtc, market_order, False)
            else:
                book.submit_sell_order(0, i + 1, depth.best_bid, 1.0, gtc, market_order, False)
        book.elapse(1_000_000_000)
        if on:
            book.clear_inactive_orders(0)
    return book.state_values(0).num_trades


def once(events, steps, on):
    asset = hb.BacktestAsset().data(events).linear_asset(1.0).constant_order_latency(0, 0)
    asset = asset.risk_adverse_queue_model().no_partial_fill_exchange()
    asset = asset.trading_value_fee_model(0.001, 0.001).tick_size(0.01).lot_size(1.0)
    book = hb.HashMapMarketDepthBacktest([asset])
    cpu, wall = time.process_time_ns(), time.perf_counter_ns()
    fills = walk(book, steps, on, hb.GTC, hb.MARKET)
    wall, cpu = time.perf_counter_ns() - wall, time.process_time_ns() - cpu
    book.close()
    return int(fills), wall, cpu


print(json.dumps({"version": version("hftbacktest"), "cases": list(SIZES)}), flush=True)
streams = {}
for line in sys.stdin:
    case = line.strip()
    steps = SIZES[case]
    if case not in streams:
        streams[case] = market(2 * steps)
        once(streams[case], steps, True)
    _, idle_wall, idle_cpu = once(streams[case], steps, False)
    fills, wall, cpu = once(streams[case], steps, True)
    answer = {"wall_ns": wall - idle_wall, "cpu_ns": cpu - idle_cpu, "n": steps}
    print(json.dumps(answer | {"note": f"{fills} fills"}), flush=True)
