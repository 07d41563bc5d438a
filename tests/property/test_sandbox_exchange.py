"""Whatever is asked of the sandbox exchange, its laws hold, it matches as its twin does, and its journal repeats it."""

import random
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from quintet.sandbox.commands import (
    AddMargin,
    Amend,
    AnyCommand,
    Cancel,
    CancelAll,
    Deleverage,
    Ghosts,
    GhostTrade,
    MoveCoins,
    Place,
    SetFunding,
    SetLeverage,
    SetMarginMode,
    SetPrices,
    SetStops,
    StopRequest,
    SwitchMode,
)
from quintet.sandbox.exchange import Exchange
from quintet.sandbox.money import quanta
from tests.sandbox_venue import ALICE, BOB, Desk, check_laws
from tests.twins.matching_twin import MatchingTwin, TwinOrder

UIDS = st.sampled_from((ALICE, BOB))
SIDES = st.sampled_from(("Buy", "Sell"))
SIGNS = st.sampled_from((1, -1))
LIFE = st.sampled_from(("GTC", "GTC", "IOC", "FOK", "PostOnly"))
SELF_MATCH = st.sampled_from(("None", "CancelMaker", "CancelTaker", "CancelBoth"))

placing = st.tuples(st.just("place"), UIDS, SIDES, st.integers(0, 4), st.integers(1, 9), LIFE, SELF_MATCH)
changing = st.tuples(st.just("amend"), st.integers(0, 30), st.integers(0, 4), st.integers(1, 9))
ending = st.tuples(st.just("cancel"), st.integers(0, 30))


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.one_of(placing, placing, placing, changing, ending), min_size=15, max_size=40))
def test_it_matches_as_its_twin_does(script: list[tuple[Any, ...]]) -> None:
    desk, twin = Desk(USDT="10000000"), MatchingTwin()
    desk.exchange.state.markets["linear:ETHUSDT"].instrument.tick = quanta("1")
    ours: list[Any] = []
    theirs: list[TwinOrder] = []
    lives: list[str] = []
    eth = {"category": "linear", "symbol": "ETHUSDT"}
    for kind, *fields in script:
        if kind == "place":
            uid, side, price, lots, life, self_match = fields
            order = desk.place(
                side, f"0.0{lots}", str(2000 + price), uid, time_in_force=life, self_match=self_match, **eth
            )
            sign = 1 if side == "Buy" else -1
            other = TwinOrder(len(theirs), uid, sign, 2000 + price, lots, 0)
            ours.append(order)
            theirs.append(other)
            lives.append(life)
            twin.place(other, life, self_match)
        elif fields[0] < len(ours) and not theirs[fields[0]].ended:
            order, other = ours[fields[0]], theirs[fields[0]]
            name = {"uid": order.uid, "order_id": order.order_id} | eth
            if kind == "cancel":
                desk.do(Cancel(**name))
                twin.cancel(other)
            elif (
                order.self_match == "None"
                and fields[2] > other.filled
                and (fields[1], fields[2]) != (other.price - 2000, other.lots)
            ):
                desk.do(Amend(price=str(2000 + fields[1]), quantity=f"0.0{fields[2]}", **name))
                twin.amend(other, 2000 + fields[1], fields[2], lives[fields[0]])
    assert [(order.filled, order.is_open) for order in ours] == [(other.filled, not other.ended) for other in theirs]
    book = desk.exchange.venue.books["linear:ETHUSDT"]
    queues = [
        found.order_id
        for sign in (1, -1)
        for price in book.side(sign).prices()
        for found in book.side(sign).levels[price]
    ]
    by_time = [
        ours[other.name].order_id
        for sign in (1, -1)
        for other in sorted(twin.resting, key=lambda found: (-found.sign * found.price, found.arrived))
        if other.sign == sign
    ]
    assert queues == by_time


BTC = {"symbol": "BTCUSDT"}
LINEAR = {"category": "linear", "symbol": "BTCUSDT"}


