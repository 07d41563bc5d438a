"""Everything off, from outside of the desk: no open order left at the venue, and no position if so wanted.

It knows nothing of the desk: no tape, no ids, no list of instruments. The venue is asked what is open and told to
cancel it, in bulk first and one by one where bulk leaves something, round after round, until the venue shows nothing,
and shows nothing once more when a request that the desk had under way could no longer arrive. A repeated cancel does
no harm and neither does a repeated close, which is reduce-only; so whatever went wrong with one is answered by looking
again. Spot holdings are no position and are left as they are.
"""

import asyncio
from collections.abc import Callable, Iterator
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any, Final, NamedTuple

import msgspec

from quintet.core.errors import DataError
from quintet.ports.order_entry import CancelAll
from quintet.venues.bybit.account_wire import Listed
from quintet.venues.bybit.encode import Action, encoded
from quintet.venues.bybit.entry import RECV_WINDOW_MS
from quintet.venues.bybit.inquiry import SETTLING_NS
from quintet.venues.bybit.klines import VenueUnreachable
from quintet.venues.bybit.limits import ADDRESS, costs
from quintet.venues.bybit.rest import Rest
from quintet.venues.bybit.shapes import amount, shaped
from quintet.venues.pacing import Cost
from quintet.venues.venue_clock import ClockUnsure

SCOPES: Final[tuple[dict[str, str], ...]] = (
    {"category": "spot"},
    {"category": "linear", "settleCoin": "USDT"},
    {"category": "linear", "settleCoin": "USDC"},
)
"""What a desk of this project can trade; orders of other products are not looked at."""

SPOT_CLASSES: Final = ("Order", "StopOrder", "tpslOrder")
"""On spot each class of orders is taken back by itself."""

UNDER_WAY_S: Final = RECV_WINDOW_MS / 1_000 + SETTLING_NS / 1e9
"""How long a request that the desk has signed may still arrive."""

PATIENCE_S: Final = 120.0
_PAUSE_S: Final = 0.5
_CLOCK_PATIENCE_S: Final = 5.0
_PAGES_MAX: Final = 100


class OpenOrder(msgspec.Struct, frozen=True, rename="camel"):
    """An order that the venue shows as open."""

    symbol: str
    order_id: str
    category: str = ""


class Held(msgspec.Struct, frozen=True, rename="camel"):
    """A position; `side` is "" and `size` "0" when there is none. `position_idx`: 0 one-way, 1 and 2 hedged."""

    symbol: str
    side: str
    size: str
    mark_price: str
    position_idx: int = 0

    @property
    def is_flat(self) -> bool:
        """Nothing is held."""
        return self.side not in ("Buy", "Sell") or not Decimal(self.size or "0")


class _PriceFilter(msgspec.Struct, frozen=True, rename="camel"):
    tick_size: str


class _Listed(msgspec.Struct, frozen=True, rename="camel"):
    price_filter: _PriceFilter


class Outcome(NamedTuple):
    """What was reached. `rounds`: how often everything was cancelled; `problems`: what went wrong, newest last.

    `done`: nothing is open any more, and nothing that was under way can arrive. `orders` and `positions`: what was
    left at the last look that the venue answered; None: it answered none.
    """

    done: bool
    rounds: int
    orders: tuple[OpenOrder, ...] | None
    positions: tuple[Held, ...] | None
    problems: tuple[str, ...]


