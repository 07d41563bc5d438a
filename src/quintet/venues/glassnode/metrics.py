"""Daily metrics of Glassnode.

Source: Glassnode documentation, API, Endpoints. `GET /v1/metrics/CATEGORY/NAME?a=ASSET&i=24h` gives `[{"t": seconds,
"v": number or null}, ...]`, oldest first; `t` is the beginning of the day. The key is the header `X-Api-Key`; rate
limits are told in `x-rate-limit-reset`. Its numbers are binary floats, so they are taken to the nearest 1e-9.
"""

from typing import Final

import msgspec

from quintet.core.facts import Said
from quintet.ports.key_store import Secret
from quintet.venues.fact_line import AskedSource, FactLine, LinePatience, nearest_value, number_text, seconds_ns, shaped
from quintet.venues.pacing import SECOND_NS, Limit

HOST: Final = "https://api.glassnode.com"
PATHS: Final = {"mvrv": "/v1/metrics/market/mvrv"}
"""The metrics that are asked for, by their names in facts."""

DECIMALS: Final = 9
DAYS_ASKED: Final = 10
_DAY_NS: Final = 86_400 * SECOND_NS
_LIMIT: Final = Limit(600, 60 * SECOND_NS)


class Point(msgspec.Struct, frozen=True):
    """One day as it is sent; `v` is null where there is nothing."""

    t: int
    v: msgspec.Raw = msgspec.Raw(b"null")


def decode(body: bytes, now_ns: int, fact: str) -> list[Said]:
    """The days that are over at `now_ns` (UTC), the oldest first; raises DataError naming the point and the field."""
    said = []
    for n, point in enumerate(shaped(body, tuple[Point, ...], "metric")):
        about_ns = seconds_ns(point.t, f"metric: [{n}].t")
        if about_ns + _DAY_NS > now_ns or bytes(point.v).strip() == b"null":
            continue
        text = number_text(point.v, f"metric: [{n}].v")
        said.append(Said(fact, about_ns, nearest_value(text, DECIMALS, f"metric: [{n}].v"), DECIMALS))
    return said


def line(key: Secret, host: str = HOST, patience: LinePatience | None = None) -> FactLine:
    """A line to the source with its key."""
    return FactLine("glassnode", host, _LIMIT, {"X-Api-Key": key}, patience)


def source(line: FactLine, metric: str, asset: str, now_ns: int) -> AskedSource:
    """A metric of an asset, asked for every hour; `now_ns`: days before this one's last ten are not asked for."""
    fact = f"glassnode/{metric}/{asset}"
    query: dict[str, str | int] = {"a": asset, "i": "24h", "s": now_ns // SECOND_NS - DAYS_ASKED * 86_400}
    return AskedSource(line, PATHS[metric], query, (fact,), 3600.0, lambda body, at_ns: decode(body, at_ns, fact))
