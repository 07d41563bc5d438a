"""Leaving a position: targets that rest, and behind them a stop that stands at the venue and only ever tightens."""

from typing import Annotated

from quintet.core.errors import DefinitionError
from quintet.core.execution.child import left_alone, may_become, orders_of, steer
from quintet.core.execution.parent import CLOSING, DONE, SHORT, WORKING
from quintet.core.execution.position import AT_MARKET, STOP_TAGS, TARGETS, Position
from quintet.core.execution.prices import is_through, on_tick, twice_mid
from quintet.core.execution.ratchet import distance_behind, share_kept, tightened
from quintet.core.execution.rules import Rules
from quintet.core.execution.seen import Order, Seen
from quintet.core.execution.want import Want
from quintet.core.orders.lifecycle import LIMIT, MARKET, STOP
from quintet.core.parameters import ParameterError, parameter
from quintet.core.units import E9


class Ladder(Rules, frozen=True, kw_only=True):
    """Parts of a position at targets, the rest (the runner) at a trailing stop. Defaults: intraday-sol, 6.2 and 6.3.

        event                               what follows
        begun                               all targets rest; the stop stands for all of it
        a target is filled                  the stop stands for what is left, from `trail_from` targets on it trails
        the market moves for us             the stop follows: never back, never by less than `step_ticks`
        the stop is hit                     the venue closes what is left; the targets are cancelled
        the market has passed a new stop    what is left is closed at market
        more was bought (`covering`)        targets are split anew; once one has been filled, more goes to the runner

    The stop is an order that rests and is amended, not the venue's own trailing (ADR 0049): a desk that dies leaves it
    where it stands. Where the venue does not amend, the new stop stands before the old one is cancelled; both may only
    reduce. It can be hit while it is being moved; then what it sold is counted as ever.
    Assumption: the best price is the best that we were woken at; between two wakes the market may have been better.
    """

    share_fracs: Annotated[
        tuple[float, ...], parameter("fractions", "of the position at each target; the rest runs", gt=0.0, le=1.0)
    ] = (0.4, 0.3, 0.2)
    at_units: Annotated[
        tuple[float, ...], parameter("units (ATR)", "from the entry to each target", gt=0.0, le=1_000.0)
    ] = (1.0, 1.5, 2.5)
    stop_units: Annotated[float, parameter("units (ATR)", "from the entry to the first stop", gt=0.0, le=1_000.0)] = 1.0
    trail_from: Annotated[int, parameter("targets", "that are filled before the stop trails", ge=0, le=TARGETS)] = 1
    keep_frac: Annotated[
        float, parameter("fraction", "of the greatest profit that the stop keeps; 0: not by this rule", ge=0.0, le=1.0)
    ] = 0.7
    trail_units: Annotated[
        float, parameter("units (ATR)", "behind the best price; 0: not by this rule", ge=0.0, le=1_000.0)
    ] = 0.0
    step_ticks: Annotated[int, parameter("ticks", "a smaller step is not worth a command", ge=1, le=100_000)] = 1

    def __post_init__(self) -> None:
        Rules.__post_init__(self)
        if len(self.share_fracs) != len(self.at_units) or len(self.share_fracs) > TARGETS:
            found = f"{len(self.share_fracs)} shares at {len(self.at_units)} distances"
            raise ParameterError("Ladder.share_fracs", found, f"as many of each, at most {TARGETS}")
        whole_e9 = 0
        for share in self.share_fracs:
            whole_e9 += round(share * E9)
        if whole_e9 > E9:
            raise ParameterError("Ladder.share_fracs", f"{whole_e9 / E9:g} together", "at most 1")

    def begin(
        self,
        seen: Seen,
        side: int,
        lots: int,
        *,
        entry: int,
        unit: float,
        tag: int,
        stop: int = 0,
        instrument: int = 0,
        least_lots: int = 1,
    ) -> Position:
        """Leave a position of `lots` (`side` +1 long) entered at `entry`; `unit`, an ATR, in price increments.

        `stop`: where the first stop stands, unless `stop_units` from the entry. Targets of fewer than `least_lots` go
        to the runner. It uses `TAGS` tags from `tag` on.
        """
        here = seen.of(instrument)
        if side not in (1, -1) or lots < 1 or entry < 1 or not unit > 0:
            found = f"side {side!r}, {lots!r} lots at {entry!r}, unit {unit!r}"
            raise DefinitionError(f"a position to be left: found {found}, expected 1 or -1, and all above 0")
        prices = [on_tick(entry + side * round(units * unit), 1, here.tick, -side) for units in self.at_units]
        first = stop or on_tick(entry - side * round(self.stop_units * unit), 1, here.tick, -side)
        begun = Position(WORKING, side=side, tag=tag, instrument=instrument, entry=entry, unit=float(unit), stop=first)
        return self.covering(begun, lots, least_lots)._replace(
            twice_mid=twice_mid(here), began_ns=here.now_ns, best=entry, prices=_padded(prices)
        )

    def covering(self, position: Position, lots: int, least_lots: int = 1) -> Position:
        """The same for `lots` in all, closed ones included: more was bought. Fewer than before: nothing changes."""
        if lots <= position.lots:
            return position
        if position.closed > 0:
            return position._replace(lots=lots)
        parts = [round(share * E9) * lots // E9 for share in self.share_fracs]
        return position._replace(lots=lots, parts=_padded([part if part >= least_lots else 0 for part in parts]))

    def work(self, position: Position, seen: Seen, level: int = 0) -> tuple[Position, list[Want]]:
        """To be asked at every wake. `level`: a price of the system's own that the trailing stop may go to, 0 none."""
        if not position.is_active:
            return position, []
        seen = seen.of(position.instrument)
        left = min(position.left, max(position.side * seen.lots, 0))
        if left == 0:
            return self._ending(position, seen), []
        position = self._trailed(position, seen, level)
        if position.phase == CLOSING:
            return position, _closing(position, seen, left)
        position, stops = _stopped(position, seen, left)
        return position, stops + _targets(position, seen, left)

    def _ending(self, position: Position, seen: Seen) -> Position:
        """Nothing is held: over as soon as none of its orders works any more."""
        for order in seen.orders:
            if position.owns(order.tag, order.instrument):
                return position
        return position._replace(phase=DONE if position.left == 0 else SHORT)

    def _trailed(self, position: Position, seen: Seen, level: int) -> Position:
        """The best price, and the stop that follows from it."""
        side, now = position.side, seen.last or twice_mid(seen) // 2
        if now and side * (now - position.best) > 0:
            position = position._replace(best=now)
        if position.phase != WORKING:
            return position
        proposals = []
        if position.targets_met < self.trail_from:
            return self._passed(position, seen, position.stop)
        if self.keep_frac > 0:
            proposals.append(share_kept(side, position.entry, position.best, self.keep_frac, seen.tick))
        if self.trail_units > 0:
            proposals.append(distance_behind(side, position.best, self.trail_units * position.unit, seen.tick))
        if level > 0 and not is_through(seen, side, level):
            proposals.append(on_tick(level, 1, seen.tick, -side))
        return self._passed(
            position, seen, tightened(side, position.stop, tuple(proposals), self.step_ticks * seen.tick)
        )

    def _passed(self, position: Position, seen: Seen, stop: int) -> Position:
        """The position with its stop; where the market has passed one that does not stand yet, it is left now."""
        stands = stop == position.stop and any(_orders(position, seen, turn) for turn in range(STOP_TAGS))
        if not stands and is_through(seen, position.side, stop):
            return position._replace(stop=stop, phase=CLOSING)
        return position._replace(stop=stop)


# ---- the orders --------------------------------------------------------------------------------------------------


def _padded(numbers: list[int]) -> tuple[int, ...]:
    return (*numbers, *(0,) * (TARGETS - len(numbers)))


def _want(position: Position, seen: Seen, lots: int, price: int, style: int, tag: int) -> Want:
    """An order that can only close; on spot nothing else is possible, and no venue is told so."""
    return Want(-position.side, lots, price, style, position.tag + tag, not seen.is_spot, position.instrument)


def _orders(position: Position, seen: Seen, tag: int) -> list[Order]:
    return orders_of(seen, position.tag + tag, position.instrument)


def _targets(position: Position, seen: Seen, left: int) -> list[Want]:
    """What is unfilled of each target, together never more than is left."""
    wants = []
    for n, (price, part, done) in enumerate(zip(position.prices, position.parts, position.done, strict=True)):
        lots = min(max(part - done, 0), left)
        left -= lots
        mine = _orders(position, seen, STOP_TAGS + n)
        wants += steer(mine, _want(position, seen, lots, price, LIMIT, STOP_TAGS + n), seen)
    return wants


def _stopped(position: Position, seen: Seen, left: int) -> tuple[Position, list[Want]]:
    """A stop for what is left. Where the one that stands cannot become it, the new one stands before the old goes."""
    mine, other = _orders(position, seen, position.turn), _orders(position, seen, 1 - position.turn)
    want = _want(position, seen, left, position.stop, STOP, position.turn)
    if not mine:
        return position, [want, *left_alone(other)]
    if not mine[0].is_open:
        return position, left_alone(mine) + left_alone(other)
    if mine[0].kept() == want or may_become(mine[0], want, seen):
        return position, [want]
    if other:
        return position, left_alone(mine)
    turned = position._replace(turn=1 - position.turn)
    return turned, [mine[0].kept(), _want(position, seen, left, position.stop, STOP, turned.turn)]


def _closing(position: Position, seen: Seen, left: int) -> list[Want]:
    """At market, as soon as no target is in the way; the stop stays until then where it can be told to reduce only.

    On spot it goes first: it would sell what is held besides.
    """
    kept: list[Want] = []
    waits = False
    for order in seen.orders:
        if not position.owns(order.tag, order.instrument):
            continue
        is_stop = order.tag < position.tag + STOP_TAGS
        if order.tag == position.tag + AT_MARKET:
            return left_alone([order]) + kept
        if is_stop and not seen.is_spot:
            kept += left_alone([order])
        else:
            waits = True
    return kept if waits else [*kept, _want(position, seen, left, 0, MARKET, AT_MARKET)]
