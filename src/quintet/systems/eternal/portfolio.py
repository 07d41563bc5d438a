"""What the whole remembers from one cycle to the next, and what a day shows it."""

from collections.abc import Mapping

import msgspec

from quintet.systems.eternal.core_hodl import CoreState
from quintet.systems.eternal.funding import FundingState
from quintet.systems.eternal.regimes import RegimeState
from quintet.systems.eternal.risk import Account, RiskState
from quintet.systems.eternal.seen import Picture
from quintet.systems.eternal.tactical import TacticalState
from quintet.systems.eternal.trend import TrendState


class Portfolio(msgspec.Struct, frozen=True, kw_only=True):
    """Engines, orchestrator and risk manager, as values. Its size does not grow with time.

    `failed`: sub-account to the error of an engine that is contained until a person restarts it; its state is the last
    good one. `inflow`: money that came in since the cycle before, `flows` coins included, by sub-account.
    """

    core: CoreState = CoreState()
    trend_1: TrendState = TrendState()
    trend_2: TrendState = TrendState()
    funding: FundingState = FundingState()
    tactical: TacticalState = TacticalState()
    regime: RegimeState = RegimeState()
    risk: RiskState = RiskState()
    failed: Mapping[str, str] = {}
    inflow: Mapping[str, int] = {}
    flows: Mapping[str, int] = {}
    release: Mapping[str, int] = {}
    cycles: int = 0
    transfers: int = 0
    deposited: int = 0


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """The facts of one daily cycle, at 00:05 UTC, on the close of the day before: `day` is that day's number.

    `pictures`: of spot by asset; `trend_pictures`: of perpetuals by sub-account, as each has its own averages. Rates
    are settled ones since the cycle before, oldest first, 1e-9 of eight hours. None, or a key that is not there: no
    data.
    """

    day: int
    now_ns: int
    accounts: Mapping[str, Account]
    pictures: Mapping[str, Picture] = {}
    trend_pictures: Mapping[str, Mapping[str, Picture]] = {}
    btc_high: int = 0
    correlation: float | None = None
    rates: Mapping[str, tuple[int, ...]] = {}
    settled: Mapping[str, int] = {}
    predicted: Mapping[str, int] = {}
    """Of perpetuals: the rate settled since the wake before, and the next one as far as it is known."""
    funding_received: Mapping[str, int] = {}
    fear_greed: int | None = None
    volatility_index: float | None = None
    eth_yield_frac: float | None = None
    earn_lots: int = 0
    withdrawals_open: bool = True
    insurance_alarm: bool = False
    volumes: Mapping[str, int] = {}
    """Lots that were traded in the last day that is over, by instrument."""
    deposit: int = 0
    refused: Mapping[str, bool] = {}
    operator: tuple[tuple[str, str], ...] = ()
    """What a person has ordered: (halt, ""), (resume, ""), (resume, account), (restart, account)."""
    problems: tuple[str, ...] = ()
    """Bars and facts that were refused before they could reach an engine."""
