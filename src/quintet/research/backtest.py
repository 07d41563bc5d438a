"""One tape, one system, every fill policy: the runs, their hashes, and an interval instead of a number.

The headline is the policy with the lowest net result. It is run a second time when its desk tape is written, and must
then give the same command hash.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from quintet.core import state as s
from quintet.core.digest import command_hash, state_hash
from quintet.core.engine.world import (
    BreakerRules,
    Execution,
    Limits,
    Setup,
    asset_numbers,
    begin_at,
    new_world,
    set_instrument,
)
from quintet.core.errors import ConfigError, DataError, InvariantError
from quintet.core.events import TIMEFRAME_NUMBER
from quintet.core.instrument import SPOT, Instrument, in_common_quanta
from quintet.core.risk.config import RiskConfig
from quintet.core.risk.restraint_config import rules_of, strictest
from quintet.core.row_laws import Definition
from quintet.core.tape import Tape, TapeMeta
from quintet.core.units import E9, exact_quanta
from quintet.research.backtest_options import BacktestOptions
from quintet.research.executions import told_executions
from quintet.research.measures import equity_measures, fill_measures
from quintet.research.returns import daily_returns
from quintet.research.run_tables import curve_table, equity_table, event_table, fill_table, order_table
from quintet.research.several_instruments import told_instruments
from quintet.research.systems import KernelSystem, find, loop, told_of_all
from quintet.research.tick_marks import Marks
from quintet.research.tick_quality import TickRun, tick_figures, tick_quality
from quintet.research.tick_setup import capital_of, refuse_on_candles, tick_setup
from quintet.research.trials import trial_of
from quintet.sim.bars import OHLC, OLHC, OPTIMISTIC, PESSIMISTIC
from quintet.sim.config import ExecutionConfig
from quintet.sim.loop import hear_the_rest
from quintet.sim.tick_execution import ends_by_reason, tick_assumptions
from quintet.storage.trial_records import Trial

POLICIES = {"pessimistic": PESSIMISTIC, "optimistic": OPTIMISTIC, "ohlc": OHLC, "olhc": OLHC, "lower": PESSIMISTIC}

DESK_ROWS = 1 << 16

MARKED_AT_MID = (
    "equity is what our books know, marked at the exchange's mid; a mid between two prices counts against us"
)


@dataclass(frozen=True)
class PolicyRun:
    """One policy's run, complete: the world after the last event, and what was taken out of its buffers."""

    policy: str
    world: s.World
    commands: Any
    fills: Any
    notes: Any
    samples: Any
    equity: Any
    """The EQUITY record that the marks have made."""
    marks: Marks | None = None
    """On order books: what was found at the marks and between them."""
    told_rows: int = 0
    """On order books, recorded: rows of the desk tape until the market's end; answers follow, and nobody is asked."""

    @property
    def desk(self) -> Any:
        """The desk's record."""
        return self.world.desk[0]

    @property
    def command_hash(self) -> str:
        """128-bit mix over every approved command."""
        return command_hash(self.desk)

    @property
    def state_hash(self) -> str:
        """SHA-256 over desk and system state."""
        return state_hash(self.world.desk, self.world.state)

    @property
    def net_quanta(self) -> int:
        """Equity at the last mark less what was brought in, quote quanta."""
        return int(self.equity.quanta) - int(self.equity.start)

    @property
    def imbalance_quanta(self) -> int:
        """Sum of what any asset's books are off, 0 when all balance."""
        return int(np.abs(np.asarray(self.desk.ledger).sum(axis=0)).sum())


