"""Making a world: the one function that gives every array its type and every limit its number."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from quintet.core import state as s
from quintet.core.engine.money_rules import FeeSchedule, MarginRules, set_fees, set_margin
from quintet.core.errors import ConfigError
from quintet.core.events import ROW, TIMEFRAME_NS
from quintet.core.facts import fact_key
from quintet.core.instrument import KIND_NUMBER, TURNOVERS, Instrument, in_common_quanta
from quintet.core.kernel import log
from quintet.core.market.trade_bars import BY_TIME, start_trade_bars
from quintet.core.orders.lifecycle import MARKET
from quintet.core.random import seeded
from quintet.core.records import fill, quick, record, table
from quintet.core.risk.margin import MARGIN_MODE_NAMES, NO_MARGIN
from quintet.core.units import E9, SAFE_MAX

EMPTY = record(nothing="i8")

UNLIMITED = SAFE_MAX


@dataclass(frozen=True, kw_only=True)
class Execution:
    """How the simulated venue treats us; every field is an assumption that stands on the report."""

    latency_model: int = 0
    entry_ns: int = 0
    response_ns: int = 0
    feed_ns: int = -1
    spike_every_ns: int = 0
    spike_ns: int = 0
    spike_factor_e9: int = E9
    queue_model: int = 0
    queue_exponent: int = 3
    policy: int = 0
    participation_e9: int = E9
    touch_e9: int = 0
    slippage_e9: int = 0
    half_spread_e9: int = 0
    stop_cap_e9: int = 5_000_000
    partial_fills: int = 0
    own_impact: int = 0
    self_trade: int = 0
    orders_per_second: int = 0
    market_bound_e9: int = 50_000_000
    amends: int = 0
    amend_keeps_place: int = 1
    funding_every_ns: int = 0
    fill_timeframe: int = 0


@dataclass(frozen=True, kw_only=True)
class Latencies:
    """What latencies need that are not constant: dice for drawn ones, a table for recorded ones."""

    seed: int = 0
    entry_p99_ns: int = 0
    response_p99_ns: int = 0
    """One in a hundred takes longer than this; the medians are `entry_ns` and `response_ns` of Execution."""
    least_ns: int = 0
    """Nothing is quicker."""
    recorded: Any = None
    """Recorded orders in the order of their sending: a table of `state.LATENCY`."""


@dataclass(frozen=True, kw_only=True)
class Venue:
    """A trading venue of its own in a run with several: what of the execution may differ is in PER_VENUE."""

    execution: Execution
    latencies: Latencies = Latencies()


PER_VENUE = (
    "latency_model", "entry_ns", "response_ns", "feed_ns", "spike_every_ns", "spike_ns", "spike_factor_e9",
    "self_trade", "orders_per_second",
)  # fmt: skip
"""Fields of Execution that each venue has for itself. Fees belong to instruments; all else is one for a run."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """One scope's limits; of several scopes the stricter number wins."""

    max_order_lots: int = UNLIMITED
    max_position_lots: int = UNLIMITED
    max_open_orders: int = s.SLOTS
    max_orders_per_second: int = 1_000
    stale_ns: int = UNLIMITED

    def stricter(self, other: "Limits") -> "Limits":
        """Of each pair the smaller."""
        return Limits(
            max_order_lots=min(self.max_order_lots, other.max_order_lots),
            max_position_lots=min(self.max_position_lots, other.max_position_lots),
            max_open_orders=min(self.max_open_orders, other.max_open_orders),
            max_orders_per_second=min(self.max_orders_per_second, other.max_orders_per_second),
            stale_ns=min(self.stale_ns, other.stale_ns),
        )


@dataclass(frozen=True, kw_only=True)
class BreakerRules:
    """When the desk stops itself; 0 = off. Fractions of equity in 1e-9."""

    drawdown_e9: int = 0
    day_loss_e9: int = 0
    alarms_max: int = 0


@dataclass(frozen=True, kw_only=True)
class BuiltBars:
    """Bars that the desk builds from the trades it hears, closed as `core.engine.feed` says.

    By time: `timeframe` is the number of a timeframe, and `size` is left out. By another rule of `market.trade_bars`:
    `size` is what that rule measures, and `timeframe` a number of its own, 32 to 62, under which the bars are known.
    """

    timeframe: int
    rule: int = BY_TIME
    size: int = 0
    instrument: int = 0


