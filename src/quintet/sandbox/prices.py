"""Which prices an order may have: the venue's price limits around mark and index, and what a market order dares."""

from typing import NamedTuple

from quintet.sandbox.instruments import BUY
from quintet.sandbox.money import ONE
from quintet.sandbox.orders import PriceKind
from quintet.sandbox.state import Market
from quintet.sandbox.venue import Venue

SPOT_SAMPLES, LINEAR_SAMPLES = 120, 30
"""Seconds over which the premium of the mid is averaged."""


class PriceLimits(NamedTuple):
    """The lowest price at which one may sell and the highest at which one may buy; 0 while no price is known."""

    sell_min: int
    buy_max: int


def reference(market: Market, kind: PriceKind) -> int:
    """The price that a trigger looks at; 0 while it is unknown."""
    if kind == "MarkPrice":
        return market.mark
    return market.index if kind == "IndexPrice" else market.last


def price_limits(market: Market) -> PriceLimits:
    """The venue's formula: linear around mark and index, spot around its index."""
    instrument = market.instrument
    spot = instrument.is_spot
    anchor = market.index if spot else market.mark
    if not anchor:
        return PriceLimits(0, 0)
    samples = market.premium[-(SPOT_SAMPLES if spot else LINEAR_SAMPLES) :]
    premium = sum(samples) // len(samples) if samples else 0
    near_up = anchor + anchor * instrument.price_ratio_x // ONE + max(0, premium)
    near_down = anchor - anchor * instrument.price_ratio_x // ONE + min(0, premium)
    far_up = anchor + anchor * instrument.price_ratio_y // ONE
    far_down = anchor - anchor * instrument.price_ratio_y // ONE
    highest = min(far_up, max(market.index, near_up))
    lowest = max(far_down, min(market.index, near_down))
    return PriceLimits(lowest + -lowest % instrument.tick, highest - highest % instrument.tick)


def protective_price(venue: Venue, market: Market, key: str, sign: int, slippage: int = 0) -> int:
    """The limit of a market order: `slippage` quanta from the best opposite price, else the price limit, else 5 %."""
    instrument = market.instrument
    best = venue.books[key].side(-sign).best or market.last
    if slippage:
        price = best + sign * slippage
    else:
        limits = price_limits(market)
        price = limits.buy_max if sign == BUY else limits.sell_min
        if not price:
            price = best + sign * best // 20
        elif sign * (best - price) > 0:
            price = best  # a market that has run away from its index still trades at its touch
    price -= price % instrument.tick
    return min(max(price, instrument.price_min), instrument.price_max)
