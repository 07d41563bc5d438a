"""Scripts of a portfolio's days: a calm one, a bad quarter, and a year with everything that a year may bring."""

import asyncio
import itertools
import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from quintet.app import eternal_operator
from quintet.research.eternal_conductor import Action
from quintet.sandbox.commands import ChangeInstrument, Deleverage, SetEarn, SetInsurance, SetWithdrawals
from quintet.sandbox.happenings import Executed
from quintet.systems.eternal import EternalConfig
from quintet.systems.eternal.config import CORE, FUNDING, CoreConfig, FundingConfig, TacticalConfig, TrendConfig
from tools.storm.lines import STAKES
from tools.storm.time_lapse import DAY_MS, HOUR_MS, MOMENT_S, START_MS, Script, TimeLapse

QUICK: Final = EternalConfig(
    core=CoreConfig(tranches=3, tranche_days=2),
    trend_1=TrendConfig(fast_days=3, slow_days=6, adx_days=3, atr_days=3),
    trend_2=TrendConfig(fast_days=4, slow_days=8, adx_days=3, atr_days=3),
    funding=FundingConfig(assets=("BTC", "ETH")),
    tactical=TacticalConfig(history_days=10),
)
"""Short averages and a short memory, so that a quarter has trends, and a crash finds TACTICAL ready."""

CALM_E8, SQUEEZE_E8, PANIC_E8 = 20_000, 120_000, -150_000
"""Rates of eight hours: 0.02 %, 0.12 % (dear for longs), -0.15 %."""

OUTAGE_S: Final = 20.0
ACTS_S: Final = 4.0
WAVE_FRAC: Final = 0.015
Anchors = Sequence[tuple[int, float]]


def path(anchors: Anchors, period_days: float = 5.0) -> list[float]:
    """Prices day by day through some of them, in equal steps of per cent; a wave gives trends their pauses."""
    return [
        _between(anchors, day) * (1 + WAVE_FRAC * math.sin(2 * math.pi * day / period_days))
        for day in range(anchors[-1][0] + 1)
    ]


def _between(anchors: Anchors, day: int) -> float:
    n = min(bisect_right([at for at, _ in anchors], day), len(anchors) - 1)
    (from_day, low), (to_day, high) = anchors[n - 1], anchors[n]
    return float(low * (high / low) ** ((day - from_day) / (to_day - from_day)))


def _prices(btc: Anchors, eth: Anchors) -> dict[str, list[float]]:
    return {"BTC": path(btc), "ETH": path(eth, 7.0)}


def calm(days: int) -> Script:
    """Up and down, nothing else."""
    half = days // 2
    btc, eth = [(0, 50_000), (half, 62_000), (days, 52_000)], [(0, 3_000), (half, 3_600), (days, 2_900)]
    return Script(QUICK, _prices(btc, eth), rates_e8=lambda day: CALM_E8)


def earning() -> Script:
    """Calm enough for long enough that Ether is staked, until it pays too little; a death, and lost answers."""
    btc, eth = [(0, 50_000), (40, 52_000)], [(0, 3_000), (40, 3_100)]
    faults = (lost_stakes, yields(0, 3_000_000, 12), yields(35, 1_000_000, 12))
    return Script(QUICK, _prices(btc, eth), rates_e8=lambda day: CALM_E8, faults=faults)


def trouble() -> Script:
    """Four calm days at a venue in trouble: withdrawals of Bitcoin are closed for a day, the insurance fund halves."""
    faults = (insurance(0, "1000000"), withdrawals(1, "BTC", 24), insurance(2, "500000"))
    return replace(calm(4), faults=faults)


def month() -> Script:
    """A rise, a crash of more than a half in four days, a squeeze of funding either way; outages, and a death.

    January 2026, and the day on which its report is written.
    """
    btc = [(0, 50_000), (11, 64_000), (15, 27_000), (20, 30_000), (30, 42_000), (32, 43_000)]
    eth = [(0, 3_000), (11, 4_000), (15, 1_500), (20, 1_700), (30, 2_600), (32, 2_650)]
    faults = (cut_between_legs(0), dies_in_a_rebalance(11), out_of_reach(13))
    return Script(QUICK, _prices(btc, eth), _squeezed(18, 24, 27), _basis(18, 24), faults=faults)


