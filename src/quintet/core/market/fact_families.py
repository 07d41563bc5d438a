"""The facts that quintet knows by name: what they count, how often they come, when they are late.

A family is all facts of one name but for what they are of: `glassnode/mvrv/BTC` and `glassnode/mvrv/ETH`. A fact of
no family can be imported and read all the same; its decimals and its rhythm are then told by whoever brings it.
"""

from typing import Final, NamedTuple

from quintet.core.market.fact_watch import Rhythm

MINUTE_NS: Final = 60_000_000_000
HOUR_NS: Final = 60 * MINUTE_NS
DAY_NS: Final = 24 * HOUR_NS


class Family(NamedTuple):
    """Facts of one kind. `of`: what stands after the name, empty when nothing does.

    `known_after_ns`: how long after the time that it speaks of a value of an archive was known, at the latest that we
    believe; an archive does not say when.
    """

    name: str
    of: str
    unit: str
    decimals: int
    rhythm: Rhythm
    known_after_ns: int
    meaning: str


FAMILIES: Final = (
    Family(
        "alternative.me/fear_greed", "", "index, 0 to 100", 0, Rhythm(DAY_NS, 3 * HOUR_NS), HOUR_NS,
        "crypto fear and greed index of a day, published after its 00:00 UTC",
    ),
    Family(
        "glassnode/mvrv", "ASSET", "ratio", 9, Rhythm(DAY_NS, 36 * HOUR_NS), 36 * HOUR_NS,
        "market value over realized value, of the day that begins at its time",
    ),
    Family(
        "lunarcrush/galaxy_score", "ASSET", "score, 0 to 100", 4, Rhythm(DAY_NS, 36 * HOUR_NS), 36 * HOUR_NS,
        "social and market score of the day that begins at its time",
    ),
    Family(
        "lunarcrush/sentiment", "ASSET", "per cent of posts", 4, Rhythm(DAY_NS, 36 * HOUR_NS), 36 * HOUR_NS,
        "share of posts that speak well of the asset, of the day that begins at its time",
    ),
    Family(
        "bybit/predicted_funding", "SYMBOL", "fraction of an interval", 9,
        Rhythm(10 * MINUTE_NS, 20 * MINUTE_NS, forecast=True), 0,
        "the venue's running rate for the next settlement, whose time it speaks of; + = longs pay",
    ),
    Family(
        "bybit/funding_rate", "SYMBOL", "fraction of an interval", 9, Rhythm(8 * HOUR_NS, 15 * MINUTE_NS), 0,
        "rate that was settled at its time; + = longs pay",
    ),
    Family(
        "binance/funding_rate", "SYMBOL", "fraction of an interval", 9, Rhythm(8 * HOUR_NS, 15 * MINUTE_NS), 0,
        "rate that was settled at its time; + = longs pay",
    ),
    Family(
        "bybit/earn_yield", "ASSET", "fraction a year", 9, Rhythm(HOUR_NS, 90 * MINUTE_NS), 0,
        "estimated yield of the flexible Earn product in that hour, the best that is open",
    ),
    Family(
        "bybit/onchain_yield", "ASSET", "fraction a year", 9, Rhythm(HOUR_NS, 90 * MINUTE_NS), 0,
        "estimated yield of the on-chain Earn product in that hour, the best that is open",
    ),
    Family(
        "bybit/deposit", "ASSET", "amount", 9, Rhythm(), 0,
        "a deposit that the venue has credited at its time; the reference names the transaction",
    ),
)  # fmt: skip

_BY_NAME: Final = {family.name: family for family in FAMILIES}

UNKNOWN_DECIMALS: Final = 9
"""Of a fact of no family, unless somebody says otherwise."""


def family_of(name: str) -> Family | None:
    """The family of a fact; None for one that quintet does not know."""
    source_and_what = "/".join(name.split("/")[:2])
    family = _BY_NAME.get(source_and_what)
    return family if family is not None and bool(family.of) == (name.count("/") == 2) else None


def subject_of(name: str) -> str:
    """What a fact is of: `BTC` in `glassnode/mvrv/BTC`; empty for a fact of the whole market."""
    parts = name.split("/")
    return parts[2] if len(parts) == 3 else ""