class Kept:
    """Rows taken out of a world's buffers whenever they are full."""

    def __init__(self) -> None:
        self.parts: dict[str, list[Any]] = {"commands": [], "fills": [], "notes": [], "samples": []}
        self.rows: list[Any] = []
        self.told_rows = 0
        """Of the desk tape: so many had entered when the system was asked for the last time."""

    def end_of_tape(self) -> None:
        """The system is asked no more; only answers to its orders follow."""
        self.told_rows = sum(map(len, self.rows))

    def take(self, world: s.World) -> None:
        """Copy and empty."""
        venue = world.venue[0]
        for name, parts in self.parts.items():
            parts.append(getattr(world, name)[: int(venue[f"n_{name}"])].copy())
            venue[f"n_{name}"] = 0
        if venue.recording:
            self.rows.append(world.rows_out[: int(venue.n_rows)].copy())
            venue.n_rows = 0

    def column(self, name: str) -> Any:
        """All rows of one buffer in order."""
        return np.concatenate(self.parts[name])


def setup_of(system: KernelSystem, options: BacktestOptions, policy: str, recording: bool = False) -> Setup:
    """The world a configuration describes, for one fill policy."""
    instrument, execution = options.instrument, options.execution
    room: dict[str, Any] = {
        "limits": (limits_of(options.risk, *options.instruments),),
        "breaker": breaker_of(options.risk),
        "restraint": rules_of(strictest(system.restraint, options.risk), instrument.quote_quantum),
        "desk_rows": DESK_ROWS if recording else 1,
    }
    if options.book is not None:
        return tick_setup(system, options, options.book, **room)
    refuse_on_candles(system)
    structure, fills = TIMEFRAME_NUMBER[options.structure], TIMEFRAME_NUMBER[options.fills]
    return Setup(
        instruments=(instrument,),
        capital=capital_of(execution, instrument),
        execution=execution_of(execution, POLICIES[policy], fills),
        wakes=system.wakes,
        facts=system.facts,
        wake_timeframes=tuple(sorted({structure, fills} if system.hears_fill_bars else {structure})),
        mark_timeframe=structure,
        **room,
    )


def execution_of(config: ExecutionConfig, policy: int, fill_timeframe: int) -> Execution:
    """Config in the venue's integers."""
    return Execution(
        entry_ns=config.latency_ms * 1_000_000,
        response_ns=config.response_ms * 1_000_000,
        policy=policy,
        participation_e9=_e9(config.participation_frac),
        touch_e9=_e9(config.touch_fill_frac),
        slippage_e9=_e9(config.slippage_bps, 10_000),
        half_spread_e9=_e9(config.spread_bps, 20_000),
        fill_timeframe=fill_timeframe,
    )


def _e9(value: float, divisor: int = 1) -> int:
    """A float config value as a whole number of 1e-9, through its shortest decimal text."""
    return int(Decimal(repr(float(value))) * E9 / divisor)


def limits_of(risk: RiskConfig, instrument: Instrument, *others: Instrument) -> Limits:
    """The desk scope of the limits; 0 in the config means off.

    Raises ConfigError for a quantity where several instruments are counted in lots that are not alike.
    """
    for other in others:
        if (other.base_asset, other.lot_size) != (instrument.base_asset, instrument.lot_size) and (
            risk.order_quantity_max or risk.position_quantity_max
        ):
            raise ConfigError(
                f"order_quantity_max and position_quantity_max: found lots of"
                f" {instrument.lot_size} {instrument.base_asset} "
                f"and of {other.lot_size} {other.base_asset}, expected 0 (off): one limit would mean two sizes"
            )
    order = instrument.lots(risk.order_quantity_max, "risk.order_quantity_max")
    position = instrument.lots(risk.position_quantity_max, "risk.position_quantity_max")
    off = Limits()
    return Limits(
        max_order_lots=order or off.max_order_lots,
        max_position_lots=position or off.max_position_lots,
        max_open_orders=risk.open_orders_max,
        max_orders_per_second=risk.order_rate_max,
        stale_ns=risk.stale_after_ms * 1_000_000 or off.stale_ns,
    )


def breaker_of(risk: RiskConfig) -> BreakerRules:
    """The rules by which the desk stops itself; 0 in the config means off."""
    return BreakerRules(
        drawdown_e9=_e9(risk.drawdown_halt_frac),
        day_loss_e9=_e9(risk.day_loss_halt_frac),
        alarms_max=risk.alarms_halt,
    )