OWN_TIMEFRAMES = range(32, 63)

LEVELS_KEPT = 4096


@dataclass(frozen=True, kw_only=True)
class Setup:
    """What a world is made from."""

    instruments: tuple[Instrument, ...]
    capital: dict[str, int] = field(default_factory=dict)
    """Asset to quanta brought in."""
    execution: Execution = Execution()
    latencies: Latencies = Latencies()
    venues: Mapping[str, Venue] = field(default_factory=dict)
    """Trading venues that differ from that, by the name that instruments bear."""
    limits: tuple[Limits, ...] = (Limits(),)
    breaker: BreakerRules = BreakerRules()
    restraint: Mapping[str, int] = field(default_factory=dict)
    """Rules of the restraint by name; none: it is off."""
    fees: FeeSchedule = FeeSchedule()
    margin: MarginRules = MarginRules()
    wakes: int = 0
    wake_timeframes: tuple[int, ...] = ()
    """Numbers of the timeframes whose bars wake the system."""
    mark_timeframe: int = 0
    """Number of the timeframe at whose bars equity is marked and sampled, 0 = never."""
    built_bars: tuple[BuiltBars, ...] = ()
    """Bars to be built from trades; which of them wake the system `wake_timeframes` says."""
    depth_levels: int = 0
    """How many levels of each side the system is shown, 0 = the touch only. Above 0 the shown book is kept."""
    keeps_places: bool = False
    """Show the system our orders' places in their queues; with levels it is shown them anyway. Keeps the shown book."""
    keeps_shown_book: bool = False
    """Keep the book that the feed shows, besides the exchange's: for a desk that has no exchange beside it."""
    levels_kept: int = LEVELS_KEPT
    """Levels of each side of a shown book; beyond them the farthest is forgotten."""
    facts: tuple[str, ...] = ()
    """Names of the outside facts that the system reads, in the order in which it is shown them."""
    timer_first_ns: int = s.NEVER
    timer_every_ns: int = s.NEVER
    price_window: tuple[int, int] = (0, 0)
    """Lowest and highest price of the order book rows; (0, 0) when there are none."""
    price_windows: tuple[tuple[int, int], ...] = ()
    """The same for each instrument by itself, as `sim.windows` finds them; empty = `price_window` for all."""
    order_places: int = 0
    """Of the table of the market's orders, as `sim.order_queue` finds it; 0 = the feed tells levels only."""
    messages_in_flight: int = 1
    """At most so many feed messages are between the exchange and us at one moment."""
    buffer_rows: int = 8192
    desk_rows: int = 1


def asset_numbers(instruments: Sequence[Instrument]) -> dict[str, int]:
    """Asset to its column in the ledger, in order of first appearance, quote before base."""
    numbers: dict[str, int] = {}
    for instrument in instruments:
        for asset in (instrument.quote_asset, instrument.base_asset):
            numbers.setdefault(asset, len(numbers))
    if len(numbers) > s.ASSETS:
        raise ConfigError(f"{len(numbers)} assets, a desk's ledger holds {s.ASSETS}")
    return numbers


def _check_quanta(instruments: tuple[Instrument, ...]) -> None:
    """Raise ConfigError where two instruments count one asset in different quanta: their sums would mean nothing."""
    for here, common in zip(instruments, in_common_quanta(instruments), strict=True):
        for side in ("base", "quote"):
            found, expected = getattr(here, f"{side}_quantum"), getattr(common, f"{side}_quantum")
            if found != expected:
                raise ConfigError(
                    f"{here.name}: {getattr(here, f'{side}_asset')} is counted in {found}, expected {expected} as "
                    "another instrument of the run counts it"
                )


def _power_of_two(at_least: int) -> int:
    return 1 << max(0, at_least - 1).bit_length()


def without_memory(world: s.World) -> s.World:
    """The same world without its system's state and params, for a loop that is left: one compiled loop serves all.

    It is entered at every wake, so its arrays are `quick` ones.
    """
    nothing = table(EMPTY, 1)
    return s.World(*map(quick, world._replace(state=nothing, params=nothing)))


