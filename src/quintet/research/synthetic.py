"""A synthetic candle market: seeded, the same to the bit everywhere, and always labelled.

What it is: a price path in steps of five seconds with the traits that candles of large crypto markets share
(Cont, "Empirical properties of asset returns", Quantitative Finance 2001): no correlation of returns worth a fee,
volatility that clusters for days, tails far fatter than normal, jumps, busy and quiet hours, volume that swells with
movement, trends with pullbacks, ranges. Its size of movement was set beside recorded one-minute ETHUSDT candles.

What it is not: a market. Nobody trades in it, it does not react to orders, and no profit or loss on it says anything
about profit or loss anywhere else. Whatever persists in it persists because a regime in the table below says so. It is
there so that a fresh clone has something to run on, and tests have as much of it as they like.

How a minute is made. A Markov chain chooses the regime. Log-volatility is the sum of two autoregressions, one
forgetting in half an hour, one in a day. The minute's standard deviation is regime x hour of the day x exp(log-
volatility) x a Student-t scale. Twelve normal steps of five seconds follow, so that high and low are places the price
has been; jumps arrive as a Poisson process and leave excitement behind. Each step trades lots at its price, so
turnover is a true sum, and a price never changes without a trade. A bar opens at the previous bar's close, as Bybit's
candles do.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from quintet.core.errors import InputError
from quintet.core.events import MINUTE_NS, PRICE_MAX, TIMEFRAMES, timeframe_ns
from quintet.core.instrument import DEFAULT_SPOT, Instrument
from quintet.core.kernel import exp, kernel
from quintet.core.market.bars import Bars
from quintet.core.random import below, exponential, heavy_scale, normal, seeded, uniform
from quintet.core.records import record, table

SYNTHETIC_LABEL: Final = "synthetic market: generated from a seed, not recorded; profit on it means nothing"
"""What stands wherever such bars are shown; a tape made of them carries `synthetic = true` beside it."""

DEFAULT_SEED: Final = 20260101
DEFAULT_DAYS: Final = 120
DEFAULT_START_NS: Final = 1_767_225_600_000_000_000
"""2026-01-01 00:00 UTC."""
DEFAULT_START_PRICE: Final = Decimal(3000)

STEPS_PER_MINUTE: Final = 12
_MINUTES_PER_DAY = 1440
_BP = 1e-4
_LN_2 = 0.6931471805599453
_STREAM = "synthetic market 1"

# No step moves the price by more: a bound for the arithmetic, far beyond what the distributions reach.
_STEP_MAX = 0.25
# Quanta in one bar; safely below 2**62 with room for a float's rounding.
_TURNOVER_MAX = 4_000_000_000_000_000_000


@dataclass(frozen=True, slots=True)
class Regime:
    """A mood of the market; it lasts an exponential time and hands over to another by weight.

    `drift_bps` per minute, signed, is the push of an impulse; pullbacks in between go the other way.
    `pull_half_life_minutes` draws the price back to where the regime began; 0 = not at all.
    """

    name: str
    volatility: float
    mean_minutes: float
    followed_by: Mapping[str, float]
    drift_bps: float = 0.0
    pull_half_life_minutes: float = 0.0


REGIMES: Final[tuple[Regime, ...]] = (
    Regime("calm", 0.7, 480.0, {"trend up": 3.0, "trend down": 3.0, "range": 3.0, "turbulent": 1.0}),
    Regime("trend up", 1.0, 300.0, {"calm": 3.0, "range": 3.0, "trend down": 2.0, "turbulent": 1.0}, drift_bps=0.6),
    Regime("trend down", 1.0, 300.0, {"calm": 3.0, "range": 3.0, "trend up": 2.0, "turbulent": 1.0}, drift_bps=-0.6),
    Regime("turbulent", 2.0, 120.0, {"trend up": 2.0, "trend down": 2.0, "calm": 1.0, "range": 3.0}),
    Regime(
        "range",
        0.85,
        420.0,
        {"trend up": 3.0, "trend down": 3.0, "calm": 2.0, "turbulent": 1.0},
        pull_half_life_minutes=240.0,
    ),
)
"""Up and down mirror each other: the table favours no direction."""


@dataclass(frozen=True, slots=True)
class MarketModel:
    """The numbers behind a synthetic market. Volatilities are standard deviations; half-lives are in minutes."""

    regimes: tuple[Regime, ...] = field(default=REGIMES)
    volatility_bps: float = 7.0
    """Of one minute, when every factor is 1."""
    slow_log_volatility: float = 0.35
    slow_half_life: float = 1440.0
    fast_log_volatility: float = 0.30
    fast_half_life: float = 30.0
    half_degrees: int = 3
    """Half the degrees of freedom of the Student-t scale of a minute."""
    impulse_minutes: float = 50.0
    pullback_minutes: float = 25.0
    pullback_strength: float = 0.6
    """Push of a pullback as a share of the impulse's."""
    jumps_per_day: float = 2.0
    jump_bps: float = 30.0
    """A jump is half of this plus an exponential half, up or down."""
    jump_excitement: float = 0.7
    """Added to the fast log-volatility by a jump."""
    turnover_per_minute: Decimal = Decimal(400_000)
    """In quote units, when every factor is 1."""
    log_activity: float = 0.45
    activity_half_life: float = 10.0


