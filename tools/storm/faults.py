"""The kinds of trouble, eighteen and two of perpetuals, each done to a story at a moment of an order's life.

Where the plan names variants (with a hint or without, before or after acceptance, by a second or by ten) the dice of
the story choose. Every fault says how long it lasts; then the world is well again, and the desk has to be as well.
"""

import json
import random
from collections.abc import Callable, Collection
from decimal import Decimal
from typing import Any, Final

from quintet.sandbox.commands import CancelAll, Deleverage, SetFunding, SetPrices
from quintet.sandbox.faults import Fault
from quintet.sandbox.service import DEFAULT_UID
from tools.storm.market import SYMBOL
from tools.storm.story import Story

PRIVATE: Final = ("order", "execution")
ORDERS: Final = "/v5/order/*"
MOMENTS: Final = ("created", "submitted", "accepted", "partly filled", "amending", "canceling", "unknown")
"""The seven states of an order at which a fault can begin."""

LINEAR: Final = f"linear:{SYMBOL}"
LIQUIDATION_S: Final = 4.0
LOOK_FOR_ONE_S: Final = 0.1
MARK_AWAY_PCT: Final = 15
"""At a leverage of ten nothing is left of a margin so far away."""

SPIKE_RATE: Final = 750_000
"""Parts of 1e8: three quarters of a percent, twice the most that funding is in a calm market."""

Trouble = Callable[[Story], float]
"""Does it, and returns for how many seconds."""


def clean_disconnect(story: Story) -> float:
    """Every line is closed."""
    story.lines.cut()
    return 1.0


def half_open(story: Story) -> float:
    """The lines that are open fall silent, and stay open."""
    for session in list(story.sandbox.streams.sessions.values()):
        session.connection.half_open = True
    return 16.0


def reordered(story: Story) -> float:
    """Private frames overtake each other."""
    return _frames(story, "reorder", 4.0, chance=0.5)


def duplicated(story: Story) -> float:
    """Private frames come twice."""
    return _frames(story, "duplicate", 4.0)


def dropped(story: Story) -> float:
    """Private frames get lost."""
    return _frames(story, "drop", 3.0, chance=0.7)


def delayed(story: Story) -> float:
    """Private frames come seconds late."""
    late_s = story.dice.uniform(1.0, 10.0)
    return _frames(story, "delay", 2.0, delay_ms=int(late_s * 1_000)) + late_s


def too_many(story: Story) -> float:
    """Requests are turned away, with a hint for how long, or without."""
    kind = story.dice.choice(("rate_limited", "too_many_requests"))
    _over_rest(story, 2.0)
    return _requests(story, kind, "/v5/*", 2.0, chance=0.7, delay_ms=500)


def error_before(story: Story) -> float:
    """5xx, and nothing was done."""
    _over_rest(story, 2.0)
    return _requests(story, story.dice.choice(("server_error", "maintenance")), ORDERS, 2.0)


def error_after(story: Story) -> float:
    """5xx, and it was done."""
    _over_rest(story, 2.0)
    if story.dice.random() < 0.5:
        return _requests(story, "internal_error", ORDERS, 2.0)
    _until(story, "fail_after", 2.0)
    return 2.0


def timeout_after(story: Story) -> float:
    """No answer, and it was done."""
    if story.dice.random() < 0.5:
        _over_rest(story, 1.5)
        _until(story, "hang_after", 1.5)
    return _requests(story, "lose_answer", ORDERS, 1.5)


def timeout_before(story: Story) -> float:
    """No answer, and it was not done."""
    if story.dice.random() < 0.5:
        _over_rest(story, 1.5)
        _until(story, "hang_before", 1.5)
    return _requests(story, "lose_request", ORDERS, 1.5)


def clock_skew(story: Story) -> float:
    """The venue's clock jumps, forward or back."""
    story.service.clock.skew_ms = story.dice.choice((-10_000, -1_000, 1_000, 10_000))
    return 5.0


