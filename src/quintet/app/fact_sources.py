"""From the names of facts to the sources that are asked for them, with the keys that these need."""

import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

from quintet.app.messages import Complaint, did_you_mean
from quintet.app.venue_access import bybit_rest, require_key_of
from quintet.core.market.fact_families import FAMILIES, family_of, subject_of
from quintet.ports.fact_source import FactSource
from quintet.ports.key_store import Credential, Secret
from quintet.venues.alternative_me import fear_greed
from quintet.venues.bybit import outside_facts as bybit
from quintet.venues.bybit.klines import BASE_URL
from quintet.venues.fact_line import FactLine, LinePatience
from quintet.venues.glassnode import metrics
from quintet.venues.lunarcrush import coins

CLOCK_S: Final = 10.0
"""How long to try to learn Bybit's time, without which nothing can be signed."""

KEYED: Final = ("glassnode", "lunarcrush")
"""Sources that answer nobody without a key."""

ASKED: Final = (
    "alternative.me/fear_greed", "glassnode/mvrv", "lunarcrush/galaxy_score", "lunarcrush/sentiment",
    "bybit/predicted_funding", "bybit/earn_yield", "bybit/onchain_yield", "bybit/deposit",
)  # fmt: skip
"""Facts that a source is asked for, by the name of their family; all others are brought in from files."""

_HOSTS: Final = {
    "alternative.me": fear_greed.HOST,
    "glassnode": metrics.HOST,
    "lunarcrush": coins.HOST,
    "bybit": BASE_URL,
}


def require_asked(names: Sequence[str], keys: Mapping[str, str]) -> None:
    """Raise Complaint for a fact that no source is asked for, or whose source needs a key that is not named."""
    for name in names:
        family = family_of(name)
        if family is None or family.name not in ASKED:
            known = [f"{each.name}/{each.of}" if each.of else each.name for each in FAMILIES if each.name in ASKED]
            raise Complaint(
                "a fact that no source is asked for", where="NAME", found=name, expected=f"one of {', '.join(known)}",
                hint=did_you_mean(name, known),
            )  # fmt: skip
        source = "bybit" if family.name == "bybit/deposit" else name.split("/")[0]
        if (source in KEYED or family.name == "bybit/deposit") and source not in keys:
            raise Complaint(
                f"{source} answers nobody without a key", where="--key", found=f"none for {name}",
                expected=f"--key {source}=NAME, as quintet keys list shows it",
            )  # fmt: skip


@asynccontextmanager
async def opened_sources(
    names: Sequence[str],
    keys: Mapping[str, Credential],
    hosts: Mapping[str, str],
    patience: LinePatience | None = None,
    clock: Callable[[], int] = time.time_ns,
) -> AsyncIterator[list[FactSource]]:
    """The sources of these facts, each question once; closed at the end. `hosts`: others that speak for a source."""
    async with AsyncExitStack() as stack:
        lines: dict[str, FactLine] = {}
        for name in names:
            source = name.split("/")[0]
            if source not in lines and not name.startswith("bybit/deposit/"):
                lines[source] = _line(source, keys.get(source), hosts.get(source, _HOSTS[source]), patience)
                stack.push_async_callback(lines[source].close)
        found: list[FactSource] = []
        for name in names:
            if not name.startswith("bybit/deposit/") and all(name not in each.facts for each in found):
                found.append(_source(name, lines[name.split("/")[0]], clock()))
        deposits = [subject_of(name) for name in names if name.startswith("bybit/deposit/")]
        if deposits:
            rest = bybit_rest(keys["bybit"])
            stack.push_async_callback(rest.close)
            await rest.settle_clock(CLOCK_S)
            found.append(bybit.DepositSource(rest, deposits))
        yield found


def _line(source: str, key: Credential | None, host: str, patience: LinePatience | None) -> FactLine:
    if source == "alternative.me":
        return fear_greed.line(host, patience)
    if source == "bybit":
        return bybit.line(host, patience)
    made = metrics.line if source == "glassnode" else coins.line
    return made(_token(key, source), (key.at if key is not None else "") or host, patience)


def _token(key: Credential | None, source: str) -> Secret:
    assert key is not None, "require_asked has been called"
    require_key_of(key, source)
    return key.key


def _source(name: str, line: FactLine, now_ns: int) -> FactSource:
    what, of = name.split("/")[1], subject_of(name)
    if line.source == "alternative.me":
        return fear_greed.source(line)
    if line.source == "glassnode":
        return metrics.source(line, what, of, now_ns)
    if line.source == "lunarcrush":
        return coins.source(line, of)
    return bybit.predicted_source(line, of) if what == "predicted_funding" else bybit.yield_source(line, what, of)