DEFAULT_MODEL: Final = MarketModel()

SETTINGS = record(
    volatility="f8",
    slow_keep="f8",
    slow_shock="f8",
    fast_keep="f8",
    fast_shock="f8",
    half_degrees="i8",
    impulse_minutes="f8",
    pullback_minutes="f8",
    pullback_strength="f8",
    jump_minutes="f8",
    jump="f8",
    jump_excitement="f8",
    activity_keep="f8",
    activity_shock="f8",
    step_turnover="f8",
    minutes_per_bar="i8",
    tick="i8",
    quanta_per_tick_lot="i8",
)
"""The model in the kernel's units: fractions per minute, ticks, and lots times increments for turnover."""

REGIME_ROW = record(volatility="f8", minutes="f8", drift="f8", pull="f8")

MARKET = record(
    price="f8",
    home="f8",
    slow="f8",
    fast="f8",
    activity="f8",
    regime="i8",
    regime_left="f8",
    impulse="i8",
    phase_left="f8",
    jump_wait="f8",
    minute_of_day="i8",
    printed="i8",
)
"""What is remembered from minute to minute. Prices in increments (`printed`: the last trade's), times in minutes."""

BAR = record(open="i8", high="i8", low="i8", close="i8", volume="i8", turnover="i8")


def default_market() -> Bars:
    """The market of `make run`: 120 days of one-minute bars like ETHUSDT's, from 2026-01-01 at 3000.00."""
    return synthesize(DEFAULT_SEED, days=DEFAULT_DAYS)


def synthesize(
    seed: int,
    *,
    days: int | None = None,
    bars: int | None = None,
    timeframe: str = "1m",
    instrument: Instrument = DEFAULT_SPOT,
    start_ns: int = DEFAULT_START_NS,
    start_price: str | Decimal = DEFAULT_START_PRICE,
    model: MarketModel = DEFAULT_MODEL,
) -> Bars:
    """Closed bars of a synthetic market: prices on the instrument's ticks, volume in lots, turnover in quote quanta.

    Give `days` or `bars`. A longer market begins with the shorter one of the same seed, and coarser bars are the sums
    of finer ones. Raises InputError (or a kind of it) for a length, timeframe, start, price or model that cannot be.
    """
    _check_span(days, bars, timeframe, start_ns)
    minutes_per_bar = TIMEFRAMES[timeframe]
    count = bars if bars is not None else (days or 0) * _MINUTES_PER_DAY // minutes_per_bar
    start_ticks = instrument.ticks(start_price, "start price")
    random = seeded(seed, _STREAM)
    settings = _settings(model, instrument)
    settings.minutes_per_bar = minutes_per_bar
    regimes, handover = _regime_tables(model.regimes)
    market = _opening(settings, regimes, random, start_ticks)
    market.minute_of_day = start_ns // MINUTE_NS % _MINUTES_PER_DAY
    made = table(BAR, count)
    stopped_at = _make_bars(made, market, settings, regimes, handover, _season(), random)
    if stopped_at >= 0:
        raise InputError(
            f"synthetic bar {stopped_at}: the price left {instrument.tick_size} to {instrument.price(PRICE_MAX)}, or "
            f"the turnover {_TURNOVER_MAX} quanta of {instrument.quote_quantum}; expected numbers that stay inside, "
            f"found start price {start_price}, {count} bars, {model.turnover_per_minute} turnover per minute"
        )
    columns = {name: np.ascontiguousarray(made[name]) for name in BAR.names or ()}
    return Bars(timeframe=timeframe, ts_open=start_ns + np.arange(count) * timeframe_ns(timeframe), **columns)


