"""A finished backtest made by hand: three days of 5m bars, two fill policies, a few episodes. Nothing is run."""

from functools import cached_property
from types import SimpleNamespace
from typing import Any

import numpy as np

from quintet.core.instrument import DEFAULT_SPOT, Instrument
from quintet.core.market.bars import Bars, bar_rows
from quintet.core.records import table
from quintet.core.state import COMMAND, FILL_RECORD, NOTE, SAMPLE
from quintet.research.run_tables import curve_table, equity_table, event_table, fill_table, order_table
from quintet.systems.structure_mm import explain_note, note_kind, notes
from quintet.systems.structure_mm.machine import REASON_NAMES
from quintet.systems.structure_mm.records import POLICY_NAMES, STATE_NAMES, TAGS_PER_EPISODE

START_NS = 1_767_225_600_000_000_000
"""2026-01-01 00:00 UTC."""
BAR_NS = 300_000_000_000
BARS = 3 * 288
CAPITAL = 1_000_000_000_000


class HandMadeResult:
    """What `BacktestResult` shows to a report. `nets`: net result in quanta by policy; `episodes` all end the same."""

    def __init__(self, nets: dict[str, int], episodes: int = 2, bars: int = BARS, system: str = "structure_mm"):
        self.system = SimpleNamespace(name=system)
        self.options = SimpleNamespace(structure="5m", fills="5m")
        self.instrument: Instrument = DEFAULT_SPOT
        self.conservation = 0
        self.ticks = None
        self.instruments: list[Any] = []
        self.executions: list[Any] = []
        self.hashes = {"tape": "a" * 64, "commands": "b" * 64, "state": "c" * 64}
        prices = hand_made_prices(bars)
        self.tape = SimpleNamespace(rows=bar_rows(hand_made_bars(prices)))
        self.runs = [hand_made_run(policy, net, prices) for policy, net in nets.items()]
        self.fills = hand_made_fills(episodes)
        self.notes = hand_made_notes(episodes)
        self.commands = table(COMMAND, 0)

    @cached_property
    def headline(self) -> Any:
        return min(self.runs, key=lambda run: run.net_quanta)

    def money(self, quanta: int) -> float:
        return float(quanta * self.instrument.quote_quantum)

    @cached_property
    def interval(self) -> dict[str, Any]:
        high = max(self.runs, key=lambda run: run.net_quanta)
        return {
            "low_frac": self.headline.net_quanta / CAPITAL,
            "high_frac": high.net_quanta / CAPITAL,
            "headline_policy": self.headline.policy,
            "high_policy": high.policy,
            "policies": {run.policy: self.money(run.net_quanta) for run in self.runs},
        }

    @cached_property
    def metrics(self) -> dict[str, Any]:
        net = self.money(self.headline.net_quanta)
        found = {
            "bars": 1000,
            "start_quanta": CAPITAL,
            "net_quanta": self.headline.net_quanta,
            "opening_held_quanta": 0,
            "turnover_quote": 30_000.0,
            "fills": len(self.fills),
            "maker_fills": len(self.fills),
            "alarms": 0,
            "fees_quote": 12.5,
            "before_fees_quote": net + 12.5,
            "net_quote": net,
            "start_quote": 10_000.0,
            "max_drawdown_frac": 0.0123,
            "quote_share_mean_frac": 0.96,
            "buy_and_hold_return_frac": -0.1,
            "sharpe_daily_annualised": -1.5,
        }
        if self.system.name == "structure_mm":
            found |= {
                "structure_potential": 414,
                "structure_confirmed": 521,
                "policy_disabled_pct": 51.0,
                "policy_disabled_entries": 11,
                "policy_normal_pct": 38.3,
                "policy_normal_entries": 20,
                "policy_defensive_pct": 10.7,
                "policy_defensive_entries": 9,
                "bars_in_mm": 149,
                "armed": 3,
                "episodes": 2,
                "episode_mean_bp": -6.7,
                "episode_standard_error_bp": 0.7,
                "not_armed_policy_disabled": 4,
                "disarmed_not_payable": 2,
            }
            found |= {f"state_{name.lower()}_pct": 20.0 for name in STATE_NAMES}
        return found

    @cached_property
    def tables(self) -> dict[str, Any]:
        return {
            "orders": order_table(self.commands, self.instrument),
            "fills": fill_table(self.fills, self.instrument),
            "equity": equity_table(self.headline.samples, self.instrument),
            "events": event_table(self.notes, self.instrument, note_kind, explain_note),
            "curves": curve_table({run.policy: run.samples for run in self.runs}),
        }


