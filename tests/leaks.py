"""Ways to let the future in, each planted between a candle file and a decision. None of this is in quintet."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from quintet.core.events import PLACE, TIMEFRAME_NUMBER, timeframe_ns
from quintet.core.instrument import DEFAULT_SPOT
from quintet.core.market.bars import Bars
from quintet.core.state import RING, World
from quintet.core.tape import Tape, TapeMeta, memory_tape, with_instruments
from quintet.research.lookahead import Pipeline
from quintet.research.moments import Trader
from quintet.research.synthetic import synthesize
from quintet.sim.exchange import respond_fill, take_order
from quintet.storage.candle_files import read_candles, write_candles
from quintet.storage.candle_sources import MarketBars, from_bars
from quintet.storage.candle_tapes import market_rows
from tests.python_traders import FILLS, STRUCTURE, Rule, above_its_mean, bars_on, loop_of, trader

META = TapeMeta(synthetic=True, created_ns=0, tool_version="test")
DAY_NS = 86_400 * 10**9
PARTS = 3
"""Five-minute bars in a bar of fifteen minutes."""

Import = Callable[[Sequence[Path]], Tape]


def write_market(path: Path, days: int = 2, without: Sequence[int] = ()) -> Path:
    """A file of five-minute candles, some rows left out."""
    bars = synthesize(7, days=days, timeframe="5m")
    kept = np.setdiff1d(np.arange(len(bars)), np.array(without, np.int64))
    write_candles(path, taken(bars, kept), DEFAULT_SPOT, synthetic=True)
    return path


def taken(bars: Bars, at: Any) -> Bars:
    names = ("ts_open", "open", "high", "low", "close", "volume", "turnover")
    return Bars(bars.timeframe, **{name: getattr(bars, name)[at] for name in names})


def tape_of(market: MarketBars) -> Tape:
    return memory_tape(with_instruments(market_rows(market), [DEFAULT_SPOT]), (), META)


# ---- importers ---------------------------------------------------------------------------------------------------


def importing(change: Callable[[Bars], Bars] = lambda bars: bars) -> Import:
    """The real importer, with something done to the bars of the file before they are resampled."""

    def imported(files: Sequence[Path]) -> Tape:
        return tape_of(from_bars({FILLS: change(read_candles(files[0], DEFAULT_SPOT).bars)}, STRUCTURE, FILLS))

    return imported


def with_closes(bars: Bars, close: Any) -> Bars:
    """The same bars with other closes, and extremes that still hold them."""
    return replace(bars, close=close, high=np.maximum(bars.high, close), low=np.minimum(bars.low, close))


def smoothed_by_neighbours(bars: Bars) -> Bars:
    """A centred moving average of closes."""
    padded = np.pad(bars.close, 2, mode="edge")
    return with_closes(bars, sum(padded[n : n + len(bars)] for n in range(5)) // 5)


def scaled_to_the_highest(bars: Bars) -> Bars:
    """Prices as parts of the highest one of the file."""
    highest = int(bars.high.max())
    return replace(
        bars, **{n: np.maximum(getattr(bars, n) * 300_000 // highest, 1) for n in ("open", "high", "low", "close")}
    )


def filled_from_the_next(bars: Bars) -> Bars:
    """Holes closed with the bar that comes after them."""
    step = timeframe_ns(bars.timeframe)
    whole = np.arange(bars.ts_open[0], bars.ts_open[-1] + step, step)
    return replace(taken(bars, np.searchsorted(bars.ts_open, whole)), ts_open=whole)


def one_bar_early(bars: Bars) -> Bars:
    """A file that stamps the open, read as if it stamped the end."""
    return replace(bars, ts_open=bars.ts_open - timeframe_ns(bars.timeframe))


def structure_at_its_open(files: Sequence[Path]) -> Tape:
    """Bars of the higher timeframe that bear the time at which they open."""
    market = from_bars({FILLS: read_candles(files[0], DEFAULT_SPOT).bars}, STRUCTURE, FILLS)
    return tape_of(replace(market, htf=one_bar_early(market.htf)))


def structure_from_parts(files: Sequence[Path]) -> Tape:
    """Higher bars made of whatever is there, known at the end of their last part."""
    low = read_candles(files[0], DEFAULT_SPOT).bars
    slot = low.ts_open // timeframe_ns(STRUCTURE)
    first = np.flatnonzero(np.diff(slot, prepend=slot[0] - 1))
    last = np.append(first[1:], len(low)) - 1
    high = Bars(
        STRUCTURE,
        low.ts_open[last] + timeframe_ns(FILLS) - timeframe_ns(STRUCTURE),
        low.open[first],
        np.maximum.reduceat(low.high, first),
        np.minimum.reduceat(low.low, first),
        low.close[last],
        np.add.reduceat(low.volume, first),
        np.add.reduceat(low.turnover, first),
    )
    return tape_of(MarketBars(high, low, ()))


def with_corrections(path: Path) -> Path:
    """A file to whose end somebody has appended other prices for rows far above."""
    frame = pl.read_csv(write_market(path), infer_schema=False)
    wrong = frame[100:500:40].with_columns(close=pl.col("high"), open=pl.col("high"))
    pl.concat([frame, wrong]).write_csv(path)
    return path


def corrected_in_place(files: Sequence[Path]) -> Tape:
    """Rows sorted by time, of equal stamps the last one kept: a repair that uses what was written later."""
    frame = pl.read_csv(files[0], infer_schema=False)
    repaired = files[0].with_name("repaired.csv")
    frame.unique("time", keep="last").sort("time").write_csv(repaired)
    return importing()([repaired])


# ---- traders -----------------------------------------------------------------------------------------------------


def fitted_to_the_whole(tape: Tape) -> Trader:
    """A threshold that is the spread of the whole file's closes."""
    closes = bars_on(tape, TIMEFRAME_NUMBER[STRUCTURE])[0]
    return trader(rule=Rule(threshold=float(closes.std() / closes.mean()) / 10))