def new_world(setup: Setup, state: Any = None, params: Any = None) -> s.World:
    """A world before its first event. `state` and `params` are one-row tables of the system's records.

    Raises ConfigError for more instruments than there is room for (in candle mode one: two bars of one time would have
    to be walked side by side), and for capital in an asset that none of them trades.
    """
    n = len(setup.instruments)
    room = 1 if setup.execution.fill_timeframe else s.INSTRUMENTS
    if not 1 <= n <= room:
        raise ConfigError(f"{n} instruments, expected 1 to {room}" + (" when bars are filled" if room == 1 else ""))
    assets = asset_numbers(setup.instruments)
    _check_quanta(setup.instruments)
    windows = setup.price_windows or (setup.price_window,) * n
    if len(windows) != n:
        raise ConfigError(f"{len(windows)} price windows for {n} instruments, expected one for each")
    widths = [high - low + 1 if high > 0 else 1 for low, high in windows]
    world = s.World(
        desk=table(s.DESK, 1),
        venue=table(s.VENUE, 1),
        level=table(s.LEVEL, 2 * sum(widths)),
        shown=table(s.SHOWN, 2 * n * _room_of(setup)),
        touches=table(s.TOUCH, _power_of_two(setup.messages_in_flight + 2)),
        latencies=_recorded_latencies(setup),
        book_orders=table(s.BOOK_ENTRY, _order_places(setup)),
        commands=table(s.COMMAND, setup.buffer_rows),
        fills=table(s.FILL_RECORD, setup.buffer_rows),
        notes=table(s.NOTE, setup.buffer_rows),
        samples=table(s.SAMPLE, setup.buffer_rows),
        rows_out=np.zeros(setup.desk_rows, ROW).view(np.recarray),
        state=table(EMPTY, 1) if state is None else state,
        params=table(EMPTY, 1) if params is None else params,
    )
    _set_clock(world, setup)
    _set_ears(world, setup)
    _set_limits(world, setup)
    _prove_inverse(world, setup)
    if setup.execution.fill_timeframe and (setup.execution.latency_model or setup.execution.spike_every_ns):
        raise ConfigError("latencies that vary: expected constant ones when bars are filled")
    _check_money(setup)
    _set_gateways(world, setup)
    desk, venue = world.desk[0], world.venue[0]
    for i, instrument in enumerate(setup.instruments):
        set_instrument(desk.shown.instruments[i], instrument, assets)
        set_instrument(venue.instruments[i], instrument, assets)
        desk.shown.instruments[i].trading = venue.instruments[i].trading = 1
        book = venue.book[i]
        book.low, book.high = low, high = windows[i]
        book.lot_quantity = float(instrument.lot_size)
        book.best[s.ASK] = book.own[s.ASK] = book.rise_to = s.NO_ASK
        before = 2 * sum(widths[:i])
        book.offset[s.BID] = before - low
        book.offset[s.ASK] = before + widths[i] - low
        desk.shown.market[i].ask = s.NO_ASK
        if instrument.kind == "spot":
            account, row = desk.shown.account[i], desk.shown.instruments[i]
            account.held = book.held = setup.capital.get(instrument.base_asset, 0)
            account.lots = account.held // row.base_quanta
    for asset, quanta in setup.capital.items():
        if asset not in assets:
            raise ConfigError(f"capital in {asset}, which no instrument of this desk trades")
        desk.ledger[s.DESK_BOOK, assets[asset]] = quanta
        desk.ledger[s.CAPITAL_BOOK, assets[asset]] = -quanta
    desk.perpetuals = int(setup.execution.fill_timeframe == 0)
    for i in range(n):
        if setup.execution.amends:
            desk.shown.instruments[i].amends = 1 if setup.execution.amend_keeps_place else 2
    set_fees(world, setup.fees, setup.instruments)
    set_margin(world, setup.margin, setup.instruments)
    start = setup.capital.get(setup.instruments[0].settle_asset, 0)
    equity = desk.shown.equity
    equity.quanta = equity.start = equity.high_water = equity.day_open = start
    return world


def _order_places(setup: Setup) -> int:
    """Raise ConfigError for exact queues on a feed that tells levels only."""
    if (setup.execution.queue_model == s.FIFO_QUEUE) != (setup.order_places > 0):
        raise ConfigError(
            f"queue_model is {setup.execution.queue_model} and order_places {setup.order_places}; expected places in "
            f"the table of orders (sim.order_queue) with the model {s.FIFO_QUEUE}, fifo, and with no other"
        )
    return _power_of_two(setup.order_places)