def quarter() -> Script:
    """A rise, a crash of more than a half in five days, a squeeze of funding either way; outages and deaths."""
    btc = [(0, 50_000), (20, 70_000), (25, 30_000), (45, 33_000), (70, 60_000), (90, 55_000)]
    eth = [(0, 3_000), (20, 4_400), (25, 1_700), (45, 1_900), (70, 3_900), (90, 3_300)]
    faults = (cut_between_legs(30), dies_in_a_rebalance(21), dies_in_a_rebalance(60), out_of_reach(23))
    return Script(QUICK, _prices(btc, eth), _squeezed(50, 71, 76), _basis(50, 71), faults=faults)


def year() -> Script:
    """The same and more of it, over 365 days."""
    btc = [(0, 50_000), (60, 90_000), (68, 38_000), (140, 42_000), (220, 80_000), (280, 60_000), (300, 75_000),
           (365, 50_000)]  # fmt: skip
    eth = [(0, 3_000), (60, 5_500), (68, 2_000), (140, 2_300), (220, 5_000), (280, 3_500), (300, 4_600), (365, 2_700)]
    faults = (
        *map(cut_between_legs, (10, 90, 180, 300)), *map(dies_in_a_rebalance, (30, 61, 100, 200, 310)),
        *map(out_of_reach, (62, 64, 216, 281)),
    )  # fmt: skip
    return Script(QUICK, _prices(btc, eth), _squeezed(150, 215, 225), _basis(150, 215), faults=faults)


def _squeezed(from_day: int, turns: int, to_day: int) -> Callable[[int], int]:
    def rate_e8(day: int) -> int:
        if from_day <= day < turns:
            return SQUEEZE_E8
        return PANIC_E8 if turns <= day < to_day else CALM_E8

    return rate_e8


def _basis(from_day: int, to_day: int) -> Callable[[int], int]:
    return lambda day: 15 if from_day <= day < to_day else 5


# ---- faults ------------------------------------------------------------------------------------------------------


def cut_between_legs(from_day: int) -> Callable[[TimeLapse], None]:
    """The exchange is out of reach as soon as the first leg of a pair is filled."""

    def first_leg(lapse: TimeLapse, one: Executed) -> bool:
        execution = one.execution
        opens = execution.key.startswith("linear") and execution.sign < 0 and execution.kind == "Trade"
        return execution.uid == lapse.uids[FUNDING] and opens

    return _once(from_day, first_leg, lambda lapse: lapse.outage(OUTAGE_S))


def dies_in_a_rebalance(from_day: int) -> Callable[[TimeLapse], None]:
    """The process dies when the first order of a rebalance is filled, and the others are not."""
    return _once(from_day, lambda lapse, one: one.execution.uid == lapse.uids[CORE], lambda lapse: lapse.kill())