def picked_by_final_return(tape: Tape) -> Trader:
    """Of nine rules the one that ends with the most."""
    closes = bars_on(tape, TIMEFRAME_NUMBER[STRUCTURE])[0].astype(float)
    moves = np.diff(closes)

    def final(threshold: float) -> float:
        held = np.r_[0.0, np.diff(closes)[:-1]] / closes[:-1] > threshold
        return float(moves[held].sum())

    return trader(rule=Rule(threshold=max(np.linspace(-0.004, 0.004, 9), key=final)))


def foreknowing(table_of: Callable[..., Any]) -> Callable[[Tape], Trader]:
    """A system that has a number for each structure bar, worked out beforehand from closes, highs, lows and ends."""

    def traded(tape: Tape) -> Trader:
        numbers = table_of(*bars_on(tape, TIMEFRAME_NUMBER[STRUCTURE]))

        def signal(state: Any, params: Any, view: Any) -> float:
            return float(numbers[min(int(state.bars) - 1, len(numbers) - 1)])

        return trader(signal)

    return traded


def next_close(closes: Any, highs: Any, lows: Any, ends: Any) -> Any:
    """Where the next bar goes, by index."""
    return np.diff(closes, append=closes[-1:])


def distance_from_the_mean_of_all(closes: Any, highs: Any, lows: Any, ends: Any) -> Any:
    """A score of the whole file: less its mean, by its deviation."""
    return (closes - closes.mean()) / closes.std()


def pivots_before_they_are_known(closes: Any, highs: Any, lows: Any, ends: Any) -> Any:
    """A low is a pivot at its own bar, though two bars to its right say so."""
    padded = np.pad(lows, 2, mode="edge")
    return (lows == np.min([padded[n : n + len(lows)] for n in range(5)], axis=0)) * 1.0


