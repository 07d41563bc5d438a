"""Bybit as a desk needs it: its addresses, one account over three doors, and what it says of an instrument."""

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, NamedTuple

import msgspec

from quintet.app.instruments import InstrumentConfig
from quintet.app.machine import MACHINE, Machine
from quintet.app.messages import Complaint
from quintet.app.tick_instruments import SeenMarket, guessed_instrument
from quintet.core.instrument import Instrument
from quintet.core.orders.client_ids import ClientIds
from quintet.ports.gateway import Brake, no_brake
from quintet.ports.order_entry import Cancel
from quintet.ports.venue_account import Balance, Execution, OrderReport, PositionReport
from quintet.venues.bybit import instruments as bybit_instruments
from quintet.venues.bybit.account_feed import OVERLAP_NS, AccountFeed
from quintet.venues.bybit.account_questions import AccountQuestions
from quintet.venues.bybit.decode_account import account_id, fee_rates
from quintet.venues.bybit.klines import BASE_URL
from quintet.venues.bybit.limits import limits
from quintet.venues.bybit.listing import Listing
from quintet.venues.bybit.order_gateway import BRISK, OrderGateway, Retries
from quintet.venues.bybit.price_limits import let_prices_be_moved
from quintet.venues.bybit.private_stream import PrivateStream
from quintet.venues.bybit.public_stream import STREAM_HOST, PublicStream
from quintet.venues.bybit.rest import HOSTS, Rest
from quintet.venues.bybit.shapes import MS_NS
from quintet.venues.bybit.sign import ApiKey
from quintet.venues.bybit.trade_socket import TradeSocket
from quintet.venues.connection import Connection, Patience, asked
from quintet.venues.pacing import Pace
from quintet.venues.venue_clock import VenueClock

CLOCK_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Address:
    """Where the venue is. `url`: another host that speaks for it, scheme and host; empty: the venue itself."""

    category: str
    symbol: str
    url: str = ""
    recv_window_ms: int = 5_000
    patience: Patience = Patience()
    others: tuple[str, ...] = ()
    """More categories that the account trades."""

    @property
    def categories(self) -> tuple[str, ...]:
        """All that are traded."""
        return (self.category, *self.others)

    @property
    def rest_hosts(self) -> tuple[str, ...]:
        """Where requests go, the first that answers."""
        return (self.url.rstrip("/"),) if self.url else HOSTS

    @property
    def stream_host(self) -> str:
        """Scheme and host of all sockets."""
        return "ws" + self.url.rstrip("/").removeprefix("http") if self.url else STREAM_HOST

    def public(self, machine: Machine = MACHINE) -> Connection:
        """Depth and trades."""
        stream = PublicStream((self.symbol,), self.category, host=self.stream_host)
        return Connection(stream, machine.wall_ns, self.patience, draw=machine.draw, connect=machine.connect)


def listed_instrument(address: Address, given: InstrumentConfig, fetch: Callable[[str], bytes] = asked) -> Instrument:
    """What the venue says of the instrument; `given` says fees and quanta where they are another."""
    url = bybit_instruments.instruments_url(address.url or BASE_URL, address.category, address.symbol)
    told = bybit_instruments.instrument_facts(address.category, address.symbol, fetch(url))
    said = {name: value for name, value in msgspec.structs.asdict(given).items() if value is not None}
    facts = InstrumentConfig(**said | told | {"fee_in_base": address.category == "spot"})
    places = [_places(facts.price_increment or facts.tick_size), _places(facts.lot_size)]
    return guessed_instrument(SeenMarket(address.symbol, "bybit", places[0], places[1], b""), facts)


def unit_changes(known: Instrument, found: Instrument) -> str:
    """What of the units of an instrument is another now, in words; empty when none is."""
    return "; ".join(
        f"{name} of {known.symbol} is {getattr(found, name):f} now, not {getattr(known, name):f} any more"
        for name in ("tick_size", "lot_size")
        if getattr(found, name) != getattr(known, name)
    )


def _places(unit: Decimal | None) -> int:
    return 0 if unit is None else max(0, -int(unit.normalize().as_tuple().exponent))


class Holdings(NamedTuple):
    """What an account holds at one moment: quanta by asset number, lots by instrument, open orders, and what was
    executed in the last minute, by key. `now_ns`: the venue's time.
    """

    now_ns: int
    quanta: dict[int, int]
    lots: dict[int, int]
    open_orders: list[OrderReport]
    executed: list[int]


class AsBrake(NamedTuple):
    """Fills `ports.kill_switch.KillSwitch` with a brake: an order may have waited for its turn since it was let go."""

    brake: Brake

    def engaged(self) -> str:
        """Why nothing but a cancel may be sent."""
        return self.brake()


