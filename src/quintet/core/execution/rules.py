"""What the rules of all algorithms have in common: parameters are checked, and a time that is over ends them."""

from functools import cache
from typing import Annotated, Any, Final, Literal, get_args, get_origin, get_type_hints

import msgspec

from quintet.core.execution.child import left_alone, orders_of, steer
from quintet.core.execution.parent import (
    CALLED_OFF,
    CLOSING,
    DONE,
    ENDING,
    SHORT,
    TAKING,
    UNDONE,
    WAITING,
    WORKING,
    Parent,
    begun,
)
from quintet.core.execution.prices import bound_price, passive_price, touch_price, twice_mid
from quintet.core.execution.seen import Order, Seen
from quintet.core.execution.want import Want
from quintet.core.orders.lifecycle import IOC, MARKET
from quintet.core.parameters import ParameterError, bounds, parameter, text
from quintet.core.units import E9

SECOND_NS: Final = 1_000_000_000

Worked = tuple[Parent, list[Want]]
"""What an algorithm remembers from now on, and the orders that should be working for it."""


class Rules(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Parameters of an algorithm; a value outside its bounds is refused with its name, wherever it comes from."""

    def __post_init__(self) -> None:
        for name, (meta, options) in _laws_of(type(self)).items():
            value = getattr(self, name)
            for part in value if isinstance(value, tuple) else (value,):
                if options and part not in options:
                    raise ParameterError(f"{type(self).__name__}.{name}", part, " or ".join(map(str, options)))
                if not options and not is_within(part, meta):
                    raise ParameterError(f"{type(self).__name__}.{name}", part, bounds(meta) or "a number")


@cache
def _laws_of(kind: type[Rules]) -> dict[str, tuple[msgspec.Meta, tuple[str, ...]]]:
    """Field to its bounds, and to the words it may be."""
    laws = {}
    for name, hint in get_type_hints(kind, include_extras=True).items():
        of, *rest = get_args(hint)
        laws[name] = (rest[0], get_args(of) if get_origin(of) is Literal else ())
    return laws


def is_within(value: Any, meta: msgspec.Meta) -> bool:
    """Is a value a number inside the bounds of its parameter? Not-a-number never is."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        return False
    low, high = meta.ge if meta.ge is not None else meta.gt, meta.le if meta.le is not None else meta.lt
    above = low is None or value > low or (meta.ge is not None and value == low)
    return above and (high is None or value < high or (meta.le is not None and value == high))


class Timed(Rules, frozen=True, kw_only=True):
    """Rules of an algorithm that has until a time, and what becomes of the rest.

        ENDING, CALLED_OFF  nothing is wanted; what works is cancelled, and no step is taken before its end is known
        TAKING   the time is over and `then` is take: the rest is taken once, within `bound_bp`
        CLOSING  less than `partial_min_frac` was filled and `too_little` is close: that part is closed again, at market
        DONE, SHORT, UNDONE  over: all of it; what was filled is kept; nothing is held any more

    Assumption: a wake comes soon after the time is over. A system that wants it to the second has a timer.
    """

    then: Annotated[
        Literal["cancel", "take"], text("cancel or take", "what becomes of what is unfilled when the time is over")
    ] = "cancel"
    bound_bp: Annotated[float, parameter("bp", "how far beyond the best offer it may take", ge=0.0, le=1_000.0)] = 10.0
    partial_min_frac: Annotated[
        float, parameter("fraction", "of the amount: less than this is too little to go on with", ge=0.0, le=1.0)
    ] = 0.5
    too_little: Annotated[
        Literal["close", "keep"], text("close or keep", "what becomes of a filled part that is too little")
    ] = "close"

    def wind_up(self, parent: Parent, seen: Seen) -> Worked:
        """Move a parent on whose time is over: it is in one of the first four phases above."""
        mine = mine_of(parent, seen)
        if mine:
            return parent, [] if parent.phase in (ENDING, CALLED_OFF) else left_alone(mine)
        if parent.phase == ENDING and parent.left > 0 and self.then == "take":
            price = bound_price(seen, parent.side, self.bound_bp)
            return parent._replace(phase=TAKING), one_order(parent, seen, parent.left, price, IOC)
        if parent.phase in (ENDING, CALLED_OFF, TAKING):
            parent = self._judged(parent)
        if parent.phase == CLOSING:
            lots = min(parent.filled - parent.undone, max(parent.side * seen.lots, 0))
            if lots == 0:
                return parent._replace(phase=UNDONE), []
            only = not seen.is_spot
            return parent, [Want(-parent.side, lots, 0, MARKET, parent.tag, only, parent.instrument)]
        return parent, []

    def _judged(self, parent: Parent) -> Parent:
        """Over, or too little: half of 10 is 5, and 5 is enough."""
        if parent.left == 0:
            return parent._replace(phase=DONE)
        is_little = parent.filled * E9 < round(self.partial_min_frac * E9) * parent.lots
        if parent.filled > 0 and is_little and self.too_little == "close":
            return parent._replace(phase=CLOSING)
        return parent._replace(phase=SHORT)


class Resting(Timed, frozen=True, kw_only=True):
    """Rules of an algorithm whose orders rest: where, and when they follow the market."""

    at: Annotated[
        Literal["offset", "touch"], text("offset or touch", "rests `offset_bp` behind the mid, or at the best price")
    ] = "offset"
    offset_bp: Annotated[float, parameter("bp", "from the mid to the passive side", ge=0.0, le=1_000.0)] = 5.0
    requote_s: Annotated[
        float,
        parameter("s", "between two looks whether it should follow; 0: it stays where it is", ge=0.0, le=86_400.0),
    ] = 0.0
    requote_ticks: Annotated[int, parameter("ticks", "a smaller move is not followed", ge=1, le=10_000)] = 1

    def priced(self, parent: Parent, seen: Seen, anew: bool = False) -> Parent:
        """The parent with its price: chosen anew when nothing of it works, when asked, or when the market has moved."""
        found = (
            touch_price(seen, parent.side) if self.at == "touch" else passive_price(seen, parent.side, self.offset_bp)
        )
        if found <= 0:
            return parent
        looks = self.requote_s > 0 and seen.now_ns - parent.priced_ns >= round(self.requote_s * SECOND_NS)
        moved = abs(found - parent.price) >= self.requote_ticks * seen.tick
        if anew or parent.price == 0 or not mine_of(parent, seen) or (looks and moved):
            return parent._replace(price=found, priced_ns=seen.now_ns)
        return parent


# ---- steps that several algorithms take ----------------------------------------------------------------------------


def beginning(
    algorithm: int, seen: Seen, side: int, lots: int, tag: int, instrument: int, reduce_only: bool, lasts_s: float
) -> Parent:
    """A parent that begins now and has `lasts_s` seconds; raises DefinitionError for an amount that cannot be done."""
    here = seen.of(instrument)
    return begun(algorithm, side, lots)._replace(
        tag=tag,
        instrument=instrument,
        reduce_only=int(reduce_only),
        twice_mid=twice_mid(here),
        began_ns=here.now_ns,
        ends_ns=here.now_ns + round(lasts_s * SECOND_NS),
    )


def mine_of(parent: Parent, seen: Seen) -> list[Order]:
    """The parent's orders that are not over."""
    return orders_of(seen, parent.tag, parent.instrument)


def one_order(parent: Parent, seen: Seen, lots: int, price: int, style: int) -> list[Want]:
    """What to want so that one order of the parent comes to work."""
    want = Want(parent.side, lots, price, style, parent.tag, bool(parent.reduce_only), parent.instrument)
    return steer(mine_of(parent, seen), want, seen)


def timed_out(parent: Parent, seen: Seen) -> Parent:
    """The parent, ended where its amount is filled or its time is over."""
    if parent.phase not in (WORKING, WAITING):
        return parent
    if parent.left == 0:
        return parent._replace(phase=DONE)
    return parent._replace(phase=ENDING) if seen.now_ns >= parent.ends_ns else parent
