"""What an account pays and has to keep at its venue: fees by turnover, and margin."""

from dataclasses import dataclass
from itertools import pairwise

from quintet.core.errors import ConfigError
from quintet.core.instrument import Instrument
from quintet.core.risk.margin import MARGIN_MODE_NAMES, NO_MARGIN
from quintet.core.state import NO_BID, TIERS, World
from quintet.core.units import DOWN, E9, mul_div


@dataclass(frozen=True, kw_only=True)
class FeeTier:
    """Fees from a turnover of 30 days on; of maker and taker, a rate in 1e-9 of the value, below 0 a rebate."""

    turnover: int
    maker_e9: int
    taker_e9: int


@dataclass(frozen=True, kw_only=True)
class FeeSchedule:
    """Fees by turnover (quanta of the quote asset), the least turnover first; none: the instruments' own fees."""

    tiers: tuple[FeeTier, ...] = ()
    turnover_before: int = 0
    """Of the account in the 30 days before the run, spread evenly over them."""


@dataclass(frozen=True, kw_only=True)
class MarginTier:
    """What positions up to a value (quanta of the quote asset) bind and have to keep, in 1e-9 of the value."""

    value_max: int
    initial_e9: int
    maintenance_e9: int


@dataclass(frozen=True, kw_only=True)
class MarginRules:
    """What the venue asks for so that a linear perpetual may be held; the smallest positions first."""

    mode: int = NO_MARGIN
    initial_e9: int = E9
    """One over the leverage."""
    tiers: tuple[MarginTier, ...] = ()


def set_fees(world: World, schedule: FeeSchedule, instruments: tuple[Instrument, ...]) -> None:
    """Write the schedule of fees; the instruments themselves bear the highest, which is what an order may cost."""
    tiers, venue = schedule.tiers, world.venue[0]
    if not tiers:
        return
    _require_room("fee tiers", len(tiers))
    _require_rising("fee tiers", "turnover", [tier.turnover for tier in tiers])
    quotes = {instrument.quote_asset for instrument in instruments}
    if tiers[0].turnover != 0:
        raise ConfigError(f"fee tiers: the first begins at a turnover of {tiers[0].turnover}, expected 0")
    if len(quotes) > 1 or any(instrument.kind == "inverse" for instrument in instruments):
        raise ConfigError(
            f"fee tiers: found instruments quoted in {', '.join(sorted(quotes))}, expected spot or linear ones with "
            "one quote asset: turnover is counted in it"
        )
    venue.n_fee_tiers = len(tiers)
    for n, tier in enumerate(tiers):
        venue.fee_tiers[n] = (tier.turnover, tier.maker_e9, tier.taker_e9)
    venue.turnover_day = -1  # no fill yet
    venue.turnover_30 = schedule.turnover_before
    for i in range(len(instruments)):
        for inst in (world.desk[0].shown.instruments[i], venue.instruments[i]):
            inst.maker_fee_e9 = max(tier.maker_e9 for tier in tiers)
            inst.taker_fee_e9 = max(tier.taker_e9 for tier in tiers)


def set_margin(world: World, rules: MarginRules, instruments: tuple[Instrument, ...]) -> None:
    """Write the margin rules where the gate and where the venue looks for them, and open the venue's own books."""
    desk, venue = world.desk[0], world.venue[0]
    if rules.mode == NO_MARGIN:
        return
    for instrument in instruments:
        if instrument.kind == "inverse":
            raise ConfigError(
                f"margin is {MARGIN_MODE_NAMES[rules.mode]}: instrument {instrument.symbol} is inverse, "
                "expected linear or spot ones"
            )
    if not 0 < rules.initial_e9 <= E9:
        raise ConfigError(f"margin: initial_e9 is {rules.initial_e9}, expected 1 to {E9} (a leverage of 1 or more)")
    _require_room("margin tiers", len(rules.tiers))
    _require_rising("margin tiers", "value_max", [tier.value_max for tier in rules.tiers])
    _require_rising("margin tiers", "maintenance_e9", [tier.maintenance_e9 for tier in rules.tiers])
    deduction = 0
    for n, tier in enumerate(rules.tiers):
        if not tier.maintenance_e9 < max(tier.initial_e9, rules.initial_e9):
            raise ConfigError(
                f"margin tiers: maintenance_e9 of tier {n + 1} is {tier.maintenance_e9}, expected less than what "
                f"opening binds, {max(tier.initial_e9, rules.initial_e9)}"
            )
        if n > 0:
            before = rules.tiers[n - 1]
            deduction += mul_div(before.value_max, tier.maintenance_e9 - before.maintenance_e9, E9, DOWN)
        for margin in (desk.margin, venue.margin):
            margin.tiers[n] = (tier.value_max, tier.initial_e9, tier.maintenance_e9, deduction)
    for margin in (desk.margin, venue.margin):
        margin.mode, margin.initial_e9, margin.n_tiers = rules.mode, rules.initial_e9, len(rules.tiers)
    venue.ledger[:] = desk.ledger
    for i in range(len(instruments)):
        venue.book[i].rise_to = NO_BID  # without a mark price, every trade is looked at
        venue.account[i] = desk.shown.account[i]


def _require_room(what: str, found: int) -> None:
    if not 1 <= found <= TIERS:
        raise ConfigError(f"{what}: found {found}, expected 1 to {TIERS}")


def _require_rising(what: str, field: str, values: list[int]) -> None:
    """Raise ConfigError unless each value is above the one before."""
    for n, (before, value) in enumerate(pairwise(values), start=2):
        if value <= before:
            raise ConfigError(
                f"{what}: {field} of tier {n} is {value}, expected above {before}, that of the one before"
            )