def _set_clock(world: s.World, setup: Setup) -> None:
    desk, venue = world.desk[0], world.venue[0]
    desk.timer_next = setup.timer_first_ns
    desk.timer_every = setup.timer_every_ns
    desk.wakes = setup.wakes
    desk.timeframes = sum(1 << number for number in setup.wake_timeframes)
    desk.mark_timeframe = setup.mark_timeframe
    # The first 128 bits of the fraction of pi: a start value with nothing up its sleeve.
    desk.hash_a = np.uint64(0x243F6A8885A308D3)
    desk.hash_b = np.uint64(0x13198A2E03707344)
    for item in fields(Execution):
        if item.name not in PER_VENUE:
            venue[item.name] = getattr(setup.execution, item.name)


def _room_of(setup: Setup) -> int:
    """Levels of one side of a shown book; without one a place that is never used."""
    return setup.levels_kept if _keeps_shown_book(setup) else 1


def _keeps_shown_book(setup: Setup) -> bool:
    """What our own taking has done to the exchange's book is not in the feed: then it shows another."""
    return _keeps_places(setup) or setup.keeps_shown_book or setup.execution.own_impact != 0


def _keeps_places(setup: Setup) -> bool:
    return setup.keeps_places or setup.depth_levels > 0


def _set_ears(world: s.World, setup: Setup) -> None:
    """What a desk hears of the feed; raises ConfigError for bars or levels that cannot be."""
    desk = world.desk[0]
    desk.n_instruments = len(setup.instruments)
    if not 0 <= setup.depth_levels <= s.LEVELS_SHOWN:
        raise ConfigError(f"depth_levels: found {setup.depth_levels}, expected 0 to {s.LEVELS_SHOWN}")
    if setup.levels_kept < max(1, setup.depth_levels):
        raise ConfigError(f"levels_kept: found {setup.levels_kept}, expected {max(1, setup.depth_levels)} or more")
    desk.depth_levels = setup.depth_levels
    desk.keeps_places = int(_keeps_places(setup))
    desk.ladders.room = _room_of(setup) if _keeps_shown_book(setup) else 0
    if len(setup.built_bars) > s.BUILDERS:
        raise ConfigError(f"built_bars: found {len(setup.built_bars)}, expected {s.BUILDERS} at most")
    for n, built in enumerate(setup.built_bars):
        _set_builder(desk.builders[n], built, setup.instruments)
    known = [(built.instrument, built.timeframe) for built in setup.built_bars]
    if len(set(known)) < len(known):
        raise ConfigError("built_bars: found a timeframe twice, expected each once for an instrument")
    desk.n_builders = len(setup.built_bars)
    _set_facts(desk.shown.facts, setup.facts)
    desk.listens = int(desk.n_builders > 0 or setup.wakes & (s.WAKE_TRADE | s.WAKE_BOOK | s.WAKE_TOUCH) != 0)


def _set_facts(heard: Any, names: tuple[str, ...]) -> None:
    """What is read of the outside; raises ConfigError for more than there is room for, and for one named twice."""
    if len(names) > s.FACTS or len(set(names)) < len(names):
        raise ConfigError(f"facts: found {', '.join(names)}, expected at most {s.FACTS}, each once")
    heard.n = len(names)
    for row, name in zip(heard.facts, names, strict=False):
        row.key = fact_key(name)


def _set_builder(row: Any, built: BuiltBars, instruments: tuple[Instrument, ...]) -> None:
    if not 0 <= built.instrument < len(instruments):
        raise ConfigError(f"built_bars: instrument is {built.instrument}, expected 0 to {len(instruments) - 1}")
    by_time = built.rule == BY_TIME
    allowed = range(1, len(TIMEFRAME_NS)) if by_time else OWN_TIMEFRAMES
    if built.timeframe not in allowed:
        raise ConfigError(
            f"built_bars: timeframe is {built.timeframe}, expected {allowed[0]} to {allowed[-1]} for bars "
            + ("by time" if by_time else "by another rule")
        )
    if by_time and built.size != 0:
        raise ConfigError(f"built_bars: size is {built.size}, expected none by time: the timeframe has its length")
    size = int(TIMEFRAME_NS[built.timeframe]) if by_time else built.size
    row.instrument, row.timeframe = built.instrument, built.timeframe
    start_trade_bars(row.bars, built.rule, size, instruments[built.instrument].quanta_per_tick_lot)