class Mischief:
    """Commands of every kind around a market near 50000, drawn from a seed, mostly such that something happens."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.names = 0

    def script(self, length: int) -> Iterator[tuple[int, AnyCommand]]:
        for category in ("spot", "linear"):
            yield 10, Ghosts(category=category, snapshot=True, levels=self._levels(4000), **BTC)
        if self.dice.random() < 0.3:
            yield 10, SwitchMode(uid=ALICE, category="linear", hedge=True, coin="USDT")
        yield 10, SetLeverage(uid=ALICE, leverage=self._of("5", "20", "50"), **LINEAR)
        kinds: list[Callable[[], AnyCommand]] = [self._place] * 12 + [self._ghosts] * 4 + [self._ghost_trade] * 4
        kinds += [self._amend, self._cancel] * 2
        kinds += [
            self._prices,
            self._funding,
            self._leverage,
            self._mode,
            self._stops,
            self._all,
            self._coins,
            self._margin,
        ]
        kinds = kinds * 2 + [self._deleverage]
        for _ in range(length):
            yield self._of(10, 10, 500, 2_000, 61_000), self.dice.choice(kinds)()

    def _of(self, *choices: Any) -> Any:
        return self.dice.choice(choices)

    def _price(self, around: int = 12) -> str:
        return str(50_000 + self.dice.randint(-around, around))

    def _uid(self) -> int:
        return int(self._of(ALICE, ALICE, BOB))

    def _category(self) -> str:
        return str(self._of("linear", "linear", "spot"))

    def _levels(self, lots: int) -> list[tuple[int, int, int]]:
        middle = self.dice.randint(49_995, 50_005)
        return [(sign, quanta(str(middle - sign * n)), lots * n) for sign in (1, -1) for n in range(1, 6)]

    def _stop_fields(self) -> StopRequest:
        mode = self._of("", "Full", "Partial")
        return StopRequest(
            take_profit=self._of("", self._price(20)), stop_loss=self._of("", self._price(20)), mode=mode
        )

    def _stops_of_order(self, side: str) -> StopRequest:
        away = self.dice.randint(6, 15) if side == "Buy" else -self.dice.randint(6, 15)
        sensible = StopRequest(take_profit=str(50_000 + away), stop_loss=str(50_000 - away))
        return self._of(sensible, self._stop_fields())  # type: ignore[no-any-return]

    def _place(self) -> Place:
        self.names += 1
        category, kind = self._category(), self._of("Limit", "Limit", "Market")
        trigger = self._of("", "", "", self._price())
        side = self._of("Buy", "Sell")
        return Place(
            uid=self._uid(),
            category=category,
            side=side,
            order_type=kind,
            quantity=self._of("0.01", "0.5", "1", "4", "15") if kind == "Limit" or category == "linear" else "5000",
            price=self._price(),
            time_in_force=self._of("GTC", "GTC", "IOC", "FOK", "PostOnly"),
            link_id=f"n{self.names}",
            reduce_only=category == "linear" and self.dice.random() < 0.15,
            position_index=self._of(0, 0, 1, 2),
            trigger_price=trigger,
            trigger_direction=self._of(1, 2) if trigger else 0,
            trigger_by=self._of("LastPrice", "MarkPrice"),
            stops=self._stops_of_order(side) if self.dice.random() < 0.2 else StopRequest(),
            market_unit=self._of("", "quoteCoin", "baseCoin") if kind == "Market" and category == "spot" else "",
            order_filter=self._of("", "tpslOrder") if trigger and category == "spot" else "",
            self_match=self._of("None", "CancelMaker", "CancelTaker", "CancelBoth"),
            **BTC,
        )

    def _ghosts(self) -> Ghosts:
        lots = self._of(40, 4000, 90_000)
        return Ghosts(category=self._category(), snapshot=self._of(True, False), levels=self._levels(lots), **BTC)

    def _ghost_trade(self) -> GhostTrade:
        lots = self._of(5, 500, 20_000)
        return GhostTrade(
            category=self._category(), sign=self._of(1, -1), price=quanta(self._price()), lots=lots, **BTC
        )

    def _prices(self) -> SetPrices:
        price = self._of(0, 0, 40_000, 47_000, 49_000, 50_000, 51_000, 53_000, 60_000)
        return SetPrices(index=price * 10**8, mark=self._of(0, price * 10**8), **BTC)

    def _funding(self) -> SetFunding:
        return SetFunding(rate=self.dice.randint(-375_000, 375_000), **BTC)

    def _leverage(self) -> SetLeverage:
        return SetLeverage(uid=self._uid(), leverage=self._of("5", "10", "50"), **LINEAR)

    def _mode(self) -> SetMarginMode:
        return SetMarginMode(uid=self._uid(), isolated=self._of(True, False))

    def _stops(self) -> SetStops:
        index, trailing = self._of(0, 0, 1, 2), self._of("", "5")
        begin = self._of("", "", "", self._price(20))
        return SetStops(uid=self._uid(), position_index=index, stops=self._stop_fields(), trailing=trailing,
                        active_price=begin, **LINEAR)  # fmt: skip

    def _margin(self) -> AddMargin:
        return AddMargin(uid=self._uid(), position_index=0, amount=self._of("500", "-50"), **LINEAR)

    def _deleverage(self) -> Deleverage:
        return Deleverage(quantity=self._of("0.1", "3"), **BTC)

    def _name(self) -> str:
        return f"n{self.dice.randint(max(1, self.names - 8), max(1, self.names))}"

    def _amend(self) -> Amend:
        price, quantity = self._of("", self._price()), self._of("", "0.02", "2")
        stops = self._stop_fields() if self.dice.random() < 0.2 else StopRequest()
        return Amend(uid=self._uid(), category=self._category(), link_id=self._name(), price=price, quantity=quantity,
                     stops=stops, **BTC)  # fmt: skip

    def _cancel(self) -> Cancel:
        return Cancel(uid=self._uid(), category=self._category(), link_id=self._name(), **BTC)

    def _all(self) -> CancelAll:
        return CancelAll(uid=self._uid(), category=self._category(), **BTC)

    def _coins(self) -> MoveCoins:
        self.names += 1
        uid, wallets = self._uid(), self._of(("UNIFIED", "FUND"), ("FUND", "UNIFIED"))
        return MoveCoins(transfer_id=f"t{self.names}", coin=self._of("USDT", "BTC"), amount=self._of("10", "5000"),
                         from_uid=uid, to_uid=uid, from_wallet=wallets[0], to_wallet=wallets[1])  # fmt: skip


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 10**9))
def test_nothing_that_is_asked_breaks_a_law_and_its_journal_repeats_it(seed: int) -> None:
    desk = Desk(USDT="200000", BTC="20")
    journal: list[bytes] = []
    start = desk.exchange.image()
    for wait_ms, command in Mischief(seed).script(60):
        desk.now_ms += wait_ms
        desk.do(command)
        journal.append(msgspec.json.encode((desk.now_ms, command)))
    again = Exchange.of(start)
    for line in journal:
        now_ms, command = msgspec.json.decode(line, type=tuple[int, AnyCommand])
        again.do(now_ms, command)
    check_laws(again)
    assert again.image() == desk.exchange.image()


def test_the_mischief_reaches_every_end_of_an_order_and_a_liquidation() -> None:
    ends: set[str] = set()
    for seed in range(12):
        desk = Desk(USDT="200000", BTC="20")
        for wait_ms, command in Mischief(seed).script(60):
            desk.now_ms += wait_ms
            desk.exchange.do(desk.now_ms, command)
        state = desk.exchange.state
        ends |= {order.status for order in state.orders.values()} | {
            order.cancel_type for order in state.orders.values()
        }
        ends |= {order.stop_kind for order in state.orders.values()}
        ends |= {found.kind for account in state.accounts.values() for found in account.executions}
    assert {"New", "PartiallyFilled", "Untriggered", "Filled", "Cancelled", "PartiallyFilledCanceled", "Deactivated",
            "CancelBySmp", "CancelByReduceOnly", "CancelByTpSlTsClear", "Trade", "BustTrade", "AdlTrade", "OcoOrder",
            } <= ends  # fmt: skip