class LastResort:
    """One account that is brought to rest."""

    def __init__(
        self,
        rest: Rest,
        tell: Callable[[str], None] = lambda line: None,
        *,
        flatten: bool = False,
        slippage_pct: Decimal = Decimal(1),
        patience_s: float = PATIENCE_S,
        under_way_s: float = UNDER_WAY_S,
    ) -> None:
        """`slippage_pct`: a close pays at most so much beyond the mark price of its first try, percent."""
        self._rest = rest
        self._tell = tell
        self._flatten = flatten
        self._slippage = slippage_pct / 100
        self._bounds: dict[tuple[str, str], str] = {}
        self._patience_s = patience_s
        self._under_way_s = under_way_s
        self._rounds = 0
        self._orders: tuple[OpenOrder, ...] | None = None
        self._positions: tuple[Held, ...] | None = None
        self._problems: list[str] = []

    async def run(self) -> Outcome:
        """Until the account is at rest, or the patience is over; never raises what the venue can cause."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        done = False
        try:
            async with asyncio.timeout(self._patience_s):
                while not (done := await self._round() and loop.time() - began >= self._under_way_s):
                    await self._pause(began)
        except TimeoutError:
            self._problem(f"not at rest after {self._patience_s:g} s")
        return Outcome(done, self._rounds, self._orders, self._positions, tuple(self._problems))

    async def _pause(self, began: float) -> None:
        """Not long while something is left; else until nothing of the desk's can arrive any more."""
        at_rest = not self._orders and not self._positions and self._orders is not None
        left_s = began + self._under_way_s - asyncio.get_running_loop().time()
        if at_rest and left_s > 0:
            self._tell(f"nothing is open; looking again in {left_s:.0f} s, when nothing under way can arrive any more")
            await asyncio.sleep(left_s)
        else:
            await asyncio.sleep(_PAUSE_S)

    async def _round(self) -> bool:
        """Cancel everything, look, close; True when the look after it showed nothing."""
        if not await self._rest.settle_clock(_CLOCK_PATIENCE_S):
            self._problem("the venue's time is not known, so nothing can be signed")
            return False
        if self._orders != ():
            await self._cancel()
        if not await self._look():
            return False
        if self._flatten and self._positions and not self._orders:
            await self._close(self._positions)
            return await self._look() and not self._orders and not self._positions
        return not self._orders and not (self._flatten and self._positions)

    # ---- orders ------------------------------------------------------------------------------------------------

    async def _cancel(self) -> None:
        """Everything in bulk; what an earlier bulk left, one by one."""
        self._rounds += 1
        for payload in _bulk():
            await self._told("cancel-all", payload)
        for order in self._orders or ():
            payload = {"category": order.category, "symbol": order.symbol, "orderId": order.order_id}
            if order.category == "spot":
                for each in SPOT_CLASSES[:2]:
                    await self._told("cancel", payload | {"orderFilter": each})
            else:
                await self._told("cancel", payload)

    async def _look(self) -> bool:
        """Ask what is open and what is held; False when the venue did not say all of it."""
        try:
            orders: list[OpenOrder] = []
            for scope in SCOPES:
                found = [
                    _shaped(row, OpenOrder) for row in await self._all("/v5/order/realtime", scope | {"limit": "50"})
                ]
                orders += [msgspec.structs.replace(order, category=scope["category"]) for order in found]
            held: list[Held] = []
            for scope in SCOPES[1:]:
                held += [_shaped(row, Held) for row in await self._all("/v5/position/list", scope)]
        except (VenueUnreachable, DataError, ClockUnsure) as error:
            self._problem(str(error))
            return False
        self._orders = tuple(orders)
        self._positions = tuple(one for one in held if not one.is_flat)
        self._tell(f"the venue shows {len(orders)} open orders and {len(self._positions)} positions")
        return True

    async def _all(self, path: str, query: dict[str, str]) -> list[msgspec.Raw]:
        rows: list[msgspec.Raw] = []
        cursor = ""
        for _ in range(_PAGES_MAX):
            answer = await self._rest.ask(path, query | ({"cursor": cursor} if cursor else {}))
            page = shaped(answer.result, Listed, path)
            rows += page.list
            cursor = page.next_page_cursor
            if not cursor or not page.list:
                return rows
        raise DataError(f"bybit {path}: the pages never end, expected {_PAGES_MAX} at most")

    # ---- positions ---------------------------------------------------------------------------------------------

    async def _close(self, positions: tuple[Held, ...]) -> None:
        """Immediate, reduce-only, within the slippage: the venue fills what it can and drops the rest."""
        for held in positions:
            try:
                price = await self._bound(held)
            except (VenueUnreachable, DataError, ClockUnsure) as error:
                self._problem(str(error))
                continue
            payload = {
                "category": "linear",
                "symbol": held.symbol,
                "side": "Sell" if held.side == "Buy" else "Buy",
                "orderType": "Limit",
                "timeInForce": "IOC",
                "price": price,
                "qty": held.size,
                "reduceOnly": True,
                "positionIdx": held.position_idx,
            }
            self._tell(f"closing {held.side} {held.size} {held.symbol} at {price} or better")
            await self._told("create", payload)

    async def _bound(self, held: Held) -> str:
        """The worst price, fixed at the first try: measured anew at each, many tries would walk any distance."""
        known = self._bounds.get((held.symbol, held.side))
        if known is not None:
            return known
        query = {"category": "linear", "symbol": held.symbol}
        rows = await self._all("/v5/market/instruments-info", query)
        if not rows:
            raise DataError(f"bybit {held.symbol}: found no tick size, expected the instrument of a position")
        tick = amount(_shaped(rows[0], _Listed).price_filter.tick_size, "tickSize")
        mark = amount(held.mark_price, "markPrice")
        if tick <= 0 or mark <= 0:
            raise DataError(f"bybit {held.symbol}: found tick {tick} and mark {mark}, expected both above 0")
        found = worst_price(1 if held.side == "Sell" else -1, mark, tick, self._slippage)
        self._bounds[held.symbol, held.side] = found
        return found

    # ---- one request -------------------------------------------------------------------------------------------

    async def _told(self, action: Action, payload: dict[str, Any]) -> None:
        """Tell the venue once. Whatever comes of it, the next look is what counts."""
        request = encoded(action, payload["category"], payload, (CancelAll(0),))
        try:
            async with self._rest.pace.turn([*costs(request), Cost(ADDRESS)], urgent=True) as turn:
                told = await self._rest.tell(request)
                if told.verdict.meaning == "unknown":
                    turn.linger(self._rest.recv_window_ms / 1_000)
        except ClockUnsure as error:
            self._problem(str(error))
            return
        if told.verdict.meaning not in ("accepted", "gone"):
            self._problem(f"{action} {payload['category']}: {told.verdict.text}")

    def _problem(self, text: str) -> None:
        if not self._problems or self._problems[-1] != text:
            self._problems.append(text)
            self._tell(text)


def worst_price(side: int, mark: Decimal, tick: Decimal, slippage: Decimal) -> str:
    """The price beyond which nothing is bought (1) or sold (-1): a fraction off the mark, rounded towards it."""
    exact = mark * (1 + side * slippage) / tick
    ticks = exact.to_integral_value(ROUND_FLOOR if side > 0 else ROUND_CEILING)
    return f"{ticks * tick:f}"


def _bulk() -> Iterator[dict[str, str]]:
    for scope in SCOPES:
        if scope["category"] == "spot":
            yield from ({**scope, "orderFilter": each} for each in SPOT_CLASSES)
        else:
            yield dict(scope)


def _shaped(row: msgspec.Raw, shape: Any) -> Any:
    return shaped(row, shape, "a row")