def fresh_world(
    system: KernelSystem, params: Any, options: BacktestOptions, policy: str, recording: bool = False
) -> s.World:
    """The world of a system before its first event, as a configuration describes it."""
    structure, fills = TIMEFRAME_NUMBER[options.structure], TIMEFRAME_NUMBER[options.fills]
    instrument = options.instrument
    told = system.params(params, instrument, structure, fills, options.execution.spread_bps)
    return new_world(
        setup_of(system, options, policy, recording),
        system.state(params, instrument, structure, fills),
        told_of_all(told, options.others) if options.others and system.is_python else told,
    )


def run_policy(
    tape: Tape,
    system: KernelSystem,
    params: Any,
    options: BacktestOptions,
    policy: str,
    record: bool = False,
    every_sample: bool = True,
) -> tuple[PolicyRun, list[Any]]:
    """Run the whole tape under one fill policy; with `record` also return the rows of the desk tape.

    Without `every_sample` only those equity marks are kept that daily returns are made of.
    """
    world, kept = world_before(tape, system, params, options, policy, record), Kept()
    if not every_sample:
        world.venue[0].sampling = s.LAST_OF_DAY
    marks = Marks(tape, world) if options.book is not None else None
    if marks is not None:
        drive_marked(loop(system), tape, world, kept, marks)
    else:
        drive(loop(system), tape, world, kept)
    return finished_run(policy, world, kept, marks), kept.rows


def finished_run(policy: str, world: s.World, kept: Kept, marks: Marks | None = None) -> PolicyRun:
    """What a run has left behind; on order books its `marks` are its samples."""
    samples, equity = (
        (marks.samples, marks.equity) if marks is not None else (kept.column("samples"), world.desk[0].shown.equity)
    )
    commands, fills, notes = map(kept.column, ("commands", "fills", "notes"))
    return PolicyRun(policy, world, commands, fills, notes, samples, equity, marks, kept.told_rows)


def world_before(
    tape: Tape, system: KernelSystem, params: Any, options: BacktestOptions, policy: str, recording: bool = False
) -> s.World:
    """The world of a run before the first event of a tape, marks of equity kept."""
    world = fresh_world(system, params, options, policy, recording)
    begin_at(world, tape.first_row)
    set_timer(world, system, tape.census.first_ns)
    world.venue[0].sampling = s.EVERY_MARK
    world.venue[0].recording = int(recording)
    return world


