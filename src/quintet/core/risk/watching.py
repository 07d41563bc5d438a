"""What the desk shows to its restraint: money when it is marked, prices and positions when its system has spoken."""

from typing import Any

from quintet.core.kernel import kernel
from quintet.core.risk.breaker import RESTRAINT_CHANGED, leave_note, recall
from quintet.core.risk.restraint import (
    BY_EXTREME,
    NO_ENTRIES,
    let_go,
    watch_bar,
    watch_money,
    watch_position,
    watch_price,
    watch_silence,
)


@kernel
def restrain_money(desk: Any, n: int, ts: int) -> bool:
    """Equity was just marked at a bar of instrument `n`; True when orders are to be called back."""
    held, market = desk.restraint, desk.shown.market[n]
    before = held.causes
    watch_money(held, desk.shown.equity.quanta, ts)
    if n == 0:
        watch_bar(held, market.high, market.low, market.close, ts)
    let_go(held, ts)
    return has_changed(desk, before)


@kernel
def restrain(desk: Any) -> bool:
    """Look at every instrument; True when orders are to be called back. Wants become exits while positions close."""
    held, view = desk.restraint, desk.shown
    before = held.causes
    heard_at = 0
    for n in range(desk.n_instruments):
        market, account = view.market[n], view.account[n]
        heard_at = max(heard_at, market.ts)
        watch_price(held, n, market.last, market.mark, view.now)
        watch_position(held, n, account.lots, account.realized - account.fees, view.now)
    watch_silence(held, heard_at, view.now)
    let_go(held, view.now)
    if held.closing != 0:
        want_exits(desk)
    return has_changed(desk, before)


@kernel
def has_changed(desk: Any, before: int) -> bool:
    """Note other causes than before, let refused wants be proposed again, and mark what must be called back."""
    causes = desk.restraint.causes
    if causes == before:
        return False
    leave_note(desk.shown, RESTRAINT_CHANGED, before, causes, desk.restraint.alarms, 0)
    desk.room_version += 1
    added = causes & ~before & NO_ENTRIES
    if added == 0:
        return False
    recall(desk, added & BY_EXTREME != 0)
    return True


@kernel
def want_exits(desk: Any) -> None:
    """Whatever the system wants: all of each position, at market, and nothing else."""
    view = desk.shown
    view.n = 0
    for n in range(desk.n_instruments):
        lots = view.account[n].lots
        if lots != 0:
            want = view.wants[view.n]
            want.instrument = n
            want.side = -1 if lots > 0 else 1
            want.style = desk.restraint.rules.exit_style
            want.price = 0
            want.lots = abs(lots)
            want.tag = 0
            want.reduce_only = 1
            view.n += 1
    view.dirty = 1
