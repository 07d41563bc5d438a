"""What a system wants: orders that should be working from now on. What to send for that is the planner's business."""

from collections.abc import Iterable
from typing import Any, Final, TypeAlias

from quintet.core.execution.want import Want
from quintet.core.orders.lifecycle import MARKET, POST_ONLY, STOP, STYLE_NAMES
from quintet.core.state import WANTS
from quintet.systems.own.refusal import RefusedSystem

_STYLES: Final = {name.replace(" ", "_").replace("-", "_").lower(): number for number, name in enumerate(STYLE_NAMES)}


Wants: TypeAlias = Iterable[Want] | None
"""All that is wanted from now on; an empty list: nothing any more; None: the same as before."""


def buy(
    lots: int,
    price: int | None = None,
    *,
    style: str | None = None,
    tag: int = 0,
    reduce_only: bool = False,
    instrument: int = 0,
) -> Want:
    """Buy at market, or with a `price` by a resting order that never takes; `style`: limit, ioc or stop instead."""
    return Want(1, lots, price or 0, _style(price, style), tag, reduce_only, instrument)


def sell(
    lots: int,
    price: int | None = None,
    *,
    style: str | None = None,
    tag: int = 0,
    reduce_only: bool = False,
    instrument: int = 0,
) -> Want:
    """Sell at market, or with a `price` by a resting order that never takes; `style`: limit, ioc or stop instead."""
    return Want(-1, lots, price or 0, _style(price, style), tag, reduce_only, instrument)


def stop(lots: int, price: int, *, tag: int = 0, instrument: int = 0) -> Want:
    """Sell at market once the price has fallen to `price`."""
    return Want(-1, lots, price, STOP, tag, instrument=instrument)


def _style(price: int | None, style: str | None) -> int:
    if style is None:
        return MARKET if price is None else POST_ONLY
    if style not in _STYLES:
        raise RefusedSystem("unknown style of order", where="style", found=style, expected=", ".join(_STYLES))
    return _STYLES[style]


def checked(wants: Any, where: str, instruments: int = 1) -> list[Want]:
    """The wants as a list; raises RefusedSystem naming the first that cannot be meant in a run of `instruments`."""
    if isinstance(wants, Want) or not isinstance(wants, Iterable):
        raise _refused(where, repr(wants), "a list of wants, such as [buy(100)], or None")
    listed = list(wants)
    if len(listed) > WANTS:
        raise _refused(where, f"{len(listed)} wants", f"at most {WANTS}")
    for want in listed:
        problem = _problem(want, instruments)
        if problem:
            raise _refused(where, repr(want), problem)
    return listed


def _problem(want: Any, instruments: int) -> str:
    """What is expected of a want that is not as it should be; empty when it is."""
    if not isinstance(want, Want):
        return "a want, made by buy, sell or stop"
    if not all(isinstance(number, int) for number in want):
        return "whole numbers: lots and price increments, never floats"
    if want.lots <= 0:
        return "1 lot or more"
    if want.price < 0 or (want.price == 0) != (want.style == MARKET):
        return "a price of 1 increment or more, none at market"
    if not 0 <= want.instrument < instruments:
        return f"an instrument of the run, 0 to {instruments - 1}"
    return ""


def _refused(where: str, found: str, expected: str) -> RefusedSystem:
    return RefusedSystem("a want that cannot be", where=where, found=found, expected=expected)