class Account:
    """One account over REST and two sockets."""

    def __init__(self, address: Address, key: ApiKey, machine: Machine = MACHINE) -> None:
        self.address = address
        self._key = key
        self._machine = machine
        self._pace = Pace(limits(address.categories))
        self._clock = VenueClock()
        self.rest = Rest(
            key,
            self._pace,
            self._clock,
            address.rest_hosts,
            recv_window_ms=address.recv_window_ms,
            transport=machine.transport,
            steady_ns=machine.steady_ns,
        )
        self.socket = TradeSocket(
            key,
            self._pace,
            self._clock,
            address.stream_host,
            wall_ns=machine.wall_ns,
            steady_ns=machine.steady_ns,
            patience=address.patience,
            recv_window_ms=address.recv_window_ms,
            draw=machine.draw,
            connect=machine.connect,
        )

    async def fees_e9(self) -> tuple[int, int]:
        """Maker and taker rate of this account, 1e-9."""
        return await self.fees_of(self.address.category, self.address.symbol)

    async def fees_of(self, category: str, symbol: str) -> tuple[int, int]:
        """The same of any instrument."""
        answer = await self.rest.ask("/v5/account/fee-rate", {"category": category, "symbol": symbol})
        rates = fee_rates(answer.result)
        if symbol not in rates:
            raise Complaint(
                "no fee rate", where=f"bybit {symbol}", found=", ".join(rates) or "none",
                expected="the rates of this account",
            )  # fmt: skip
        return rates[symbol]

    async def holdings(self, listing: Listing) -> Holdings:
        """What it holds now."""
        questions = AccountQuestions(self.rest, listing)
        now_ns = self._clock.venue_ns(self.rest.steady_ns())
        executed = await questions.executions(now_ns - OVERLAP_NS)
        orders = await questions.open_orders()
        positions, balances = await questions.positions(), await questions.balances()
        return Holdings(
            max([now_ns // MS_NS * MS_NS, *(one.ts_event for one in executed if isinstance(one, Execution))]),
            {one.asset: one.quanta for one in balances if isinstance(one, Balance)},
            {one.instrument: one.lots for one in positions if isinstance(one, PositionReport)},
            [one for one in orders if isinstance(one, OrderReport)],
            [one.key for one in executed if isinstance(one, Execution)],
        )

    async def number(self) -> str:
        """The venue's number of this account."""
        return account_id((await self.rest.ask("/v5/user/query-api")).result)

    async def name(self) -> str:
        """Which account this is: the venue's number of it, and where the venue is."""
        return f"{await self.number()} at {self.address.url or 'bybit'}"

    async def let_prices_be_moved(self, say: Callable[[str], None]) -> None:
        """On spot, as on contracts, a price beyond the venue's limits leaves at that limit and is not refused.

        `say`: told when the venue does not do it, and why.
        """
        if "spot" in self.address.categories and (why := await let_prices_be_moved(self.rest)):
            say(f"orders beyond the venue's price limits will be refused, not moved to them: {why}")

    def gateway(
        self, listing: Listing, ids: ClientIds, brake: Brake = no_brake, *, nets: bool = False, retries: Retries = BRISK
    ) -> OrderGateway:
        """Order entry: the socket while it is ready, else REST.

        `brake`: asked once more when an order has its turn; `nets`: positions of several desks are one there.
        """
        switch = AsBrake(brake)
        return OrderGateway(self.rest, listing, ids, self.socket, kill_switch=switch, nets=nets, retries=retries)

    def feed(
        self, listing: Listing, since_ns: int, booked: Iterable[int], believed_open: Callable[[], list[Cancel]]
    ) -> AccountFeed:
        """The account's own facts, each once."""
        stream = PrivateStream(self._key, self._clock, self.rest.steady_ns, self.address.stream_host)
        machine = self._machine
        connection = Connection(
            stream, machine.wall_ns, self.address.patience, draw=machine.draw, quiet=True, connect=machine.connect
        )
        return AccountFeed(
            connection,
            self.rest,
            listing,
            since_ns=since_ns,
            booked=booked,
            believed_open=believed_open,
            wall_ns=machine.wall_ns,
        )


@asynccontextmanager
async def opened(address: Address, key: ApiKey, machine: Machine = MACHINE) -> AsyncIterator[Account]:
    """An account whose clock is known and whose key can do no more than trade; raises ConfigError, VenueUnreachable."""
    account: Any = Account(address, key, machine)
    try:
        if not await account.rest.settle_clock(CLOCK_S):
            account.rest.clock.venue_ns(account.rest.steady_ns())
        await account.rest.require_harmless_key()
        yield account
    finally:
        await account.rest.close()
