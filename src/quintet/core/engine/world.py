"""Making a world: the one function that gives every array its type and every limit its number."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from quintet.core.engine import state as s
from quintet.core.errors import ConfigError
from quintet.core.instrument import KIND_NUMBER, Instrument
from quintet.core.records import record, table
from quintet.core.units import E9, SAFE_MAX

EMPTY = record(nothing="i8")

UNLIMITED = SAFE_MAX


@dataclass(frozen=True, kw_only=True)
class Execution:
    """How the simulated venue treats us; every field is an assumption that stands on the report."""

    entry_ns: int = 0
    response_ns: int = 0
    queue_model: int = 0
    policy: int = 0
    participation_e9: int = E9
    touch_e9: int = 0
    slippage_e9: int = 0
    half_spread_e9: int = 0
    stop_cap_e9: int = 5_000_000
    fill_timeframe: int = 0


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
class Setup:
    """What a world is made from."""

    instruments: tuple[Instrument, ...]
    capital: dict[str, int] = field(default_factory=dict)
    """Asset to quanta brought in."""
    execution: Execution = Execution()
    limits: tuple[Limits, ...] = (Limits(),)
    wakes: int = 0
    timeframes: int = 0
    timer_first_ns: int = s.NEVER
    timer_every_ns: int = s.NEVER
    price_window: tuple[int, int] = (0, 0)
    """Lowest and highest price of the order book rows; (0, 0) when there are none."""
    messages_in_flight: int = 1
    """At most so many feed messages are between the exchange and us at one moment."""
    command_rows: int = 4096
    fill_rows: int = 4096
    note_rows: int = 1
    sample_rows: int = 1
    desk_rows: int = 1


def asset_numbers(instruments: tuple[Instrument, ...]) -> dict[str, int]:
    """Asset to its column in the ledger, in order of first appearance, quote before base."""
    numbers: dict[str, int] = {}
    for instrument in instruments:
        for asset in (instrument.quote_asset, instrument.base_asset):
            numbers.setdefault(asset, len(numbers))
    if len(numbers) > s.ASSETS:
        raise ConfigError(f"{len(numbers)} assets, a desk's ledger holds {s.ASSETS}")
    return numbers


def _power_of_two(at_least: int) -> int:
    return 1 << max(0, at_least - 1).bit_length()


def new_world(setup: Setup, state: Any = None, params: Any = None) -> s.World:
    """A world before its first event. `state` and `params` are one-row tables of the system's records."""
    n = len(setup.instruments)
    assets = asset_numbers(setup.instruments)
    low, high = setup.price_window
    width = high - low + 1 if high > 0 else 1
    world = s.World(
        clock=table(s.CLOCK, 1),
        sim=table(s.SIM, 1),
        limits=table(s.LIMITS, 1),
        instruments=table(s.INSTRUMENT, n),
        market=table(s.MARKET, n),
        book=table(s.BOOK, n),
        level=np.zeros((n, 2, width), s.LEVEL).view(np.recarray),
        touches=table(s.TOUCH, _power_of_two(setup.messages_in_flight + 2)),
        orders=table(s.ORDER, s.SLOTS),
        resting=table(s.RESTING, s.SLOTS),
        requests=table(s.REQUEST, s.RING),
        responses=table(s.RESPONSE, s.RING),
        queues=table(s.QUEUES, 1),
        quotes=table(s.QUOTES, 1),
        wants=table(s.WANT, s.WANTS),
        refusals=table(s.REFUSAL, s.WANTS),
        account=table(s.ACCOUNT, n),
        ledger=np.zeros((len(s.ACCOUNTS), s.ASSETS), np.int64),
        equity=table(s.EQUITY, 1),
        executions=np.zeros(8192, np.int64),
        recent=np.zeros(1, np.int64),
        commands=table(s.COMMAND, setup.command_rows),
        fills=table(s.FILL_RECORD, setup.fill_rows),
        notes=table(s.NOTE, setup.note_rows),
        samples=table(s.SAMPLE, setup.sample_rows),
        desk=s.desk_buffer(setup.desk_rows),
        state=table(EMPTY, 1) if state is None else state,
        params=table(EMPTY, 1) if params is None else params,
    )
    _set_clock(world, setup)
    _set_limits(world, setup)
    for i, instrument in enumerate(setup.instruments):
        set_instrument(world.instruments[i], instrument, assets)
        world.book[i].origin = low
        world.book[i].width = width
        world.book[i].ask = s.NO_ASK
        world.book[i].own_ask = s.NO_ASK
        world.market[i].ask = s.NO_ASK
    for asset, quanta in setup.capital.items():
        if asset not in assets:
            raise ConfigError(f"capital in {asset}, which no instrument of this desk trades")
        world.ledger[s.DESK, assets[asset]] = quanta
        world.ledger[s.CAPITAL, assets[asset]] = -quanta
    first = setup.instruments[0]
    start = setup.capital.get(first.settle_asset, 0)
    world.equity[0].quanta = world.equity[0].start = world.equity[0].high_water = world.equity[0].day_open = start
    return world


def _set_clock(world: s.World, setup: Setup) -> None:
    clock, sim = world.clock[0], world.sim[0]
    clock.timer_next = setup.timer_first_ns
    clock.timer_every = setup.timer_every_ns
    clock.wakes = setup.wakes
    clock.timeframes = setup.timeframes
    clock.hash_a = np.uint64(0x243F6A8885A308D3)
    clock.hash_b = np.uint64(0x13198A2E03707344)
    for name in (
        "entry_ns", "response_ns", "queue_model", "policy", "participation_e9", "touch_e9", "slippage_e9",
        "half_spread_e9", "stop_cap_e9", "fill_timeframe",
    ):  # fmt: skip
        sim[name] = getattr(setup.execution, name)
    sim.quiet = 1


def _set_limits(world: s.World, setup: Setup) -> None:
    strictest = setup.limits[0]
    for scope in setup.limits[1:]:
        strictest = strictest.stricter(scope)
    limits = world.limits[0]
    for name in ("max_order_lots", "max_position_lots", "max_open_orders", "max_orders_per_second", "stale_ns"):
        limits[name] = getattr(strictest, name)


def set_instrument(row: Any, instrument: Instrument, assets: dict[str, int]) -> None:
    """Write an instrument's integers; called again when its tick or lot changes."""
    row.kind = KIND_NUMBER[instrument.kind]
    row.tick = instrument.ticks_per_tick_size
    row.min_lots = instrument.min_lots
    row.max_lots = int(instrument.max_quantity // instrument.lot_size) if instrument.max_quantity else UNLIMITED
    row.min_notional = instrument.min_notional_quanta if instrument.kind != "inverse" else 0
    row.quanta = instrument.quanta_per_tick_lot
    row.base_quanta = instrument.base_quanta_per_lot if instrument.kind == "spot" else 1
    if instrument.kind == "inverse":
        row.inverse_value = int(
            instrument.contract_value * instrument.lot_size / instrument.price_increment / instrument.base_quantum
        )
    row.maker_fee_e9 = instrument.maker_fee_e9
    row.taker_fee_e9 = instrument.taker_fee_e9
    row.fee_in_base = 1 if instrument.fee_in_base else 0
    row.base_asset = assets[instrument.base_asset]
    row.quote_asset = assets[instrument.quote_asset]
    row.trading = 1