def _check_span(days: int | None, bars: int | None, timeframe: str, start_ns: int) -> None:
    """Raise InputError unless exactly one length is given, all are known and the start is on the timeframe's grid."""
    if timeframe not in TIMEFRAMES:
        raise InputError(f"timeframe: expected one of {', '.join(TIMEFRAMES)}, found {timeframe!r}")
    if (days is None) == (bars is None):
        raise InputError(f"length: expected either days or bars, found days {days} and bars {bars}")
    if (days if days is not None else bars or 0) <= 0:
        raise InputError(f"length: expected at least 1, found days {days}, bars {bars}")
    if start_ns < 0 or start_ns % timeframe_ns(timeframe):
        raise InputError(f"start: expected a UTC boundary of {timeframe} since 1970 in ns, found {start_ns}")


def _keep(half_life_minutes: float) -> float:
    """The share that an autoregression keeps from one minute to the next."""
    return exp(-_LN_2 / half_life_minutes)


def _shock(deviation: float, keep: float) -> float:
    """The innovation that gives an autoregression the standard deviation `deviation` in the long run."""
    return deviation * math.sqrt(1.0 - keep * keep)


def _settings(model: MarketModel, instrument: Instrument) -> np.recarray[Any, Any]:
    """One SETTINGS record; raises InputError for a model or instrument the kernel cannot run on."""
    _check_model(model, instrument)
    settings = table(SETTINGS, 1)
    row = settings[0]
    row.volatility = model.volatility_bps * _BP
    row.slow_keep = _keep(model.slow_half_life)
    row.slow_shock = _shock(model.slow_log_volatility, row.slow_keep)
    row.fast_keep = _keep(model.fast_half_life)
    row.fast_shock = _shock(model.fast_log_volatility, row.fast_keep)
    row.half_degrees = model.half_degrees
    row.impulse_minutes = model.impulse_minutes
    row.pullback_minutes = model.pullback_minutes
    row.pullback_strength = model.pullback_strength
    row.jump_minutes = _MINUTES_PER_DAY / model.jumps_per_day
    row.jump = model.jump_bps * _BP
    row.jump_excitement = model.jump_excitement
    row.activity_keep = _keep(model.activity_half_life)
    row.activity_shock = _shock(model.log_activity, row.activity_keep)
    tick_lot_value = instrument.price_increment * instrument.lot_size * instrument.contract_value
    row.step_turnover = float(model.turnover_per_minute / STEPS_PER_MINUTE / tick_lot_value)
    row.tick = instrument.ticks_per_tick_size
    row.quanta_per_tick_lot = instrument.quanta_per_tick_lot
    return settings


def _check_model(model: MarketModel, instrument: Instrument) -> None:
    """Raise InputError naming the first number out of its bounds."""
    if instrument.kind == "inverse":
        raise InputError(f"instrument {instrument.symbol}: expected spot or linear, found inverse")
    bounds = {
        "volatility_bps": (0.01, 200.0),
        "slow_log_volatility": (0.0, 1.0),
        "fast_log_volatility": (0.0, 1.0),
        "log_activity": (0.0, 1.0),
        "slow_half_life": (1.0, 1e6),
        "fast_half_life": (1.0, 1e6),
        "activity_half_life": (1.0, 1e6),
        "half_degrees": (2, 50),
        "impulse_minutes": (1.0, 1e6),
        "pullback_minutes": (1.0, 1e6),
        "pullback_strength": (0.0, 10.0),
        "jumps_per_day": (0.001, 1440.0),
        "jump_bps": (0.0, 1000.0),
        "jump_excitement": (0.0, 2.0),
        "turnover_per_minute": (0, 10**12),
    }
    for name, (low, high) in bounds.items():
        found = getattr(model, name)
        if not low <= found <= high:
            raise InputError(f"market model: {name} is {found}, expected {low} to {high}")


