"""Trap 9: only what is still there is tested, with the facts of today.

What exists is proven: facts of an instrument hold from their place on the tape and not before, and a coin whose
candles end in a crash stays in the result with its loss. A universe that is chosen by date comes with the systems that
trade many coins; there is none yet, and nothing here chooses coins.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import msgspec
import numpy as np

from quintet.core.events import PLACE
from quintet.core.instrument import DEFAULT_SPOT, Instrument
from quintet.core.market.bars import Bars, bar_rows
from quintet.core.tape import Tape, instrument_rows, memory_tape
from quintet.research.moments import travel
from quintet.research.synthetic import synthesize
from quintet.storage.candle_sources import from_bars
from tests.leaks import taken, tape_of
from tests.python_traders import FILLS, STRUCTURE, options, trader

LATER = msgspec.structs.replace(DEFAULT_SPOT, tick_size=Decimal("0.50"))
"""The same coin since it has a coarser tick."""


def always_long(state: Any, params: Any, view: Any) -> float:
    return 1.0


def toggling(state: Any, params: Any, view: Any) -> float:
    return 1.0 if state.bars % 2 else -1.0


# ---- facts as of their day ---------------------------------------------------------------------------------------


def check_facts(first: Instrument) -> list[str]:
    """Orders before the change of the tick that are all on the new one: they knew it too early."""
    low = synthesize(9, days=2, timeframe="5m")
    market = from_bars({FILLS: low}, STRUCTURE, FILLS)
    half, rows = len(market.htf) // 2, bar_rows(market.htf)
    at = int(market.htf.ts_open[half])
    before = rows["ts_recv"] <= at
    tape = memory_tape(np.concatenate([rows[before], instrument_rows(0, LATER, at, at), rows[~before]]), [first])
    setting = options()._replace(fills=STRUCTURE, instrument=first)
    journey = travel(tape, trader(toggling)._replace(options=setting), "pessimistic", (), to_end=True)
    placed = journey.parts["commands"]
    placed = placed[placed["kind"] == PLACE]
    early, late = (placed["price"][mask] % 50 for mask in (placed["ts"] < at, placed["ts"] > at))
    assert len(early) > 10
    assert not late.any()
    return [] if early.any() else ["the first orders know the tick of later"]


def test_a_coin_has_the_tick_of_its_day():
    assert check_facts(DEFAULT_SPOT) == []


def test_facts_of_today_on_a_tape_of_long_ago_are_found():
    assert check_facts(LATER) == ["the first orders know the tick of later"]


# ---- coins that died ---------------------------------------------------------------------------------------------


def coins() -> list[Tape]:
    """Three coins; the last falls by nine tenths in its second day, and then there are no more candles."""
    bars = [synthesize(seed, days=3, timeframe="5m") for seed in (1, 2, 3)]
    bars[2] = dying(bars[2])
    return [tape_of(from_bars({FILLS: each}, STRUCTURE, FILLS)) for each in bars]


def dying(bars: Bars) -> Bars:
    kept = taken(bars, np.arange(400))
    fall = np.where(np.arange(400) < 200, 1.0, 0.1 ** (np.clip(np.arange(400) - 200, 0, 100) / 100))
    prices = {name: np.rint(getattr(kept, name) * fall).astype(np.int64) for name in ("open", "high", "low", "close")}
    return replace(kept, **prices)


Study = Callable[[Sequence[Tape]], list[float]]
"""Coins to the results that are reported of them, as fractions."""


def check_study(study: Study) -> list[str]:
    """What is missing in a study of coins that includes one that died."""
    results = study(coins())
    found = [] if len(results) == 3 else [f"{3 - len(results)} coin is left out"]
    return found + ([] if min(results) < -0.02 else ["nobody lost"])


def result(tape: Tape) -> float:
    equity = travel(tape, trader(always_long), "pessimistic", (), to_end=True).parts["samples"]["equity"]
    return float(equity[-1] / equity[0] - 1.0)


def all_coins(tapes: Sequence[Tape]) -> list[float]:
    return [result(tape) for tape in tapes]


def coins_of_today(tapes: Sequence[Tape]) -> list[float]:
    """Those that still have candles."""
    last = max(tape.census.last_ns for tape in tapes)
    return [result(tape) for tape in tapes if tape.census.last_ns == last]


def test_a_coin_that_died_is_in_the_result_with_its_loss():
    assert check_study(all_coins) == []


def test_a_study_of_survivors_is_found():
    assert check_study(coins_of_today) == ["1 coin is left out", "nobody lost"]
