"""Figures read off an equity curve. The full set of statistics is the research bench's; these are a run's own."""

import math
from typing import Any

import numpy as np

from quintet.core.instrument import Instrument

DAY_NS = 86_400_000_000_000
DAYS_PER_YEAR = 365


def equity_measures(samples: Any, equity: Any, instrument: Instrument) -> dict[str, Any]:
    """Net result, drawdown, exposure, daily Sharpe, and what buying and holding would have given.

    `samples`: SAMPLE rows at closed structure bars; `equity`: the desk's EQUITY record. Fractions are plain, a day is a
    UTC day, and the Sharpe ratio is of daily returns times sqrt(365), as these markets never close.
    """
    start, last = int(equity.start), int(equity.quanta)
    measures: dict[str, Any] = {
        "start_quote": float(start * instrument.quote_quantum),
        "end_quote": float(last * instrument.quote_quantum),
        "net_quote": float((last - start) * instrument.quote_quantum),
        "net_return_frac": (last - start) / start if start else 0.0,
        "max_drawdown_frac": float(equity.max_drawdown),
    }
    if len(samples) < 2:
        return measures
    values = np.asarray(samples["equity"], np.float64)
    held = np.asarray(samples["held"], np.float64)
    prices = np.asarray(samples["price"], np.float64)
    unit = instrument.base_quantum if instrument.kind == "spot" else instrument.lot_size
    base_value = held * float(unit) * prices * float(instrument.price_increment) / float(instrument.quote_quantum)
    share = base_value / values
    days = (int(samples["ts"][-1]) - int(samples["ts"][0])) / DAY_NS
    return measures | {
        "days": days,
        "quote_share_mean_frac": float(1.0 - share.mean()),
        "base_share_mean_frac": float(share.mean()),
        "base_share_max_frac": float(share.max()),
        "exposure_frac": float((np.asarray(samples["lots"]) != 0).mean()),
        "buy_and_hold_return_frac": float(prices[-1] / prices[0] - 1.0),
        "sharpe_daily_annualised": daily_sharpe(np.asarray(samples["ts"]), values),
    }


def daily_sharpe(ts: Any, values: Any) -> float:
    """Mean over standard deviation of UTC-day returns, times sqrt(365); 0 without two days or any variation."""
    day = ts // DAY_NS
    last_of_day = np.flatnonzero(np.diff(day, append=day[-1] + 1))
    closes = values[last_of_day]
    if len(closes) < 3:
        return 0.0
    returns = closes[1:] / closes[:-1] - 1.0
    deviation = float(returns.std(ddof=1))
    return float(returns.mean()) / deviation * math.sqrt(DAYS_PER_YEAR) if deviation > 0 else 0.0