P99: float = 2.3263478740408408
"""The standard normal number that one in a hundred exceeds."""


def _venues(setup: Setup) -> list[tuple[str, Venue]]:
    """The run's own venue first, without a name; raises ConfigError for others that it cannot have."""
    found = [("", Venue(execution=setup.execution, latencies=setup.latencies)), *setup.venues.items()]
    if len(found) > s.GATEWAYS:
        raise ConfigError(f"{len(found)} venues, expected at most {s.GATEWAYS}")
    for name, venue in found[1:]:
        if name not in {instrument.venue for instrument in setup.instruments}:
            raise ConfigError(f"venues: {name} is of no instrument, expected a venue that one bears")
        for item in fields(Execution):
            here, there = getattr(venue.execution, item.name), getattr(setup.execution, item.name)
            if item.name not in PER_VENUE and here != there:
                raise ConfigError(f"venues: {name}: {item.name} is {here}, expected {there}: it is one for the run")
    return found


def _recorded_latencies(setup: Setup) -> Any:
    """The recorded orders of all venues, one after the other."""
    parts = [venue.latencies.recorded for _, venue in _venues(setup) if venue.latencies.recorded is not None]
    if len(parts) < 2:
        return parts[0] if parts else table(s.LATENCY, 1)
    return np.concatenate([np.asarray(part) for part in parts]).view(np.recarray)


def _check_money(setup: Setup) -> None:
    """Raise ConfigError for what an account does only on order books, or only at one trading venue."""
    asks = setup.margin.mode != NO_MARGIN
    if setup.execution.fill_timeframe and (setup.execution.amends or setup.execution.funding_every_ns):
        raise ConfigError("amends and funding_every_ns: expected 0 when bars are filled")
    if setup.execution.fill_timeframe and asks:
        raise ConfigError(f"margin is {MARGIN_MODE_NAMES[setup.margin.mode]}, expected none when bars are filled")
    if setup.venues and (asks or setup.fees.tiers):
        raise ConfigError(
            f"fee tiers and margin: found a second trading venue, {next(iter(setup.venues))}, expected one: each would "
            "have an account of its own"
        )


def _set_gateways(world: s.World, setup: Setup) -> None:
    venues = _venues(setup)
    numbers = {name: number for number, (name, _) in enumerate(venues)}
    for n, instrument in enumerate(setup.instruments):
        world.venue[0].gateway_of[n] = numbers.get(instrument.venue, 0)
    recorded = 0
    for number, (name, venue) in enumerate(venues):
        gateway = world.venue[0].gateways[number]
        for field_name in PER_VENUE:
            gateway[field_name] = getattr(venue.execution, field_name)
        gateway.recorded_from = gateway.entry.row = gateway.response.row = recorded
        recorded += 0 if venue.latencies.recorded is None else len(venue.latencies.recorded)
        gateway.recorded_until = recorded
        _set_wires(gateway, venue.execution, venue.latencies, f" at {name}" if name else "")


def _set_wires(gateway: Any, execution: Execution, latencies: Latencies, where: str) -> None:
    gateway.spike_span = -1
    gateway.spike_seed = seeded(latencies.seed, f"latency spikes{where}")[0]
    for name in ("entry", "response"):
        wire, median = gateway[name], getattr(execution, f"{name}_ns")
        wire.random = seeded(latencies.seed, f"latency of {name}{where}")[0]
        if execution.latency_model == 1:
            p99 = getattr(latencies, f"{name}_p99_ns")
            if not 0 <= latencies.least_ns < median <= p99:
                raise ConfigError(
                    f"latency of {name}: least {latencies.least_ns}, median {median}, 99th percentile {p99} ns; "
                    "expected 0 <= least < median <= 99th percentile"
                )
            wire.least_ns, wire.scale_ns = latencies.least_ns, float(median - latencies.least_ns)
            wire.sigma = log((p99 - latencies.least_ns) / wire.scale_ns) / P99
    if execution.spike_every_ns and not 0 < execution.spike_ns <= execution.spike_every_ns:
        raise ConfigError(
            f"spikes: {execution.spike_ns} ns in every {execution.spike_every_ns} ns; expected one to fit into its span"
        )
    if execution.latency_model == 2:
        _check_recorded(latencies.recorded)