def _regime_tables(regimes: tuple[Regime, ...]) -> tuple[np.recarray[Any, Any], NDArray[np.float64]]:
    """REGIME_ROW records, and handover[a, b]: the chance that regime a is followed by one numbered b or less."""
    names = [regime.name for regime in regimes]
    if not regimes or len(set(names)) != len(names):
        raise InputError(f"regimes: expected at least one, each name once, found {names}")
    rows = table(REGIME_ROW, len(regimes))
    handover = np.zeros((len(regimes), len(regimes)))
    for number, regime in enumerate(regimes):
        row = rows[number]
        row.volatility = regime.volatility
        row.minutes = regime.mean_minutes
        row.drift = regime.drift_bps * _BP
        half_life = regime.pull_half_life_minutes
        row.pull = 1.0 - _keep(half_life) if half_life > 0.0 else 0.0
        handover[number] = _cumulative(regime, names)
    return rows, handover


def _cumulative(regime: Regime, names: list[str]) -> list[float]:
    """Chances of the next regime, added up in the order of `names`; raises InputError for a row that cannot be."""
    weights = regime.followed_by
    known = set(weights) <= set(names) and all(weight >= 0.0 for weight in weights.values())
    if not (known and 0.0 < sum(weights.values()) < math.inf):
        raise InputError(
            f"regime {regime.name!r}: followed_by expects weights from 0, not all 0, for {names}, found {dict(weights)}"
        )
    shape = (regime.volatility, regime.mean_minutes, regime.drift_bps, regime.pull_half_life_minutes)
    if not (0.0 < shape[0] <= 10.0 and shape[1] >= 1.0 and abs(shape[2]) <= 100.0 and shape[3] >= 0.0):
        raise InputError(
            f"regime {regime.name!r}: expected volatility in (0, 10], mean_minutes from 1, drift_bps within 100, "
            f"pull_half_life_minutes from 0, found {', '.join(str(value) for value in shape)}"
        )
    total = 0.0
    sums = []
    for name in names:
        total += weights.get(name, 0.0)
        sums.append(total)
    return [value / total for value in sums]


# fmt: off
_HOURLY = (
    1.05, 0.95, 0.90, 0.85, 0.80, 0.78, 0.80, 0.88, 0.95, 0.95, 0.92, 0.90,  # night in Europe and America, then morning
    1.00, 1.25, 1.45, 1.40, 1.25, 1.15, 1.10, 1.05, 1.05, 1.00, 0.95, 1.00,  # New York opens at 13:30 or 14:30
)
# fmt: on
"""Volatility by hour of the day UTC, at the full hour; straight lines in between."""


def _season() -> NDArray[np.float64]:
    """The factor on volatility for each minute of a UTC day."""
    factors = np.empty(_MINUTES_PER_DAY)
    for minute in range(_MINUTES_PER_DAY):
        hour, past = minute // 60, minute % 60
        here, there = _HOURLY[hour], _HOURLY[(hour + 1) % 24]
        factors[minute] = here + (there - here) * past / 60.0
    return factors