def stale_book(story: Story) -> float:
    """The line lives, and nothing of the book comes over it; nor of the trades, one time in two."""
    if story.dice.random() < 0.5:
        _add(story, Fault(kind="drop", where="publicTrade.*"), 5.0)
    return _add(story, Fault(kind="stale_book", where="orderbook.*"), 5.0)


def sequence_gap(story: Story) -> float:
    """Changes of the book are missing."""
    return _add(story, Fault(kind="sequence_gap", where="orderbook.*", chance=0.3), 3.0)


def crossed_book(story: Story) -> float:
    """A bid above the best ask, or a trade that nobody made."""
    if story.dice.random() < 0.3:
        tick = Fault(kind="phantom_tick", symbol=SYMBOL, category=story.plan.category, value="47000")
        return _add(story, tick, 1.0)
    story.lines.spoil = _crossed
    story.loop.call_later(1.0, lambda: setattr(story.lines, "spoil", lambda text: text))
    return 1.0


def fill_during_cancel(story: Story) -> float:
    """Half of an order trades just before its cancel arrives."""
    _over_rest(story, 4.0)
    return _requests(story, "partial_fill_on_cancel", "/v5/order/cancel", 4.0)


def venue_restart(story: Story) -> float:
    """The venue is gone for a while; its open orders may be gone with it."""
    story.lines.reachable = False
    story.lines.cut()
    if story.dice.random() < 0.5:
        story.service.do(
            CancelAll(uid=DEFAULT_UID, category=story.plan.category, symbol=SYMBOL, order_filter="", reason="UNKNOWN")
        )
    story.loop.call_later(2.0, lambda: setattr(story.lines, "reachable", True))
    return 2.0


def malformed(story: Story) -> float:
    """Half of the JSON is missing, in frames and in answers."""
    _requests(story, "truncate_answer", "/v5/*", 3.0, chance=0.5)
    return _frames(story, "truncate", 3.0, chance=0.5)


FAULTS: Final[dict[str, Trouble]] = {
    fault.__name__: fault
    for fault in (
        clean_disconnect, half_open, reordered, duplicated, dropped, delayed, too_many, error_before, error_after,
        timeout_after, timeout_before, clock_skew, stale_book, sequence_gap, crossed_book, fill_during_cancel,
        venue_restart, malformed,
    )
}  # fmt: skip


def liquidation(story: Story) -> float:
    """The mark price runs away from the position for a moment, and the venue takes it over; the market stays.

    One time in three it is somebody else who is liquidated, and half of the position is taken to close his.
    """
    _take_position(story, story.dice.random() < 1 / 3, 1)
    return LIQUIDATION_S


def _take_position(story: Story, is_anothers: bool, attempt: int) -> None:
    """As soon as there is a position, if one comes to be in time."""
    if not _held(story):
        if attempt * LOOK_FOR_ONE_S < LIQUIDATION_S:
            story.loop.call_later(LOOK_FOR_ONE_S, _take_position, story, is_anothers, attempt + 1)
    elif is_anothers:
        take_half(story)
    else:
        _take_all(story)


def _held(story: Story) -> int:
    return sum(one.lots for one in story.service.state.accounts[DEFAULT_UID].positions_of(LINEAR))


def take_half(story: Story) -> None:
    """Deleveraging: half of what is held is closed against somebody who was liquidated."""
    lots = (abs(_held(story)) + 1) // 2
    if lots:
        quantity = Decimal(lots) / story.service.state.markets[LINEAR].instrument.lots_per_unit
        story.service.do(Deleverage(symbol=SYMBOL, quantity=f"{quantity:f}"))


def _take_all(story: Story) -> None:
    held = _held(story)
    mark = story.service.state.markets[LINEAR].mark
    away = mark * (100 - MARK_AWAY_PCT * (1 if held > 0 else -1)) // 100
    story.service.do(SetPrices(symbol=SYMBOL, mark=away))
    story.service.do(SetPrices(symbol=SYMBOL, mark=0))


