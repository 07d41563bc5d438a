"""Daily social figures of LunarCrush.

Source: LunarCrush API v4, Coins, Time Series. `GET /api4/public/coins/COIN/time-series/v2?bucket=day` gives `{"data":
[{"time": seconds, "galaxy_score": number, "sentiment": number, ...}, ...]}`; the running day is among them and still
changes, so it is left out. The key is a bearer token. Its numbers are binary floats, so they are taken to the nearest
1e-4.
"""

from typing import Final

import msgspec

from quintet.core.facts import Said
from quintet.ports.key_store import Secret
from quintet.venues.fact_line import AskedSource, FactLine, LinePatience, nearest_value, number_text, seconds_ns, shaped
from quintet.venues.pacing import SECOND_NS, Limit

HOST: Final = "https://lunarcrush.com"
FIGURES: Final = ("galaxy_score", "sentiment")
DECIMALS: Final = 4
_DAY_NS: Final = 86_400 * SECOND_NS
_LIMIT: Final = Limit(10, 60 * SECOND_NS)
"""Ten requests a minute, the least that any of its plans allows."""

_ABSENT: Final = msgspec.Raw(b"null")


class Point(msgspec.Struct, frozen=True):
    """One day as it is sent; a figure may be absent or null."""

    time: int
    galaxy_score: msgspec.Raw = _ABSENT
    sentiment: msgspec.Raw = _ABSENT


class Answer(msgspec.Struct, frozen=True):
    """The series, what of it is read."""

    data: tuple[Point, ...]


def decode(body: bytes, now_ns: int, asset: str) -> list[Said]:
    """Both figures of the days that are over at `now_ns` (UTC), in order; raises DataError naming the field."""
    said = []
    for n, point in enumerate(shaped(body, Answer, "coin").data):
        about_ns = seconds_ns(point.time, f"coin: data[{n}].time") // _DAY_NS * _DAY_NS
        if about_ns + _DAY_NS > now_ns:
            continue
        for figure in FIGURES:
            raw, where = getattr(point, figure), f"coin: data[{n}].{figure}"
            if bytes(raw).strip() != b"null":
                value = nearest_value(number_text(raw, where), DECIMALS, where)
                said.append(Said(f"lunarcrush/{figure}/{asset}", about_ns, value, DECIMALS))
    return said


def line(key: Secret, host: str = HOST, patience: LinePatience | None = None) -> FactLine:
    """A line to the source with its key."""
    return FactLine("lunarcrush", host, _LIMIT, {"Authorization": Secret(f"Bearer {key.reveal()}")}, patience)


def source(line: FactLine, asset: str) -> AskedSource:
    """Both figures of an asset, asked for every hour."""
    return AskedSource(
        line, f"/api4/public/coins/{asset.lower()}/time-series/v2", {"bucket": "day", "interval": "1w"},
        tuple(f"lunarcrush/{figure}/{asset}" for figure in FIGURES), 3600.0,
        lambda body, at_ns: decode(body, at_ns, asset),
    )  # fmt: skip