def _opening(
    settings: np.recarray[Any, Any], regimes: np.recarray[Any, Any], random: np.recarray[Any, Any], start_ticks: int
) -> np.recarray[Any, Any]:
    """One MARKET record at its first minute: the last trade was at the tick at or above `start_ticks`."""
    tick = int(settings[0].tick)
    market = table(MARKET, 1)
    market.printed = -(-start_ticks // tick) * tick
    market.price = market.printed
    _open_market(market[0], settings[0], regimes, random[0])
    return market


@kernel
def _open_market(market: Any, settings: Any, regimes: Any, random: Any) -> None:
    """Draw the market's first regime, waits and volatilities."""
    # A regime's weight at the start is its share of regimes, not of time: the first one is soon forgotten.
    _enter_regime(market, settings, regimes, random, below(random, len(regimes)))
    market.jump_wait = exponential(random) * settings.jump_minutes


@kernel
def _make_bars(bars: Any, market: Any, settings: Any, regimes: Any, handover: Any, season: Any, random: Any) -> int:
    """Fill every BAR record, minute by minute; -1, or the number of the bar in which the market left its range."""
    for number in range(len(bars)):
        bar = bars[number]
        bar.open = market[0].printed
        bar.high = bar.open
        bar.low = bar.open
        for _ in range(settings[0].minutes_per_bar):
            _pass_minute(market[0], settings[0], regimes, handover, random[0])
            if not _trade_minute(bar, market[0], settings[0], regimes, random[0], season[market[0].minute_of_day]):
                return number
            market[0].minute_of_day = (market[0].minute_of_day + 1) % _MINUTES_PER_DAY
        bar.close = market[0].printed
    return -1


@kernel
def _pass_minute(market: Any, settings: Any, regimes: Any, handover: Any, random: Any) -> None:
    """Regime, impulse or pullback, volatilities and activity move on by one minute."""
    market.slow = market.slow * settings.slow_keep + settings.slow_shock * normal(random)
    market.fast = market.fast * settings.fast_keep + settings.fast_shock * normal(random)
    market.activity = market.activity * settings.activity_keep + settings.activity_shock * normal(random)
    market.regime_left = market.regime_left - 1.0
    if market.regime_left <= 0.0:
        chance = uniform(random)
        chosen = 0
        while chance > handover[market.regime, chosen]:
            chosen = chosen + 1
        _enter_regime(market, settings, regimes, random, chosen)
    market.phase_left = market.phase_left - 1.0
    if market.phase_left <= 0.0:
        market.impulse = 1 - market.impulse
        length = settings.impulse_minutes if market.impulse == 1 else settings.pullback_minutes
        market.phase_left = exponential(random) * length


@kernel
def _enter_regime(market: Any, settings: Any, regimes: Any, random: Any, chosen: int) -> None:
    """Begin regime number `chosen`, with an impulse; its home is the present price."""
    market.regime = chosen
    market.regime_left = exponential(random) * regimes[chosen].minutes
    market.home = market.price
    market.impulse = 1
    market.phase_left = exponential(random) * settings.impulse_minutes


@kernel
def _trade_minute(bar: Any, market: Any, settings: Any, regimes: Any, random: Any, season: float) -> bool:
    """Twelve steps of five seconds into `bar`; False when the price left the range a row can hold."""
    regime = regimes[market.regime]
    mood = regime.volatility * season * exp(market.slow + market.fast) * heavy_scale(random, settings.half_degrees)
    deviation = settings.volatility * mood / math.sqrt(float(STEPS_PER_MINUTE))
    push = regime.drift if market.impulse == 1 else -regime.drift * settings.pullback_strength
    pull = regime.pull * (market.home / market.price - 1.0)
    drift = (push + pull) / STEPS_PER_MINUTE
    crowd = settings.step_turnover * mood * season * exp(market.activity)
    market.jump_wait = market.jump_wait - 1.0
    jump_step = below(random, STEPS_PER_MINUTE) if market.jump_wait <= 0.0 else -1
    for step in range(STEPS_PER_MINUTE):
        shock = normal(random)
        move = drift + deviation * shock
        haste = 0.4 + 0.75 * abs(shock)
        if step == jump_step:
            move = move + _jump(market, settings, random)
            haste = haste + 20.0
        move = min(max(move, -_STEP_MAX), _STEP_MAX)
        market.price = market.price * (1.0 + move)
        if not _print(bar, market, settings, crowd * haste * exponential(random) / market.price):
            return False
    return True


@kernel
def _jump(market: Any, settings: Any, random: Any) -> float:
    """The size of a jump as a fraction, signed; sets the next one's time and leaves excitement behind."""
    market.jump_wait = exponential(random) * settings.jump_minutes
    market.fast = market.fast + settings.jump_excitement
    size: float = settings.jump * (0.5 + 0.5 * exponential(random))
    return size if below(random, 2) == 1 else -size


@kernel
def _print(bar: Any, market: Any, settings: Any, quantity: float) -> bool:
    """Trade the whole lots of `quantity` at the nearest tick, into `bar`; False when no bar can hold it."""
    ticks = int(market.price / settings.tick + 0.5) * settings.tick
    if ticks < settings.tick or ticks > PRICE_MAX:
        return False
    if bar.turnover + (quantity + 1.0) * ticks * settings.quanta_per_tick_lot > _TURNOVER_MAX:
        return False
    lots = int(quantity)
    if ticks != market.printed and lots == 0:
        lots = 1
    market.printed = ticks
    bar.high = max(bar.high, ticks)
    bar.low = min(bar.low, ticks)
    bar.volume = bar.volume + lots
    bar.turnover = bar.turnover + lots * ticks * settings.quanta_per_tick_lot
    return True
