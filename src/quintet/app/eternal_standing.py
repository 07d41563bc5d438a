"""How a living portfolio stands, as one picture for whoever asks: read from its books, and nothing is changed by it.

Money and quantities are exact decimals in text, as at the venue; a price that nobody has told is null.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

import msgspec

from quintet.app.eternal_words import percent
from quintet.core.instrument import Instrument
from quintet.core.orders import lifecycle
from quintet.core.orders.client_ids import ClientIds
from quintet.core.risk.breaker import BY_STAND_DOWN, RESUMABLE, causes_text
from quintet.core.risk.gate import MODE_NAMES
from quintet.research.conductor_tape import Conducting
from quintet.research.eternal_conductor import Action, Conductor
from quintet.research.sub_accounts import SubAccountBooks, spot_of
from quintet.runtime.lines import clock_text
from quintet.systems.eternal.config import CORE
from quintet.systems.eternal.core_hodl import STAKED
from quintet.systems.eternal.dates import date_of
from quintet.systems.eternal.risk import Account

ACCOUNT, EARN = "account", "earn"
NOBODY_HAS_LOOKED: Final = "an alarm that nobody has looked at"


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """What is held of an instrument, shorts below zero. `place`: in the account, or in the venue's Earn product."""

    instrument: str
    place: str
    quantity: str
    last_price: str | None
    value_usdt: str | None


class OpenOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order that is not known to be over. `price`: null at market; `status`: of the order lifecycle."""

    client_id: str
    instrument: str
    side: str
    style: str
    price: str | None
    quantity: str
    filled: str
    reduce_only: bool
    status: str


class WantedOrder(msgspec.Struct, frozen=True, kw_only=True):
    """What the engine wants to be working, and by which rule."""

    instrument: str
    side: str
    style: str
    price: str | None
    quantity: str
    rule: str


class SubAccount(msgspec.Struct, frozen=True, kw_only=True):
    """`weight_frac`: of the equity of all. `engine`: running, paused, or failed, and then `why`.

    `mode`: of the desk below it, `stopped_by`: why it takes no new risk. `waits_for`: what a person can say that lets
    it go on. `joined`: it knows what its account has done. `compared`: how often books and venue were equal in this
    life.
    """

    equity_usdt: str
    cash_usdt: str
    weight_frac: float | None
    engine: str
    why: str
    mode: str
    stopped_by: str
    waits_for: list[Action]
    joined: bool
    compared: int
    positions: list[Position]
    open_orders: list[OpenOrder]
    wanted: list[WantedOrder]


class Decided(msgspec.Struct, frozen=True, kw_only=True):
    """The last decision, a daily cycle or a settlement between two; `day`: the last day that a cycle has decided on."""

    ts_ns: int
    time: str
    day: str | None


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """All of it at one moment. `drawdown_frac`: from the portfolio's high, 0 or below.

    `waits_for`: what a person can say to the whole of it, that something goes on.
    """

    desk: str
    world: str
    ts_ns: int
    time: str
    equity_usdt: str
    drawdown_frac: float
    regime: str
    status: str
    waits_for: list[Action]
    cycles: int
    transfers: int
    last_decision: Decided | None
    sub_accounts: dict[str, SubAccount]


class SubAccountPlace(NamedTuple):
    """Where a sub-account is read: its books, how its engine sees it, the names of its orders.

    `away`: quanta of the coin that earns.
    """

    books: SubAccountBooks
    seen: Account
    joined: bool
    compared: int
    ids: ClientIds
    away: int = 0


def standing_of(
    desk: str, world: str, now_ns: int, conducting: Conducting, places: Mapping[str, SubAccountPlace]
) -> Standing:
    """The picture of now."""
    conductor, decided_ns = conducting.conductor, conducting.decided_ns
    portfolio, total = conductor.portfolio, sum(place.seen.equity for place in places.values())
    asked = {word for place in places.values() for word in wanted_by(place.books)}
    asked |= {"resume"} if portfolio.risk.is_halted else set()
    day = date_of(conductor.marks[-1].day).isoformat() if conductor.marks else None
    return Standing(
        desk=desk,
        world=world,
        ts_ns=now_ns,
        time=clock_text(now_ns),
        equity_usdt=_money(next(iter(places.values())).books, total),
        drawdown_frac=portfolio.risk.drawdown(total),
        regime=portfolio.regime.regime,
        status=portfolio.risk.status,
        waits_for=sorted(asked),
        cycles=portfolio.cycles,
        transfers=len(conducting.movements),
        last_decision=Decided(ts_ns=decided_ns, time=clock_text(decided_ns), day=day) if decided_ns > 0 else None,
        sub_accounts={name: _sub_account(name, place, conductor, total) for name, place in places.items()},
    )


def _sub_account(name: str, place: SubAccountPlace, conductor: Conductor, total: int) -> SubAccount:
    books, desk = place.books, place.books.world.desk[0]
    engine, why = _engine(name, conductor)
    return SubAccount(
        equity_usdt=_money(books, place.seen.equity),
        cash_usdt=_money(books, place.seen.cash),
        weight_frac=place.seen.equity / total if total > 0 else None,
        engine=engine,
        why=why,
        mode=MODE_NAMES[int(desk.limits.mode)],
        stopped_by=causes_text(int(desk.breaker.causes)) or (NOBODY_HAS_LOOKED if int(desk.paused) else ""),
        waits_for=sorted({*_wanted_by_engine(name, conductor), *wanted_by(books)}),
        joined=place.joined,
        compared=place.compared,
        positions=[*_positions(books, conductor.names), *_earning(place)],
        open_orders=list(_open_orders(books, place.ids, conductor.names)),
        wanted=[
            WantedOrder(
                instrument=order.instrument,
                side=_side(order.side),
                style=order.style,
                price=_price(books.instruments[conductor.names.index(order.instrument)], order.price),
                quantity=_quantity(books.instruments[conductor.names.index(order.instrument)], order.lots),
                rule=order.rule,
            )
            for order in conductor.working[name]
        ],
    )


def wanted_by(books: SubAccountBooks) -> set[Action]:
    """What a person can say to a sub-account's desk that lets it go on."""
    desk: Any = books.world.desk[0]
    causes, found = int(desk.breaker.causes), set[Action]()
    if causes & RESUMABLE:
        found.add("resume")
    if int(desk.paused) or causes & ~(RESUMABLE | BY_STAND_DOWN):
        found.add("reset")
    return found


