"""What Bybit says besides its market: the funding to come, what its Earn products yield, what was deposited, whether
coins may be withdrawn, and what is in its insurance pools.

Source: Bybit V5 documentation, Market (Get Tickers, Get Insurance Pool), Earn (Get Product Info), Asset (Get Deposit
Records, Get Coin Info). Predicted funding is `fundingRate` of the ticker, the running rate for `nextFundingTime`. A
yield is an estimate that is made anew every ten minutes, in per cent a year with the sign written out. A pool of one
contract is published every minute, one that several contracts share once a day.
"""

import re
from collections.abc import Collection, Sequence
from decimal import Decimal
from typing import Final

import msgspec

from quintet.core.errors import DataError
from quintet.core.facts import Said, exact_value
from quintet.ports.fact_source import FactUnanswered
from quintet.venues.bybit.klines import BASE_URL, VenueUnreachable
from quintet.venues.bybit.rest import Rest
from quintet.venues.bybit.shapes import MS_NS, amount, nanoseconds, one_of
from quintet.venues.bybit.shapes import shaped as shaped_reply
from quintet.venues.bybit.wire import Reply
from quintet.venues.fact_line import AskedSource, FactLine, LinePatience
from quintet.venues.pacing import SECOND_NS, Limit
from quintet.venues.venue_clock import ClockUnsure

DECIMALS: Final = 9
HOUR_NS: Final = 3_600 * SECOND_NS
EARN_CATEGORIES: Final = {"earn_yield": "FlexibleSaving", "onchain_yield": "OnChain"}
"""What a yield is called in facts, and at the venue."""

DEPOSIT_PAGES_MAX: Final = 20
_CREDITED: Final = (3, 10012)
"""Status of a deposit: success, credited to the funding pool."""

_LIMIT: Final = Limit(50, 5 * SECOND_NS)
"""A twelfth of what the venue allows one address."""

_PER_CENT: Final = re.compile(r"(-?[0-9]{1,6}(\.[0-9]{1,12})?)%")


class Ticker(msgspec.Struct, frozen=True, rename="camel"):
    """A perpetual's ticker, what of it is read."""

    symbol: str
    funding_rate: str
    next_funding_time: str


class Tickers(msgspec.Struct, frozen=True):
    """`GET /v5/market/tickers`."""

    list: tuple[Ticker, ...]


class Product(msgspec.Struct, frozen=True, rename="camel"):
    """An Earn product, what of it is read."""

    category: str
    estimate_apr: str
    coin: str
    product_id: str
    status: str


class Products(msgspec.Struct, frozen=True):
    """`GET /v5/earn/product`."""

    list: tuple[Product, ...]


class Deposit(msgspec.Struct, frozen=True):
    """A deposit record, what of it is read."""

    coin: str
    amount: str
    txID: str  # noqa: N815  the venue's own spelling
    status: int
    successAt: str  # noqa: N815
    txIndex: str = ""  # noqa: N815


class Deposits(msgspec.Struct, frozen=True):
    """`GET /v5/asset/deposit/query-record`."""

    rows: tuple[Deposit, ...]
    nextPageCursor: str = ""  # noqa: N815


class Chain(msgspec.Struct, frozen=True, rename="camel"):
    """A chain that a coin lives on, what of it is read."""

    chain: str
    chain_withdraw: str


class Coin(msgspec.Struct, frozen=True):
    """A coin, what of it is read."""

    coin: str
    chains: tuple[Chain, ...] = ()


class Coins(msgspec.Struct, frozen=True):
    """`GET /v5/asset/coin/query-info`."""

    rows: tuple[Coin, ...]


class Pool(msgspec.Struct, frozen=True):
    """An insurance pool, and the contracts behind which it stands, parted by commas."""

    coin: str
    symbols: str
    balance: str


class Pools(msgspec.Struct, frozen=True):
    """`GET /v5/market/insurance`."""

    list: tuple[Pool, ...]


def _replied(body: bytes, what: str) -> Reply:
    """The envelope of an answer that says yes; raises DataError for one that says no."""
    reply = shaped_reply(body, Reply, what)
    if reply.retCode != 0:
        raise DataError(f"{what}: found retCode {reply.retCode} ({reply.retMsg[:80]}), expected 0")
    return reply


def decode_predicted(body: bytes, now_ns: int, symbol: str) -> list[Said]:
    """The running rate of a perpetual, about the settlement it is for; raises DataError naming the field."""
    what = "ticker"
    tickers = shaped_reply(_replied(body, what).result, Tickers, what).list
    for n, ticker in enumerate(tickers):
        if ticker.symbol == symbol:
            about_ns = nanoseconds(ticker.next_funding_time, f"{what}: list[{n}].nextFundingTime")
            value = exact_value(ticker.funding_rate, DECIMALS, f"{what}: list[{n}].fundingRate")
            return [Said(f"bybit/predicted_funding/{symbol}", about_ns, value, DECIMALS)]
    raise DataError(f"{what}: found {', '.join(each.symbol for each in tickers) or 'nothing'}, expected {symbol}")


