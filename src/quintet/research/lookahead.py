"""Does anything know the future? Take the future away, or put noise in its place: the past may not change.

The cut is made on the rows of the source files, before import, repair and resampling, and once more on the tape. What
is compared up to each cut, bit for bit: the parameters, the memory before the first event, the bars seen (of every
timeframe), the decisions, the fills heard of, the notes, the equity marks, and all that desk and system remember, the
features among it.

Two things that no cut shows are tried beside it. The same run once more must be the same run: nothing is carried over.
And no order is filled before it can have arrived, nor where no market follows: an order that the bar it was decided on
fills has seen nothing of the future, and is as impossible.
"""

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from quintet.core.errors import DataError, InputError, TapeError
from quintet.core.events import (
    BAR_CLOSE,
    BAR_OPEN,
    BAR_TURNOVER,
    FACT,
    HIGH_SHIFT,
    PLACE,
    TIMEFRAME_NUMBER,
    timeframe_ns,
)
from quintet.core.instrument import Instrument
from quintet.core.random import below, seeded
from quintet.core.row_laws import frozen
from quintet.core.tape import Tape, memory_tape
from quintet.research.moments import (
    PARTS,
    Difference,
    Journey,
    Moment,
    Trader,
    differences,
    first_different,
    known_at,
    known_rows,
    travel,
)
from quintet.research.tick_noise import noisy_ticks
from quintet.storage.candle_cuts import (
    CandleRows,
    Noise,
    draw_noise,
    last_price,
    read_rows,
    write_known,
    write_noise_after,
)
from quintet.storage.candle_files import utc_text
from quintet.storage.candle_table import Reading

CUTS: Final = 24
SEED: Final = 20260101

REMOVED: Final = "removed"
NOISE: Final = "replaced by noise"
FUTURES: Final = (REMOVED, NOISE)

MOMENTS_MIN: Final = 12
"""A market at which fewer moments bring anything new is not worth cutting."""


class Pipeline(NamedTuple):
    """From source files to decisions. Whatever stands here is put to the test, honest or not.

    `imported`: candle files to a checked tape, with everything done on the way. `traded`: a tape to who trades on it;
    parameters that are fitted are fitted there. Both are called anew for every cut.
    """

    imported: Callable[[Sequence[Path]], Tape]
    traded: Callable[[Tape], Trader]


class Finding(NamedTuple):
    """A difference, the cut that showed it (ns UTC), and under which fill policy."""

    cut_ns: int
    policy: str
    difference: Difference

    def __str__(self) -> str:
        return f"{self.difference.what}: {self.difference.how} (cut at {utc_text(self.cut_ns)} UTC, {self.policy})"


@dataclass(frozen=True)
class Trial:
    """One way of looking for the future: what was tried and how much of it, and what was found."""

    name: str
    tried: str
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """True when nothing was found."""
        return not self.findings


@dataclass(frozen=True)
class Lookahead:
    """The verdict over all trials; `cuts_ns` in ns UTC."""

    cuts_ns: tuple[int, ...]
    trials: tuple[Trial, ...]

    @property
    def ok(self) -> bool:
        """True when no trial found anything."""
        return all(trial.ok for trial in self.trials)

    @property
    def repeatable(self) -> bool:
        """True when the same market once more gave the same run; else no difference says anything of the future."""
        return self.trials[0].ok

    @property
    def found(self) -> frozenset[str]:
        """What differed anywhere, in words such as `parameters` or `bars seen`."""
        return frozenset(finding.difference.what for trial in self.trials for finding in trial.findings)


Told = Callable[[float, float], None]
"""Hears how far the work has come: done and total."""

Cut = Callable[[str, int], Tape]
"""The market with another future: which of FUTURES, and from when on (ns UTC)."""


@dataclass(frozen=True)
class Cutting:
    """How a market is cut: how often, the seed of places and noise, and how its files' stamps are meant (believed)."""

    instrument: Instrument
    cuts: int = CUTS
    seed: int = SEED
    reading: Reading = Reading()


