"""Goes along a tape order by order: what was held, what it had cost, what was open, as the desk knew it at the time."""

from collections import Counter, deque
from decimal import Decimal
from typing import Final

from tools.storm.witness import ONE, Life, Paid, Said, Tape

ASSET: Final = ("quote_asset", "base_asset")


class Walk:
    """Forward only. `moved`: quanta by asset, `filled`: lots by order, `held`: lots, `cost`: quanta, signed like lots.

    A contract's price is not paid, but it is counted in `moved` all the same: with the cost of what is still held it
    is the realised profit, to the quantum, however the venue splits that among its fills.
    """

    def __init__(self, tape: Tape) -> None:
        quote, base = (tape.instrument[name] for name in ASSET)
        self._tape, self._assets = tape, (quote, base)
        self._unborn = deque(in_turn(tape))
        facts: list[Said | Paid] = [*tape.fills, *tape.fundings]
        self._unbooked = deque(sorted(facts, key=lambda fact: fact.row.at))
        self._alive: list[Life] = []
        self._contracts = 0
        self.cost = 0
        self.moved: Counter[str] = Counter({quote: 0, base: 0})
        self.filled: Counter[int] = Counter()

    def to(self, at: int) -> list[Life]:
        """The orders that the desk has to count with after position `at`."""
        while self._unborn and self._unborn[0].placed.at <= at:
            self._alive.append(self._unborn.popleft())
        self._alive = [one for one in self._alive if one.lives_at(at)]
        while self._unbooked and self._unbooked[0].row.at < at:
            fact = self._unbooked.popleft()
            if isinstance(fact, Said):
                self._book(fact)
            else:
                self.moved[self._assets[0]] -= fact.row.quantity
        return self._alive

    def left(self, life: Life, at: int) -> int:
        """Lots of an order that are asked for at `at`, where the walk is, and not filled."""
        return life.lots_at(at) - self.filled[life.number]

    @property
    def held(self) -> int:
        """Lots; below 0: short. On spot whole lots of the coins that are there."""
        tape = self._tape
        return self._contracts if tape.is_contract else self.moved[self._assets[1]] // int(tape.lot * ONE)

    @property
    def money(self) -> int:
        """Quanta of the quote asset that the desk has more than it began with; what a position has cost is not gone."""
        return self.moved[self._assets[0]] + self.cost

    def equity(self, price: int) -> int:
        """Quanta of the quote asset that all is worth at this price."""
        return capital(self._tape) + self.money + self._tape.value(price, self.held) - self.cost

    def on_its_side(self, life: Life, at: int) -> int:
        """Lots of all orders on the side of one, itself too, that nothing but their price keeps from filling."""
        mine = [one for one in self._alive if one.placed.sign == life.placed.sign and not one.waits]
        return sum(self.left(one, at) for one in mine)

    def opens(self, life: Life) -> bool:
        """Could this order, where it is placed and the walk is, add to what is held? On spot a purchase does."""
        if not self._tape.is_contract:
            return life.placed.sign > 0 and not life.waits
        closable = max(0, -life.placed.sign * self.held)
        return not life.only_reduces and self.on_its_side(life, life.placed.at) > closable

    def _book(self, fill: Said) -> None:
        tape, (quote, base) = self._tape, self._assets
        sign, lots, value = fill.row.sign, fill.row.quantity, tape.value(fill.row.price, fill.row.quantity)
        if tape.is_contract:
            self._hold(sign, lots, value)
        else:
            self.moved[base] += sign * int(tape.lot * lots * ONE)
        self.moved[quote] -= sign * value
        self.moved[self._assets[fill.asset]] -= fill.fee
        self.filled[fill.number] += lots

    def _hold(self, sign: int, lots: int, value: int) -> None:
        """What closes takes its share of the cost with it, the rest opens."""
        closed = min(lots, abs(self._contracts)) if self._contracts * sign < 0 else 0
        if closed:
            self.cost -= self.cost * closed // abs(self._contracts)
        self.cost += sign * value * (lots - closed) // lots
        self._contracts += sign * lots


def in_turn(tape: Tape) -> list[Life]:
    """Orders as they were placed."""
    return sorted(tape.orders.values(), key=lambda life: life.placed.at)


def openings(tape: Tape) -> set[int]:
    """Positions of the placements that could add to what was held."""
    walk, found = Walk(tape), set()
    for life in in_turn(tape):
        walk.to(life.placed.at)
        if walk.opens(life):
            found.add(life.placed.at)
    return found


def capital(tape: Tape) -> int:
    """Quanta of the quote asset that the desk began with."""
    return int(Decimal(str(tape.execution["initial_quote"])) * ONE)