def funding_spike(story: Story) -> float:
    """Funding is due now, at a rate far from the usual, for those who hold the wrong side or against them."""
    rate = story.dice.choice((-SPIKE_RATE, SPIKE_RATE))
    story.service.do(SetFunding(symbol=SYMBOL, rate=rate))
    story.service.state.markets[LINEAR].next_funding_ms = story.service.state.now_ms
    return 2.0


LINEAR_FAULTS: Final[dict[str, Trouble]] = FAULTS | {fault.__name__: fault for fault in (liquidation, funding_spike)}
"""All that can happen to a desk on a perpetual."""


class Strikes:
    """When which fault strikes: at the `nth` time (from 1) that an order comes to a moment. Fills `Plan.sees`."""

    def __init__(self, *strikes: tuple[str, str, int]) -> None:
        """(fault, moment, nth)."""
        self.struck = 0
        self._left = [*strikes]
        self._seen: dict[str, int] = {}

    def __call__(self, story: Story, moment: str) -> None:
        """One more order is there."""
        self._seen[moment] = self._seen.get(moment, 0) + 1
        for strike in list(self._left):
            fault, at, nth = strike
            if at == moment and self._seen[moment] >= nth:
                self._left.remove(strike)
                self.struck += 1
                story.strike(LINEAR_FAULTS[fault])


def provoke_unknowns(story: Story) -> None:
    """Some answers get lost from the beginning, so that orders come to be unknown."""
    fault = Fault(kind="lose_answer", where="/v5/order/*", from_s=2.0, until_s=6.0, chance=0.4, count=3)
    story.sandbox.faults.add(fault, 0.0)


def seeded_strikes(seed: int, count: int, among: Collection[str] = FAULTS) -> Strikes:
    """So many faults at moments that the seed draws."""
    dice = random.Random(seed)
    names = dice.sample(sorted(among), count)
    return Strikes(*((name, dice.choice(MOMENTS), dice.randint(1, 4)) for name in names))


# ---- parts ------------------------------------------------------------------------------------------------------


def _frames(story: Story, kind: Any, seconds: float, chance: float = 1.0, delay_ms: int = 1_000) -> float:
    for topic in PRIVATE:
        _add(story, Fault(kind=kind, where=topic, chance=chance, delay_ms=delay_ms), seconds)
    return seconds


def _requests(story: Story, kind: Any, where: str, seconds: float, chance: float = 1.0, delay_ms: int = 1_000) -> float:
    return _add(story, Fault(kind=kind, where=where, chance=chance, delay_ms=delay_ms), seconds)


def _add(story: Story, fault: Fault, seconds: float) -> float:
    """On from now, for so long."""
    faults, now_s = story.sandbox.faults, story.loop.time()
    faults.now_s = now_s
    faults.add(Fault(**{name: getattr(fault, name) for name in Fault.__struct_fields__} | {"until_s": seconds}), now_s)
    return seconds


def _until(story: Story, what: str, seconds: float) -> None:
    """A fault of the line to REST, on the order path."""
    setattr(story.lines, what, lambda path: path.startswith("/v5/order/"))
    story.loop.call_later(seconds, lambda: setattr(story.lines, what, lambda path: False))


def _over_rest(story: Story, seconds: float) -> None:
    """The trade socket is shut for so long: such things happen to requests over REST."""
    story.lines.trades_by_rest = True
    story.lines.cut()
    story.loop.call_later(seconds, lambda: setattr(story.lines, "trades_by_rest", False))


def _crossed(text: str) -> str:
    """The same change of the book with a bid far above every ask."""
    frame = json.loads(text)
    if frame.get("type") == "delta":
        frame["data"]["b"] = [*frame["data"]["b"], ["60000.0", "1.000000"]]
    return json.dumps(frame)