def decode_yield(body: bytes, now_ns: int, kind: str, asset: str) -> list[Said]:
    """The best yield that is open for an asset, of the hour of the answer; nothing where no product is open.

    `kind`: earn_yield or onchain_yield. Raises DataError naming the field.
    """
    what = "earn product"
    reply = _replied(body, what)
    hour_ns = reply.time * MS_NS // HOUR_NS * HOUR_NS
    found = []
    for n, product in enumerate(shaped_reply(reply.result, Products, what).list):
        if product.coin != asset or product.category != EARN_CATEGORIES[kind] or product.status != "Available":
            continue
        written = _PER_CENT.fullmatch(product.estimate_apr)
        if written is None:
            raise DataError(
                f"{what}: list[{n}].estimateApr: found {product.estimate_apr[:40]!r}, expected such as 4.25%"
            )
        # Per cent with two decimals more is the fraction.
        found.append(exact_value(written[1], DECIMALS - 2, f"{what}: list[{n}].estimateApr"))
    return [Said(f"bybit/{kind}/{asset}", hour_ns, max(found), DECIMALS)] if found else []


def decode_deposits(result: bytes | msgspec.Raw) -> tuple[list[Said], str]:
    """The credited deposits of a page, in the order sent, and the cursor of the next; raises DataError."""
    what = "deposit"
    page = shaped_reply(result, Deposits, what)
    said = []
    for n, row in enumerate(page.rows):
        if row.status in _CREDITED:
            about_ns = nanoseconds(row.successAt, f"{what}: rows[{n}].successAt")
            value = exact_value(row.amount, DECIMALS, f"{what}: rows[{n}].amount")
            reference = f"{row.txID or 'internal'}.{row.txIndex or 0}"
            said.append(Said(f"bybit/deposit/{row.coin}", about_ns, value, DECIMALS, reference))
    return said, page.nextPageCursor


_WITHDRAWALS: Final = {"1": True, "0": False}


def decode_withdrawals(result: bytes | msgspec.Raw, coin: str) -> bool | None:
    """May a coin be withdrawn on one of its chains at least? None: it is not listed, or on no chain.

    Raises DataError naming the field.
    """
    what = "coin info"
    for n, row in enumerate(shaped_reply(result, Coins, what).rows):
        if row.coin == coin and row.chains:
            where = f"{what}: rows[{n}].chainWithdraw"
            is_open = [one_of(chain.chain_withdraw, _WITHDRAWALS, where) for chain in row.chains]
            return any(is_open)
    return None


def decode_insurance(body: bytes, coin: str, symbols: Collection[str]) -> dict[str, Decimal]:
    """What the pool behind each of these contracts holds, in `coin`, below 0 too; none for one that no pool names.

    Raises DataError naming the field.
    """
    what, found = "insurance", dict[str, Decimal]()
    for n, pool in enumerate(shaped_reply(_replied(body, what).result, Pools, what).list):
        its = [name for name in pool.symbols.split(",") if name in symbols]
        if pool.coin != coin or not its:
            continue
        where = f"{what}: list[{n}].balance"
        if not pool.balance:  # nothing said is not nothing left
            raise DataError(f"{where}: found nothing, expected a number")
        found |= dict.fromkeys(its, amount(pool.balance, where))
    return found


async def withdrawals(rest: Rest, coin: str) -> bool | None:
    """The same of a coin as it is now, by any key; raises VenueUnreachable, DataError or ClockUnsure."""
    answer = await rest.ask("/v5/asset/coin/query-info", {"coin": coin})
    return decode_withdrawals(answer.result, coin)


def line(host: str = BASE_URL, patience: LinePatience | None = None) -> FactLine:
    """A line to what is public at the venue."""
    return FactLine("bybit", host, _LIMIT, patience=patience)


def predicted_source(line: FactLine, symbol: str, category: str = "linear") -> AskedSource:
    """The funding to come of a perpetual, asked for every five minutes."""
    fact = f"bybit/predicted_funding/{symbol}"
    return AskedSource(
        line, "/v5/market/tickers", {"category": category, "symbol": symbol}, (fact,), 300.0,
        lambda body, at_ns: decode_predicted(body, at_ns, symbol),
    )  # fmt: skip


def yield_source(line: FactLine, kind: str, asset: str) -> AskedSource:
    """A yield of an asset, asked for every twenty minutes."""
    query = {"category": EARN_CATEGORIES[kind], "coin": asset}
    return AskedSource(
        line, "/v5/earn/product", query, (f"bybit/{kind}/{asset}",), 1200.0,
        lambda body, at_ns: decode_yield(body, at_ns, kind, asset),
    )  # fmt: skip


class DepositSource:
    """Deposits of some assets into the account of a key, asked for every minute; a `ports.fact_source.FactSource`."""

    ask_every_s: float = 60.0

    def __init__(self, rest: Rest, assets: Sequence[str]) -> None:
        self.facts = tuple(f"bybit/deposit/{asset}" for asset in assets)
        self._rest = rest

    async def ask(self, now_ns: int) -> Sequence[Said]:
        """Those of the last thirty days, which is what the venue gives; raises FactUnanswered."""
        path, found, cursor = "/v5/asset/deposit/query-record", [], ""
        try:
            for _ in range(DEPOSIT_PAGES_MAX):
                query: dict[str, str | int] = {"limit": 50} | ({"cursor": cursor} if cursor else {})
                answer = await self._rest.ask(path, query)
                said, cursor = decode_deposits(answer.result)
                found += [each for each in said if each.name in self.facts]
                if not cursor:
                    break
        except (VenueUnreachable, ClockUnsure, DataError) as error:
            raise FactUnanswered(f"bybit {path}: {error}") from None
        return sorted(found, key=lambda each: each.about_ns)