def _wanted_by_engine(name: str, conductor: Conductor) -> set[Action]:
    """The same of its engine, which can have failed while it was paused."""
    found = set[Action]()
    if name in conductor.portfolio.failed:
        found.add("restart")
    if _is_paused(name, conductor):
        found.add("resume")
    return found


def _engine(name: str, conductor: Conductor) -> tuple[str, str]:
    """Running, paused, or failed; and why not."""
    portfolio = conductor.portfolio
    if name in portfolio.failed:
        return "failed", portfolio.failed[name]
    if _is_paused(name, conductor):
        return "paused", _why_paused(name, conductor)
    return "running", ""


def _is_paused(name: str, conductor: Conductor) -> bool:
    portfolio = conductor.portfolio
    return name in portfolio.risk.paused or (name == CORE and portfolio.core.halted)


def _why_paused(name: str, conductor: Conductor) -> str:
    if name == CORE and conductor.portfolio.core.halted:
        return "withdrawals were closed at the venue"
    for _, said in reversed(conductor.log):
        kind, values = said.note.kind, said.note.values
        if kind == "engine_paused" and values["account"] == name:
            return f"it was {percent(values['drawdown'])} below its own high"
        if kind == "operator" and (values["action"], values["account"]) == ("halt", name):
            break
    return "halted by a person"


def _positions(books: SubAccountBooks, names: tuple[str, ...]) -> Iterator[Position]:
    for n, (instrument, name) in enumerate(zip(books.instruments, names, strict=True)):
        lots, held, _ = books.holding(n)
        if instrument.kind == "spot" and held:
            yield _coins(books, n, name, held, ACCOUNT)
        elif instrument.kind != "spot" and lots:
            last = books.market(n)[2]
            yield Position(
                instrument=name,
                place=ACCOUNT,
                quantity=_quantity(instrument, lots),
                last_price=_price(instrument, last),
                value_usdt=_money(books, lots * last * instrument.quanta_per_tick_lot) if last else None,
            )


def _earning(place: SubAccountPlace) -> Iterator[Position]:
    spot = spot_of(place.books.instruments, STAKED)
    if place.away and spot is not None:
        yield _coins(place.books, spot, STAKED, place.away, EARN)


def _coins(books: SubAccountBooks, n: int, name: str, quanta: int, place: str) -> Position:
    instrument, last = books.instruments[n], books.market(n)[2]
    worth = quanta * last * instrument.quanta_per_tick_lot // instrument.base_quanta_per_lot
    return Position(
        instrument=name,
        place=place,
        quantity=f"{quanta * instrument.base_quantum:f}",
        last_price=_price(instrument, last),
        value_usdt=_money(books, worth) if last else None,
    )


def _open_orders(books: SubAccountBooks, ids: ClientIds, names: tuple[str, ...]) -> Iterator[OpenOrder]:
    desk: Any = books.world.desk[0]
    for order in desk.orders[: int(desk.slots_used)]:
        if int(order.status) == lifecycle.FREE:
            continue
        instrument = books.instruments[int(order.instrument)]
        yield OpenOrder(
            client_id=ids.of(int(order.number)),
            instrument=names[int(order.instrument)],
            side=_side(int(order.side)),
            style=lifecycle.STYLE_NAMES[int(order.style)],
            price=_price(instrument, int(order.price)),
            quantity=_quantity(instrument, int(order.lots)),
            filled=_quantity(instrument, int(order.filled)),
            reduce_only=bool(order.reduce_only),
            status=lifecycle.STATUS_NAMES[int(order.status)],
        )


def _side(sign: int) -> str:
    return "buy" if sign > 0 else "sell"


def _price(instrument: Instrument, increments: int) -> str | None:
    return f"{instrument.price(increments):f}" if increments else None


def _quantity(instrument: Instrument, lots: int) -> str:
    return f"{instrument.quantity(lots):f}"


def _money(books: SubAccountBooks, quanta: int) -> str:
    return f"{quanta * books.instruments[0].quote_quantum:f}"