def _check_recorded(recorded: Any) -> None:
    """Raise ConfigError unless recorded orders are in order and no time between two of their stamps is negative."""
    if recorded is None or len(recorded) == 0:
        raise ConfigError("recorded latencies: found no orders, expected one or more")
    plain = np.asarray(recorded)
    handled = plain[plain["arrived"] > 0]
    checks = {
        "are not in order of their sending": np.diff(plain["sent"]) <= 0,
        "are not in order of their arrival": np.diff(handled["arrived"]) <= 0,
        "arrived before they were sent": handled["arrived"] < handled["sent"],
        "were heard of before they arrived": handled["heard"] < handled["arrived"],
        "were heard of before they were sent": plain["heard"] < plain["sent"],
    }
    for what, wrong in checks.items():
        if wrong.any():
            raise ConfigError(
                f"recorded latencies: {int(wrong.sum())} orders {what}, the first is {int(wrong.argmax())}"
            )


def _set_limits(world: s.World, setup: Setup) -> None:
    strictest = setup.limits[0]
    for scope in setup.limits[1:]:
        strictest = strictest.stricter(scope)
    for item in fields(Limits):
        world.desk[0].limits[item.name] = getattr(strictest, item.name)
    for item in fields(BreakerRules):
        world.desk[0].breaker[item.name] = getattr(setup.breaker, item.name)
    set_restraint(world.desk[0].restraint, setup.restraint)


def set_restraint(held: Any, rules: Mapping[str, int]) -> None:
    """Put the rules in force; without any it is off. Instruments of which nobody says otherwise move together."""
    held.active = 1 if rules else 0
    if not rules:
        return
    held.rules.correlation_e9[:] = E9
    held.rules.exit_style = MARKET
    fill(held.rules, rules)


def _prove_inverse(world: s.World, setup: Setup) -> None:
    """Raise ConfigError where an inverse contract could be held beyond what its base quantum can count.

    A limit that was given must fit; where none was, the position is limited to what can be counted. What the account
    brings in the coin must leave room for its turnover.
    """
    limits = world.desk[0].limits
    for instrument in setup.instruments:
        if instrument.kind != "inverse":
            continue
        if instrument.countable_lots < TURNOVERS * instrument.min_lots:
            instrument.proves_lots(TURNOVERS * instrument.min_lots, f"{TURNOVERS:,} times its smallest order")
        if instrument.max_quantity:
            instrument.proves_lots(int(instrument.max_quantity // instrument.lot_size), "max_quantity")
        if limits.max_position_lots == UNLIMITED:
            limits.max_position_lots = instrument.countable_lots
        instrument.proves_lots(int(limits.max_position_lots), "the limit of a position")
        instrument.proves_capital(setup.capital.get(instrument.settle_asset, 0))


def begin_at(world: s.World, row: int) -> None:
    """Let a fresh world begin at a tape row: what stands before it has no positions."""
    venue = world.venue[0]
    venue.cursor = venue.feed_cursor = venue.headers = row


def set_instrument(row: Any, instrument: Instrument, assets: dict[str, int]) -> None:
    """Write an instrument's integers; called again when its tick or lot changes. Whether it trades stays as it is."""
    row.kind = KIND_NUMBER[instrument.kind]
    row.tick = instrument.ticks_per_tick_size
    row.min_lots = instrument.min_lots
    row.max_lots = int(instrument.max_quantity // instrument.lot_size) if instrument.max_quantity else UNLIMITED
    row.min_notional = instrument.min_notional_quanta if instrument.kind != "inverse" else 0
    row.quanta = instrument.quanta_per_tick_lot
    row.base_quanta = instrument.base_quanta_per_lot if instrument.kind == "spot" else 1
    if instrument.kind == "inverse":
        row.inverse_value = instrument.value_of_contract
    row.maker_fee_e9 = instrument.maker_fee_e9
    row.taker_fee_e9 = instrument.taker_fee_e9
    row.fee_in_base = 1 if instrument.fee_in_base else 0
    row.base_asset = assets[instrument.base_asset]
    row.quote_asset = assets[instrument.quote_asset]
