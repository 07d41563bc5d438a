"""A small order book market: levels and trades of one instrument, and worlds that trade in it."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from quintet.core.engine.money_rules import FeeSchedule, MarginRules
from quintet.core.engine.world import Execution, Latencies, Setup, new_world
from quintet.core.events import ASK_LEVEL, BID_LEVEL, FUNDING_RATE, LAST, MARK_PRICE, ROW, TRADE_BUY, TRADE_SELL
from quintet.core.instrument import Instrument
from quintet.core.random import below, seeded
from quintet.core.state import WAKE_FILL, WAKE_ORDER, WAKE_TIMER, Tape, World
from tests.desk_worlds import LINEAR_COIN, START, tape_of
from tests.players import player_params, player_state

MILLISECOND = 1_000_000
WINDOW = (9_000, 11_000)

Message = tuple[int, int, list[tuple[int, int, int]]]
"""Both times, and what it says: kind, price, lots of each row."""

MessageRows = tuple[int, int, Sequence[tuple[int, ...]]]
"""The same, where a row may say its bits, too."""


def message_rows(messages: Sequence[MessageRows]) -> Tape:
    """Messages as the rows of a market tape."""
    rows = []
    for ts_event, ts_recv, parts in messages:
        for n, (kind, price, lots, *bits) in enumerate(parts):
            rows.append((ts_event, ts_recv, lots, price, 0, kind, sum(bits) + (LAST if n + 1 == len(parts) else 0)))
    return tape_of(np.array(rows, ROW))


class Market:
    """A book that is never crossed: the mid staggers, levels come and go, trades take from the touch.

    `perpetual`: it has a mark price, which often runs away from the book, and a rate of funding.
    """

    def __init__(self, seed: int, perpetual: bool = False) -> None:
        self.perpetual = perpetual
        self.dice = seeded(seed, "tick market")[0]
        self.mid = 10_000  # bids below it, asks above
        self.levels: dict[tuple[int, int], int] = {}

    def draw(self, count: int) -> int:
        return int(below(self.dice, count))

    def touch(self, kind: int) -> int:
        prices = [price for k, price in self.levels if k == kind]
        return (max(prices) if kind == BID_LEVEL else min(prices)) if prices else 0

    def move(self) -> list[tuple[int, int, int]]:
        """The mid moves by a tick or two; what it runs over is gone."""
        self.mid += self.draw(5) - 2
        gone = [key for key in self.levels if (key[1] >= self.mid if key[0] == BID_LEVEL else key[1] <= self.mid)]
        for key in gone:
            del self.levels[key]
        return [(kind, price, 0) for kind, price in gone] + self.quote(BID_LEVEL) + self.quote(ASK_LEVEL)

    def quote(self, kind: int) -> list[tuple[int, int, int]]:
        """A level near the mid gets another size, perhaps none."""
        away = 1 + self.draw(8)
        price = self.mid - away if kind == BID_LEVEL else self.mid + away
        lots = self.draw(40)
        if lots:
            self.levels[kind, price] = lots
        else:
            self.levels.pop((kind, price), None)
        return [(kind, price, lots)]

    def trade(self) -> list[tuple[int, int, int]]:
        """Somebody takes from the touch; the book follows in the same message."""
        buys = self.draw(2) == 1
        kind = ASK_LEVEL if buys else BID_LEVEL
        price = self.touch(kind)
        if not price:
            return self.quote(kind)
        lots = 1 + self.draw(self.levels[kind, price])
        self.levels[kind, price] -= lots
        left = self.levels[kind, price]
        if not left:
            del self.levels[kind, price]
        return [(TRADE_BUY if buys else TRADE_SELL, price, lots), (kind, price, left)]

    def say_mark(self) -> list[tuple[int, int, int]]:
        away = 300 * (self.draw(3) - 1) if self.draw(2) == 0 else self.draw(9) - 4
        rate = [(FUNDING_RATE, 0, 100_000 * (self.draw(41) - 20))] if self.draw(3) == 0 else []
        return [(MARK_PRICE, self.mid + away, 0), *rate]

    def messages(self, count: int) -> list[Message]:
        event, recv = START, START
        found: list[Message] = []
        for _ in range(count):
            event += 1 + self.draw(20 * MILLISECOND)
            recv = max(recv, event + self.draw(8 * MILLISECOND))
            what = self.draw(10)
            if self.perpetual and self.draw(8) == 0:
                parts = self.say_mark()
            else:
                parts = self.move() if what < 3 else self.trade() if what < 6 else self.quote(self.draw(2))
            found.append((event, recv, parts))
        return found


def tick_tape(seed: int, count: int, perpetual: bool = False) -> Tape:
    return message_rows(Market(seed, perpetual).messages(count))


def tick_world(
    seed: int = 1, *, entry_ns: int = 5 * MILLISECOND, response_ns: int = 3 * MILLISECOND, queue_model: int = 0,
    wakes: int = WAKE_TIMER | WAKE_FILL | WAKE_ORDER, params: Any = None, recording: bool = False,
    latencies: Latencies | None = None, order_places: int = 0, window: tuple[int, int] = WINDOW, capital: int = 10**12,
    fees: FeeSchedule | None = None, margin: MarginRules | None = None, keeps_shown_book: bool = False,
    instrument: Instrument = LINEAR_COIN, **execution: Any,
) -> World:  # fmt: skip
    """A world in tick mode, woken every 50 ms, with a player of dice in it unless `params` say something else.

    `execution`: more fields of Execution.
    """
    setup = Setup(
        instruments=(instrument,),
        capital={"USDT": capital},
        execution=Execution(entry_ns=entry_ns, response_ns=response_ns, queue_model=queue_model, **execution),
        latencies=latencies or Latencies(),
        fees=fees or FeeSchedule(),
        margin=margin or MarginRules(),
        wakes=wakes,
        timer_first_ns=START + 50 * MILLISECOND,
        timer_every_ns=50 * MILLISECOND,
        price_window=window,
        order_places=order_places,
        keeps_shown_book=keeps_shown_book,
        messages_in_flight=64,
        desk_rows=1 << 13 if recording else 1,
    )
    dice = player_params(spread=6, styles=7, keep_in_ten=6)
    world = new_world(setup, player_state(seed), dice if params is None else params)
    world.venue[0].recording = int(recording)
    return world