def look_ahead(
    pipeline: Pipeline, files: Sequence[Path], cutting: Cutting, told: Told = lambda done, total: None
) -> Lookahead:
    """Put everything between candle files and decisions to the test.

    Raises DataError for files that cannot be imported as they are or are too short to cut.
    """
    rows = [read_rows(path, cutting.reading) for path in files]
    holes_ns = np.concatenate([source.holes_ns for source in rows])
    bench = _Bench(pipeline, pipeline.imported(files), cutting, holes_ns)
    with tempfile.TemporaryDirectory(prefix="quintet-lookahead-") as folder:
        places = [Path(folder) / str(n) / path.name for n, path in enumerate(files)]
        for place in places:
            place.parent.mkdir()

        def imported_anew(future: str, cut_ns: int) -> Tape:
            return pipeline.imported(bench.write(rows, places, future, cut_ns))

        ways = {"the source files": imported_anew, "the tape": bench.cut_tape}
        return bench.verdict(lambda: pipeline.imported(files), ways, told)


def look_ahead_on_tape(
    pipeline: Pipeline, tape: Tape, cutting: Cutting, told: Told = lambda done, total: None
) -> Lookahead:
    """The same for a market that is there as a tape alone: how it was imported is not tested. Raises DataError."""
    bench = _Bench(pipeline, tape, cutting)
    return bench.verdict(lambda: tape, {"the tape": bench.cut_tape}, told)