def set_timer(world: s.World, system: KernelSystem, first_ns: int) -> None:
    """Let the timer of a system that has one come due at whole multiples of its length, from `first_ns` on."""
    every_ns = system.timer_every_ns
    if every_ns:
        world.desk[0].timer_every = every_ns
        world.desk[0].timer_next = -(-first_ns // every_ns) * every_ns


def drive(run: Any, tape: Tape, world: s.World, kept: Kept, stop: int | None = None) -> None:
    """Move to the end of the tape, emptying full buffers and applying instrument definitions on the way.

    With `stop`, an index into the tape's rows that is not the end, the run pauses there and can go on.
    """
    rows = s.Tape(tape.rows)
    stop = len(tape.rows) if stop is None else stop
    # Interpreted NumPy integers warn where the command hash wraps on purpose; compiled ones do not.
    with np.errstate(over="ignore"):
        while (why := run(rows, world, stop)) not in (s.END, s.PAUSE):
            if why == s.FULL:
                kept.take(world)
            elif why == s.DEFINITION:
                define(tape, world)
            else:
                raise InvariantError(f"the loop stopped for {s.WHY_NAMES.get(why, why)}, expected its end")
        kept.take(world)
        if why == s.END and world.venue[0].fill_timeframe == 0:
            kept.end_of_tape()
            while hear_the_rest(run, rows, world) == s.FULL:
                kept.take(world)
            kept.take(world)


def drive_marked(run: Any, tape: Tape, world: s.World, kept: Kept, marks: Marks) -> None:
    """The same on a tape of order books, pausing wherever equity is marked."""
    for stop, ts_ns, is_mark in marks.places:
        drive(run, tape, world, kept, stop)
        if is_mark:
            marks.take(ts_ns)
        else:
            marks.look(ts_ns)
    drive(run, tape, world, kept)
    marks.take(marks.last_ns)


def define(tape: Tape, world: s.World) -> None:
    """Apply the instrument definition under the cursor to desk and venue, and step over its first row.

    The first definition is what the config was checked against; fees stay those of the config. Raises DataError when a
    lot changes while anything is counted in the old one.
    """
    desk, venue = world.desk[0], world.venue[0]
    position = int(venue.cursor) - int(venue.headers)
    instruments = in_common_quanta(tape.instruments)
    for definition in tape.instrument_changes if position > 0 else ():
        if definition.position == position:
            counted = instruments[definition.number]
            instrument = msgspec.structs.replace(
                definition.instrument, base_quantum=counted.base_quantum, quote_quantum=counted.quote_quantum
            )
            _change_instrument(desk, venue, definition._replace(instrument=instrument), asset_numbers(instruments))
    venue.defined = int(venue.cursor) + 1


def _change_instrument(desk: Any, venue: Any, definition: Definition, numbers: dict[str, int]) -> None:
    """A later definition: tick, minimum and status of now; a new lot only when nothing is counted in the old one."""
    n = definition.number
    shown = desk.shown.instruments[n]
    fees = (int(shown.maker_fee_e9), int(shown.taker_fee_e9), int(shown.fee_in_base))
    lot = (int(shown.quanta), int(shown.base_quanta))
    for side in (shown, venue.instruments[n]):
        set_instrument(side, definition.instrument, numbers)
        side.maker_fee_e9, side.taker_fee_e9, side.fee_in_base = fees
    if lot == (int(shown.quanta), int(shown.base_quanta)):
        return
    account = desk.shown.account[n]
    if desk.live or (shown.kind != SPOT and account.lots):
        raise DataError(
            f"tape position {definition.position}: the lot of {definition.instrument.symbol} changes to "
            f"{definition.instrument.lot_size} while orders or a position are counted in the old one; "
            "expected a change while nothing works"
        )
    if shown.kind == SPOT:
        account.lots = account.held // shown.base_quanta


def _plain(name: str) -> str:
    """`post-only would take` as `post_only_would_take`."""
    return name.replace("-", "_").replace(" ", "_")


@dataclass(frozen=True)
class BacktestResult:
    """What all policies gave, and the headline among them."""

    tape: Tape
    system: KernelSystem
    params: Any
    options: BacktestOptions
    runs: tuple[PolicyRun, ...]

    @property
    def instrument(self) -> Instrument:
        """What was traded."""
        return self.options.instrument

    @cached_property
    def headline(self) -> PolicyRun:
        """The policy with the lowest net result; of equals the first."""
        return min(self.runs, key=lambda run: run.net_quanta)

    @cached_property
    def hashes(self) -> dict[str, str]:
        """Of the tape, of the headline's commands, of the headline's state at the end."""
        run = self.headline
        return {"tape": self.tape.hash, "commands": run.command_hash, "state": run.state_hash}

    @property
    def conservation(self) -> int:
        """Quanta by which any book of any policy is off."""
        return sum(run.imbalance_quanta for run in self.runs)

    def money(self, quanta: int) -> float:
        """Quote quanta as a number for people."""
        return float(quanta * self.instrument.quote_quantum)

    @cached_property
    def daily_returns(self) -> Any:
        """Of the headline's equity, after all costs: one fraction for each UTC day."""
        samples, equity = self.headline.samples, self.headline.equity
        return daily_returns(samples["ts"], samples["equity"], float(equity.start)).frac

    def trial(self, door: str, run: str = "") -> Trial:
        """As the ledger of trials counts it."""
        return trial_of(self, door, run)

    @cached_property
    def interval(self) -> dict[str, Any]:
        """Net result over the policies run: its ends, in the quote asset and as a fraction, and who gave them."""
        low, high = self.headline, max(self.runs, key=lambda run: run.net_quanta)
        start = int(low.equity.start) or 1
        return {
            "low_quote": self.money(low.net_quanta),
            "high_quote": self.money(high.net_quanta),
            "low_frac": low.net_quanta / start,
            "high_frac": high.net_quanta / start,
            "headline_policy": low.policy,
            "high_policy": high.policy,
            "policies": {run.policy: self.money(run.net_quanta) for run in self.runs},
        }

    @cached_property
    def metrics(self) -> dict[str, Any]:
        """Figures of the headline policy."""
        run = self.headline
        desk, accounts = run.desk, np.asarray(run.desk.shown.account)[: len(self.options.instruments)]
        fees, turnover = int(accounts["fees"].sum()), int(accounts["turnover"].sum())
        counted = {
            "policy": run.policy,
            "start_quanta": int(run.equity.start),
            "net_quanta": run.net_quanta,
            "opening_held_quanta": self.opening_held_quanta,
            "bars": int(desk.n_bars),
            "orders": int(desk.n_places),
            "cancels": int(desk.n_cancels),
            "fills": int(desk.n_fills),
            "maker_fills": int((run.fills["maker"] != 0).sum()),
            "refused": int(desk.n_refused),
            "shrunk": int(desk.n_shrunk),
            "alarms": int(desk.alarms),
            "fees_quote": self.money(fees),
            "turnover_quote": self.money(turnover),
            "before_fees_quote": self.money(run.net_quanta + fees),
        }
        equity = run.equity
        marks = equity_measures(run.samples, equity, *self.options.instruments)
        if self.options.book is not None:
            counted |= {f"venue_ended_{_plain(name)}": n for name, n in ends_by_reason(run.world).items()}
            counted |= tick_figures(self.ticks or {})
        trades = fill_measures(run.fills, turnover, equity, *self.options.instruments)
        return counted | marks | trades | dict(self.system.statistics(run.world.state))

    @cached_property
    def ticks(self) -> dict[str, Any] | None:
        """What quotes and fills were worth on an order book; None for a run on candles, or of several instruments."""
        run, book = self.headline, self.options.book
        if book is None or run.marks is None or self.options.others:
            return None
        account, marks = run.desk.shown.account[0], run.marks
        measured = TickRun(
            run.commands,
            run.fills,
            run.samples,
            marks.looks,
            run.net_quanta,
            int(account.fees),
            int(account.funding),
            book.price_windows[0],
            marks.length_s,
        )
        return tick_quality(self.tape, self.instrument, measured)

    @cached_property
    def instruments(self) -> list[dict[str, Any]]:
        """What each of several instruments brought, see `several_instruments`; empty for a run of one."""
        book = self.options.book
        if book is None or not self.options.others:
            return []
        return told_instruments(self.tape, self.headline, self.options.instruments, book.price_windows)

    @cached_property
    def executions(self) -> list[dict[str, Any]]:
        """What each execution algorithm cost, see `executions`; empty for a system that uses none."""
        run = self.headline
        return told_executions(self.tape, run.notes, run.fills, self.options.fills)

    @property
    def opening_held_quanta(self) -> int:
        """What the account held in base before the first event: base quanta on spot, nothing on contracts."""
        if self.instrument.kind != "spot":
            return 0
        return exact_quanta(self.options.execution.initial_base, self.instrument.base_quantum, "initial_base")

    @property
    def assumptions(self) -> Sequence[str]:
        """How fills were decided, in sentences with their numbers."""
        execution = self.options.execution
        fees = fee_sentence(self.instrument)
        if self.options.book is not None:
            others = (f"{each.name}: {fee_sentence(each)}" for each in self.options.others)
            fees = f"{self.instrument.name}: {fees}" if self.options.others else fees
            return (*tick_assumptions(self.options.book.execution), fees, *others, MARKED_AT_MID)
        return (
            f"orders reach the venue {execution.latency_ms} ms after the decision and its answers take "
            f"{execution.response_ms} ms; an order with any latency misses the next bar's opening print",
            "a resting order fills only when the price trades through it"
            + (f", or by {execution.touch_fill_frac:g} of the volume at a touch" if execution.touch_fill_frac else ""),
            f"we take part in at most {execution.participation_frac:.0%} of the volume that trades beyond our price",
            f"takers pay half of a {execution.spread_bps:g} bp spread and {execution.slippage_bps:g} bp slippage",
            fees,
            "stop and target in one bar resolve against us; a stop fills at the worse of stop and open, less slippage",
            "our orders do not move the market, and nobody reacts to them",
            "there is no queue: candles do not show one; what waits ahead of us is only the condition to trade through",
        )

    @cached_property
    def tables(self) -> Mapping[str, Mapping[str, Any]]:
        """Orders, fills, equity and events of the headline, and the curves of every policy, as columns."""
        run, system = self.headline, self.system
        return {
            "orders": order_table(run.commands, *self.options.instruments),
            "fills": fill_table(run.fills, *self.options.instruments),
            "equity": equity_table(run.samples, self.instrument),
            "events": event_table(run.notes, self.instrument, system.note_kind, system.explain),
            "curves": curve_table({each.policy: each.samples for each in self.runs}),
        }

    def write_desk_tape(self, path: Path, created_ns: int, tool_version: str) -> None:
        """Run the headline once more with recording on and write what entered and left the step.

        Raises InvariantError when the second run decides differently from the first.
        """
        from quintet.storage.tape_files import TapeWriter

        again, rows = run_policy(self.tape, self.system, self.params, self.options, self.headline.policy, record=True)
        if again.command_hash != self.headline.command_hash:
            raise InvariantError(
                f"the recorded run gave commands {again.command_hash}, the first {self.headline.command_hash}"
            )
        notes = desk_notes(self.system, self.params, self.options, self.headline.policy)
        if self.options.book is not None:
            notes["told_rows"] = str(again.told_rows)
        meta = TapeMeta(
            use="desk",
            synthetic=self.tape.meta.synthetic,
            created_ns=created_ns,
            tool_version=tool_version,
            sources=self.tape.meta.sources,
            notes={**notes, "market_tape": self.tape.hash},
        )
        with TapeWriter(path, meta) as writer:
            writer.append(np.concatenate(rows))


def fee_sentence(instrument: Instrument) -> str:
    """What a fill costs."""
    rates = f"maker fee {instrument.maker_fee_e9 / 1e5:g} bp, taker fee {instrument.taker_fee_e9 / 1e5:g} bp"
    return f"{rates}, a buyer's fee is taken in base" if instrument.fee_in_base else rates


def desk_notes(system: KernelSystem, params: Any, options: BacktestOptions, policy: str) -> dict[str, str]:
    """What a replay of a desk tape needs besides its rows: system, parameters, timeframes, capital, limits."""
    from quintet.core.instrument import encode

    own = {"system_sha256": system.sha256} if system.sha256 else {}
    if options.book is not None:
        own["tick_execution"] = msgspec.json.encode(options.book.execution).decode()
        own |= {"marks_equity": "at bars of structure"} if options.book.marks_equity else {}
    if options.others:
        own["others"] = msgspec.json.encode([encode(each).decode() for each in options.others]).decode()
    return own | {
        "system": system.address,
        "params": msgspec.json.encode(params).decode(),
        "instrument": encode(options.instrument).decode(),
        "execution": msgspec.json.encode(options.execution).decode(),
        "risk": msgspec.json.encode(options.risk).decode(),
        "structure": options.structure,
        "fills": options.fills,
        "policy": policy,
    }


def run_backtest(tape: Tape, system: str | KernelSystem, params: Any, options: BacktestOptions) -> BacktestResult:
    """Run every fill policy of the options; the world of each stays available.

    `system`: the name of a built-in one, or a system of your own; `params`: its typed config.
    """
    system = find(system) if isinstance(system, str) else system
    runs = [run_policy(tape, system, params, options, policy)[0] for policy in options.policies]
    return BacktestResult(tape, system, params, options, tuple(runs))