def hand_made_prices(bars: int) -> Any:
    """Price increments: up and down by a few USDT, around 3 000."""
    return 300_000 + (np.arange(bars) * 37 % 997)


def hand_made_bars(prices: Any) -> Bars:
    opened = START_NS + np.arange(len(prices), dtype=np.int64) * BAR_NS
    zero = np.zeros(len(prices), np.int64)
    return Bars("5m", opened, prices, prices + 50, prices - 50, prices + 10, zero + 1000, zero)


def hand_made_run(policy: str, net: int, prices: Any) -> Any:
    samples = table(SAMPLE, len(prices))
    samples["ts"] = START_NS + np.arange(1, len(prices) + 1) * BAR_NS
    samples["equity"] = CAPITAL + np.linspace(0, net, len(prices)).astype(np.int64)
    samples["price"] = prices
    samples["drawdown"] = np.linspace(0, 0.0123, len(prices))
    equity = SimpleNamespace(start=CAPITAL, quanta=CAPITAL + net, max_drawdown=0.0123)
    shown = SimpleNamespace(equity=equity, account=[SimpleNamespace(turnover=3 * CAPITAL)])
    return SimpleNamespace(policy=policy, net_quanta=net, samples=samples, desk=SimpleNamespace(shown=shown))


def hand_made_fills(episodes: int) -> Any:
    """A buy and a dearer sell in each episode."""
    fills = table(FILL_RECORD, 2 * episodes)
    for n in range(episodes):
        for fill, side, bars_in, price in ((fills[2 * n], 1, 6, 300_000), (fills[2 * n + 1], -1, 9, 301_000)):
            fill.ts_event = fill.ts_recv = START_NS + (n * 12 + bars_in) * BAR_NS
            fill.number = 2 * n + (side < 0)
            fill.tag = (n + 1) * TAGS_PER_EPISODE + 1
            fill.side, fill.price, fill.lots, fill.maker, fill.fee = side, price, 1000, 1, 3000
    return fills


def hand_made_notes(episodes: int) -> Any:
    """Of each episode: broken, armed, entered, quoting, completed, with the policy Normal all the time."""
    bos, rebalance, mm = (STATE_NAMES.index(name) for name in ("BOS", "Rebalance", "MM"))
    completed = REASON_NAMES.index("completed")
    rows = [(0, notes.POLICY, 0, POLICY_NAMES.index("Normal"), 0, 0)]
    for n in range(episodes):
        at, number = n * 12, n + 1
        rows += [
            (at + 3, notes.BREAK, 2, 300_500, 299_000, 300_500),
            (at + 3, notes.TRANSITION, 0, bos, 1, number),
            (at + 5, notes.TRANSITION, bos, rebalance, 10, number),
            (at + 5, notes.SIZED, 1, 299_500, 1_000_000, 0),
            (at + 6, notes.TRANSITION, rebalance, mm, 13, number),
            (at + 9, notes.TRANSITION, mm, 0, completed, number),
            (at + 9, notes.ENDED, completed, 123_000_000, 4, number),
        ]
    made = table(NOTE, len(rows))
    for row, (bars_in, code, a, b, c, d) in zip(made, rows, strict=True):
        row.ts, row.code = START_NS + bars_in * BAR_NS, code
        row.a, row.b, row.c, row.d = a, b, c, d
    return made


def hand_made_manifest(result: HandMadeResult, *assumptions: str, synthetic: bool = False) -> dict[str, Any]:
    """The manifest of a run of it, with these assumptions."""
    return {
        "run": "20260104T000000Z-12345678",
        "system": result.system.name,
        "synthetic": synthetic,
        "hashes": result.hashes,
        "assumptions": list(assumptions),
        "created_utc": "2026-01-04T00:00:00+00:00",
        "command": "quintet backtest structure_mm --data eth_5m.csv --out 'my run'",
        "config": {"execution": {"latency_ms": 250}, "report": {"title": ""}},
        "market": {
            "label": "eth_5m.csv",
            "structure_timeframe": "5m",
            "fill_timeframe": "5m",
            "first_ns": START_NS,
            "last_ns": START_NS + BARS * BAR_NS,
            "positions": 1728,
            "sources": [{"name": "eth_5m.csv", "sha256": "d" * 64}],
        },
        "versions": {"quintet": "0.1.0", "python": "3.11.9", "numba": "0.68.0"},
    }