def choose_cuts(rows: Any, commands: Any, structure: str, count: int, seed: int, holes_ns: Any = ()) -> tuple[int, ...]:
    """Moments to cut at, ns UTC, ascending: spread over the whole market, around decisions, and in holes; seeded.

    Half of them are spread; a quarter fall into `holes_ns`, where there are any, the rest at a bar beside a decision.
    All lie after the second structure bar (`structure` is empty where there are no bars), many inside a structure bar
    where there are shorter ones. Raises DataError for a market that is too short.
    """
    known = np.unique(known_at(rows))
    if structure:
        bars = rows["ts_recv"][(rows["kind"] == BAR_OPEN) & (rows["bits"] >> 1 == TIMEFRAME_NUMBER[structure])]
        known = known[known >= bars[1]] if len(bars) > 1 else known[:0]
    if len(known) < MOMENTS_MIN:
        raise DataError(f"{len(known)} moments at which a bar closes, expected {MOMENTS_MIN} or more: too short to cut")
    # At the last moment there is no future to take away.
    known = known[:-1]
    dice = seeded(seed, "places of cuts")[0]
    holes = [int(ns) for ns in holes_ns if known[0] < ns < known[-1]]
    inside = [holes[below(dice, len(holes))] for _ in range(count // 4 if holes else 0)]
    around = count // 2 - len(inside) if len(commands) else 0
    parts = np.linspace(0, len(known), count - around - len(inside) + 1).astype(np.int64).tolist()
    places = [low + below(dice, max(high - low, 1)) for low, high in zip(parts, parts[1:], strict=False)]
    for _ in range(around):
        decided = int(commands["ts"][below(dice, len(commands))])
        places.append(int(np.searchsorted(known, decided, side="right")) - 2 + below(dice, 3))
    return tuple(sorted({*inside, *(int(known[min(max(place, 0), len(known) - 1)]) for place in places)}))


class _Bench:
    """The whole market, run under every policy and looked at where it is cut, beside markets with other futures."""

    def __init__(self, pipeline: Pipeline, tape: Tape, cutting: Cutting, holes_ns: Any = ()) -> None:
        self.pipeline, self.tape, self.cutting = pipeline, tape, cutting
        self.options = pipeline.traded(tape).options
        self.policies = self.options.policies
        first = travel(tape, pipeline.traded(tape), self.policies[0], (), to_end=True)
        self.cuts = choose_cuts(
            first.rows,
            first.parts["commands"],
            "" if self.options.book else self.options.structure,
            cutting.cuts,
            cutting.seed,
            holes_ns,
        )
        self.end_ns = int(known_at(first.rows)[-1])
        self.noise: Noise = draw_noise(cutting.seed)

    @cached_property
    def whole(self) -> dict[str, Journey]:
        """The real market's run for each policy, looked at where it is cut and at its end."""
        found: dict[str, Journey] = {}
        for n, policy in enumerate(self.policies):
            cuts = self.cuts[n :: len(self.policies)]
            places = sorted({*cuts, *map(self.settled, cuts), self.end_ns})
            found[policy] = travel(self.tape, self.pipeline.traded(self.tape), policy, places, to_end=True)
        return found

    def settled(self, cut_ns: int) -> int:
        """The end of the last structure bar that had closed at a cut: shorter bars after it wait for theirs."""
        if self.options.fills == self.options.structure:
            return cut_ns
        return cut_ns - cut_ns % timeframe_ns(self.options.structure)

    def verdict(self, imported: Callable[[], Tape], ways: Mapping[str, Cut], told: Told) -> Lookahead:
        """Every trial: cuts of each kind, the same once more, and the fills."""
        trials = [self.again(imported), self.arrivals()]
        total = len(ways) * len(FUTURES) * len(self.cuts)
        for place, cut in ways.items():
            for future in FUTURES:
                told((len(trials) - 2) * len(self.cuts), total)
                trials.append(self.trial(place, future, cut))
        return Lookahead(self.cuts, tuple(trials))

    # ---- other futures ---------------------------------------------------------------------------------------

    def write(self, files: Sequence[CandleRows], places: Sequence[Path], future: str, cut_ns: int) -> list[Path]:
        """The source files as they were at a cut, those that were there; or all, with noise after it."""
        written = []
        around = last_price(files, cut_ns, self.cutting.instrument)
        for rows, place in zip(files, places, strict=True):
            if future == NOISE:
                write_noise_after(rows, cut_ns, place, self.cutting.instrument, self.noise, around)
            elif rows.until(cut_ns):
                write_known(rows, cut_ns, place)
            else:
                continue
            written.append(place)
        return written

    def cut_tape(self, future: str, cut_ns: int) -> Tape:
        """The tape as it was at a cut, or with noise in the bars after it."""
        rows = np.asarray(self.tape.event_rows())
        count = known_rows(rows, cut_ns)
        if future == REMOVED:
            other = rows[:count]
        elif self.options.book is not None:
            other = noisy_ticks(rows, count, self.cutting.seed)
        else:
            other = _noisy(rows, count, self.noise, self.cutting.instrument)
        return memory_tape(frozen(other), (), self.tape.meta, self.tape.name)

    # ---- trials ----------------------------------------------------------------------------------------------

    def again(self, imported: Callable[[], Tape]) -> Trial:
        """The same market once more: import, parameters and run, from nothing."""
        policy, tape = self.policies[0], imported()
        one = self.whole[policy]
        other = travel(tape, self.pipeline.traded(tape), policy, [self.end_ns])
        found = tuple(Finding(self.end_ns, policy, each) for each in differences(one, other, self.end_ns))
        return Trial("the same market once more", f"1 run: {_amount([one.moments[self.end_ns]])}", found)

    def arrivals(self) -> Trial:
        """Every fill of the whole market: its order had been sent, and had had the time to arrive."""
        found = [
            Finding(int(fill["ts_recv"]), policy, Difference("fill before arrival", fill_words(fill)))
            for policy, journey in self.whole.items()
            for fill in fills_too_early(journey.parts["commands"], journey.parts["fills"], journey.entry_ns)
        ]
        fills = sum(len(journey.parts["fills"]) for journey in self.whole.values())
        return Trial("fills come after their orders arrived", f"{fills:,} fills, {', '.join(self.policies)}", (*found,))

    def trial(self, place: str, future: str, cut: Cut) -> Trial:
        """Every cut with one kind of future; fill policies take turns."""
        findings: list[Finding] = []
        compared = []
        for n, cut_ns in enumerate(self.cuts):
            policy = self.policies[n % len(self.policies)]
            moment = self.settled(cut_ns) if future == REMOVED else cut_ns
            findings += [Finding(cut_ns, policy, each) for each in self.tried(cut, future, cut_ns, policy)]
            compared.append(self.whole[policy].moments[moment])
        return Trial(f"{place} cut, the future {future}", f"{len(compared)} cuts: {_amount(compared)}", tuple(findings))

    def tried(self, cut: Cut, future: str, cut_ns: int, policy: str) -> list[Difference]:
        """What one cut shows."""
        try:
            tape = cut(future, cut_ns)
            trader = self.pipeline.traded(tape)
        except (InputError, TapeError) as error:
            return [Difference("import", f"the market with another future is refused: {error}")]
        moment = self.settled(cut_ns) if future == REMOVED else cut_ns
        one, other = self.whole[policy], travel(tape, trader, policy, [moment], to_end=future == REMOVED)
        found = [*differences(one, other, moment), *self._rows_between(one, other, moment, cut_ns)]
        # A book stands still after its last row, and what was on its way then may still meet it.
        ends = future == REMOVED and self.options.book is None
        return found + (_fills_without_market(other, moment) if ends else [])

    def _rows_between(self, one: Journey, other: Journey, moment: int, cut_ns: int) -> Iterator[Difference]:
        """Rows after the last whole structure bar may be missing before the cut; what is there must be equal."""
        here, there = (each.rows[: known_rows(each.rows, cut_ns)] for each in (one, other))
        at = first_different(here, there)
        if moment < cut_ns and at >= 0 and not (at == len(there) and known_at(here)[at] > moment):
            yield Difference("bars seen", f"row {at} before the cut depends on what came after it")


def _amount(moments: Sequence[Moment]) -> str:
    """How much was compared, summed over moments."""
    counts = [f"{sum(m.counts[part] for m in moments):,} {name}" for part, name in PARTS.items()]
    return ", ".join([f"{sum(m.events for m in moments):,} rows of the market", *counts, "and all that is remembered"])


def with_noise_after(tape: Tape, moment_ns: int, noise: Noise, instrument: Instrument) -> Tape:
    """A tape of bars in which every price and volume that was not known at a moment is noise."""
    rows = np.asarray(tape.event_rows())
    other = _noisy(rows, known_rows(rows, moment_ns), noise, instrument)
    return memory_tape(frozen(other), (), tape.meta, tape.name)


def _noisy(rows: Any, count: int, noise: Noise, instrument: Instrument) -> Any:
    """Rows with noise in the bars and the facts from row `count` on; a bar was known before."""
    rows = rows.copy()
    kinds, numbers = rows["kind"], np.arange(len(rows))
    around = int(rows["price"][:count][kinds[:count] == BAR_CLOSE][-1])
    first = np.flatnonzero((kinds == BAR_OPEN) & (numbers >= count))
    future = noise.bars(around, instrument.ticks_per_tick_size, np.arange(len(first)))
    rows["price"][first], rows["price"][first + 1] = future["open"], future["close"]
    rows["quantity"][first] = future["volume"]
    rows["quantity"][first + 1] = future["high"] << HIGH_SHIFT | future["low"]
    traded = np.flatnonzero((kinds == BAR_TURNOVER) & (numbers >= count))
    rows["quantity"][traded] = np.resize(noise.volume, len(traded))
    said = np.flatnonzero((kinds == FACT) & (numbers >= count))
    rows["quantity"][said] = np.resize(noise.volume, len(said))
    return rows


# ---- fills -----------------------------------------------------------------------------------------------------


def _sent_ns(commands: Any, fills: Any) -> Any:
    """When the order of each fill was decided, ns UTC; -1 for an order that was never placed."""
    placed = commands[commands["kind"] == PLACE]
    if not len(placed):
        return np.full(len(fills), -1)
    order = np.argsort(placed["number"], kind="stable")
    at = np.minimum(np.searchsorted(placed["number"], fills["number"], sorter=order), len(placed) - 1)
    known = placed["number"][order[at]] == fills["number"]
    return np.where(known, placed["ts"][order[at]], -1)


def fills_too_early(commands: Any, fills: Any, entry_ns: int) -> Any:
    """Fills of orders that were never sent or cannot have arrived; `entry_ns`: how long an order travels."""
    sent = _sent_ns(commands, fills)
    return fills[(sent < 0) | (fills["ts_event"] < sent + entry_ns)]


def _fills_without_market(journey: Journey, moment_ns: int) -> list[Difference]:
    """Fills after the end of a market that was cut: later than its last bar, or of orders decided at it."""
    fills = journey.parts["fills"][journey.moments[moment_ns].counts["fills"] :]
    end_ns = int(known_at(journey.rows)[-1])
    wrong = fills[(fills["ts_event"] > end_ns) | (_sent_ns(journey.parts["commands"], fills) >= end_ns)]
    return [Difference("fill without a market", fill_words(fill)) for fill in wrong[:1]]


def fill_words(fill: Any) -> str:
    """A fill in words."""
    return f"order {fill['number']} is filled at {utc_text(int(fill['ts_event']))}, price {fill['price']}"