def near_the_low_of_its_day(closes: Any, highs: Any, lows: Any, ends: Any) -> Any:
    """Close to the lowest price of the day, which the day shows when it is over."""
    days = (ends - 1) // DAY_NS
    lowest = np.array([lows[days == day].min() for day in days])
    return (closes < lowest * 1.004) * 1.0


def label_as_a_feature(closes: Any, highs: Any, lows: Any, ends: Any) -> Any:
    """The return over the next four bars, joined to the row it is to be learned from."""
    return np.r_[closes[4:], closes[-4:]] / closes - 1.0


class CarriedOver:
    """A mean that lives outside the state and survives the run."""

    def __init__(self) -> None:
        self.mean = 0.0

    def __call__(self, state: Any, params: Any, view: Any) -> float:
        close = int(view.market[0].close)
        self.mean = close if self.mean == 0.0 else 0.9 * self.mean + 0.1 * close
        return close / self.mean - 1.0


ALWAYS_THE_SAME = CarriedOver()


def carrying(tape: Tape) -> Trader:
    """Every run goes on with the mean of the run before."""
    return trader(ALWAYS_THE_SAME)


# ---- markets -----------------------------------------------------------------------------------------------------


def fill_at_once(world: World, begun: str = "ts") -> None:
    """What was ordered at a close is filled at that close, when it arrives or (`decided`) when it is sent."""
    venue, close = world.venue[0], int(world.desk[0].shown.market[0].close)
    while venue.request_head < venue.request_tail:
        request = venue.requests[venue.request_head & (RING - 1)]
        venue.request_head += 1
        if request.kind == PLACE:
            take_order(venue, request)
            respond_fill(venue, int(request.slot), close, int(request.lots), 0, int(request[begun]))


def filled_by_the_bar_of_the_decision(tape: Tape) -> Trader:
    return trader(advance=loop_of(above_its_mean, fill_at_once))


def filled_before_it_arrives(tape: Tape) -> Trader:
    """An exchange at no distance, where the report says that there is one."""
    return trader(advance=loop_of(above_its_mean, lambda world: fill_at_once(world, "decided")))


HONEST = Pipeline(importing(), lambda tape: trader())


def pipeline(imported: Import | None = None, traded: Callable[[Tape], Trader] | None = None) -> Pipeline:
    return Pipeline(imported or HONEST.imported, traded or HONEST.traded)


LEAKS = {
    "parameters fitted on the whole file": (pipeline(traded=fitted_to_the_whole), "parameters"),
    "a rule picked by its final return": (pipeline(traded=picked_by_final_return), "parameters"),
    "a score over the whole file": (pipeline(traded=foreknowing(distance_from_the_mean_of_all)), "state"),
    "prices scaled to the file's highest": (pipeline(importing(scaled_to_the_highest)), "bars seen"),
    "a centred moving average": (pipeline(importing(smoothed_by_neighbours)), "bars seen"),
    "higher bars stamped at their open": (pipeline(structure_at_its_open), "bars seen"),
    "higher bars made of parts": (pipeline(structure_from_parts), "bars seen"),
    "stamps one bar early": (pipeline(importing(one_bar_early)), "bars seen"),
    "holes filled from the next bar": (pipeline(importing(filled_from_the_next)), "bars seen"),
    "repaired with later rows": (pipeline(corrected_in_place), "bars seen"),
    "the next bar by index": (pipeline(traded=foreknowing(next_close)), "decisions"),
    "pivots before they are known": (pipeline(traded=foreknowing(pivots_before_they_are_known)), "state"),
    "the day's final low": (pipeline(traded=foreknowing(near_the_low_of_its_day)), "state"),
    "the label among the features": (pipeline(traded=foreknowing(label_as_a_feature)), "decisions"),
    "memory of the run before": (pipeline(traded=carrying), "state"),
    "filled by the bar of the decision": (
        pipeline(traded=filled_by_the_bar_of_the_decision),
        "fill without a market",
    ),
    "filled before it arrives": (pipeline(traded=filled_before_it_arrives), "fill before arrival"),
}
"""Name to the pipeline with the leak, and what the checker must name."""