def yields(from_day: int, apr: int, redeem_hours: int) -> Callable[[TimeLapse], None]:
    """From this day on Ether earns so much a year, parts of 1e8, and is back so many hours after it was called."""

    def change(lapse: TimeLapse) -> None:
        lapse.service.do(SetEarn(coin="ETH", apr=apr, redeem_ms=redeem_hours * 3_600_000))

    return at(START_MS + from_day * DAY_MS + DAY_MS // 2, change)


def withdrawals(from_day: int, coin: str, hours: int) -> Callable[[TimeLapse], None]:
    """Withdrawals of a coin are closed from noon of this day on, for so many hours."""

    def says(is_open: bool) -> Callable[[TimeLapse], object]:
        return lambda lapse: lapse.service.do(SetWithdrawals(coin=coin, is_open=is_open))

    def prepare(lapse: TimeLapse) -> None:
        noon_ms = START_MS + from_day * DAY_MS + DAY_MS // 2
        at(noon_ms, says(False))(lapse)
        at(noon_ms + hours * HOUR_MS, says(True))(lapse)

    return prepare


def insurance(from_day: int, amount: str) -> Callable[[TimeLapse], None]:
    """From noon of this day on the insurance fund holds so much."""
    return _at_noon(from_day, SetInsurance(coin="USDT", amount=amount))


def deleveraged(day: int, symbol: str, quantity: str) -> Callable[[TimeLapse], None]:
    """At noon of a day the exchange closes so much of a contract at mark, the largest profit first."""
    return _at_noon(day, Deleverage(symbol=symbol, quantity=quantity))


def _at_noon(day: int, command: SetInsurance | Deleverage) -> Callable[[TimeLapse], None]:
    """A command of the operator; no clock leaps until everybody can have acted."""

    def strikes(lapse: TimeLapse) -> None:
        lapse.service.do(command)
        lapse.until_s = max(lapse.until_s, asyncio.get_running_loop().time() + ACTS_S)

    return at(START_MS + day * DAY_MS + DAY_MS // 2, strikes)


def other_tick(from_day: int, tick: str) -> Callable[[TimeLapse], None]:
    """From noon of this day on spot Bitcoin has another tick."""
    change = ChangeInstrument(category="spot", symbol="BTCUSDT", tick=tick)
    return at(START_MS + from_day * DAY_MS + DAY_MS // 2, lambda lapse: lapse.service.do(change))


def lost_stakes(lapse: TimeLapse) -> None:
    """The process dies as its first stake lands; after that every second answer to one, or to a redemption, is lost."""
    answers = itertools.count()

    def lost(path: str) -> bool:
        if path != STAKES:
            return False
        number = next(answers)
        if number == 0:
            lapse.struck += 1
            lapse.kill()
        return number % 2 == 0

    lapse.lines.fail_after = lost


def dies_between_cycles(day: int) -> Callable[[TimeLapse], None]:
    """The process dies at noon of a day, while nothing is under way."""

    def strikes(lapse: TimeLapse) -> None:
        lapse.struck += 1
        lapse.kill()

    return at(START_MS + day * DAY_MS + DAY_MS // 2, strikes)


def says(day: int, action: Action, account: str = "", dies: bool = False) -> Callable[[TimeLapse], None]:
    """A person says something at noon of a day; the process may die before it has heard it."""

    def speaks(lapse: TimeLapse) -> None:
        lapse.struck += 1
        eternal_operator.leave(lapse.folder, eternal_operator.Wish(f"{action} {account} {day}", action, account))
        if dies:
            lapse.kill()

    return at(START_MS + day * DAY_MS + DAY_MS // 2, speaks)


def at(when_ms: int, acts: Callable[[TimeLapse], object]) -> Callable[[TimeLapse], None]:
    """When the exchange's time has come to it."""

    def prepare(lapse: TimeLapse) -> None:
        def look() -> None:
            if lapse.now_ms >= when_ms:
                acts(lapse)
            else:
                asyncio.get_running_loop().call_later(MOMENT_S / 2, look)

        asyncio.get_running_loop().call_soon(look)

    return prepare


def dies_and_finds_nobody(from_day: int, seconds: float) -> Callable[[TimeLapse], None]:
    """The same, and for so long after it nobody reaches the exchange: whoever comes back has to wait."""

    def strikes(lapse: TimeLapse) -> None:
        lapse.kill()
        lapse.outage(seconds)

    return _once(from_day, lambda lapse, one: one.execution.uid == lapse.uids[CORE], strikes)


def out_of_reach(from_day: int) -> Callable[[TimeLapse], None]:
    """The exchange is out of reach as soon as anybody trades."""
    return _once(from_day, lambda lapse, one: one.execution.kind == "Trade", lambda lapse: lapse.outage(OUTAGE_S))


def _once(
    from_day: int, when: Callable[[TimeLapse, Executed], bool], strikes: Callable[[TimeLapse], None]
) -> Callable[[TimeLapse], None]:
    def prepare(lapse: TimeLapse) -> None:
        struck: list[int] = []

        def hear(one: Executed) -> None:
            if lapse.day >= from_day and not struck and when(lapse, one):
                struck.append(lapse.day)
                lapse.struck += 1
                asyncio.get_running_loop().call_soon(strikes, lapse)

        lapse.listeners.append(hear)

    return prepare
