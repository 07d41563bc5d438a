"""The figures of one run: of its equity marks, its fills, and what merely holding would have given."""

from typing import Any

import numpy as np

from quintet.core.engine.world import asset_numbers
from quintet.core.instrument import Instrument
from quintet.research.metrics import curve_figures, daily_figures, trade_figures
from quintet.research.returns import DAY_NS, daily_returns
from quintet.research.round_trips import round_trips


def equity_measures(samples: Any, equity: Any, instrument: Instrument, *others: Instrument) -> dict[str, Any]:
    """Net result, exposure, the figures of `metrics.curve_figures`, and what buying and holding would have given.

    `samples`: SAMPLE rows at closed structure bars; `equity`: the desk's EQUITY record. Fractions are plain. Samples
    hold the first instrument, so with `others` nothing is said of what was held.
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
    measures |= curve_figures(samples["ts"], values, float(start), measures["max_drawdown_frac"])
    measures["days"] = (int(samples["ts"][-1]) - int(samples["ts"][0])) / DAY_NS
    return measures if others else measures | held_measures(samples, values, instrument)


def held_measures(samples: Any, values: Any, instrument: Instrument) -> dict[str, float]:
    """How much of equity was held in base, how much of the time, and what holding would have given."""
    held = np.asarray(samples["held"], np.float64)
    prices = np.asarray(samples["price"], np.float64)
    unit = instrument.base_quantum if instrument.kind == "spot" else instrument.lot_size
    base_value = held * float(unit) * prices * float(instrument.price_increment) / float(instrument.quote_quantum)
    share = base_value / values
    return {
        "quote_share_mean_frac": float(1.0 - share.mean()),
        "base_share_mean_frac": float(share.mean()),
        "base_share_max_frac": float(share.max()),
        "exposure_frac": float((np.asarray(samples["lots"]) != 0).mean()),
        "buy_and_hold_return_frac": float(prices[-1] / prices[0] - 1.0),
    }


def fill_measures(fills: Any, turnover_quanta: int, equity: Any, *instruments: Instrument) -> dict[str, Any]:
    """The figures of `metrics.trade_figures`, and turnover in capitals; of inverse contracts turnover alone."""
    start = int(equity.start)
    turned = {"turnover_capitals": turnover_quanta / start} if start > 0 else {}
    if any(instrument.kind == "inverse" for instrument in instruments):
        return dict(turned)
    trades = []
    assets = asset_numbers(instruments)
    for n, instrument in enumerate(instruments):
        own = fills[np.asarray(fills["instrument"]) == n]
        own["fee_asset"] = own["fee_asset"] != assets[instrument.quote_asset]
        trades += round_trips(own, instrument)
    return turned | trade_figures(trades, float(instruments[0].quote_quantum))


def daily_sharpe(ts: Any, values: Any) -> float | None:
    """Mean over deviation of UTC-day returns, times sqrt(365), from the first mark on; None where nothing varies."""
    return daily_figures(daily_returns(ts, values).frac).get("sharpe_daily_annualised")
