"""A run of several instruments, told one by one: what each brought, and what its fills were worth against its own mid.

The results sum to the run's net result to the quantum: every instrument settles in one asset, and what an instrument
has brought is its realised profit, what its position would bring at its last mid, less fees and funding.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from quintet.core.errors import ConfigError
from quintet.core.instrument import Instrument
from quintet.core.kernel import entry
from quintet.research.tick_marks import unrealised
from quintet.research.tick_quality import maker_figures


def settle_in_one_asset(instruments: Sequence[Instrument]) -> None:
    """Raise ConfigError where instruments settle in different assets: there would be no one equity."""
    first = instruments[0]
    for other in instruments[1:]:
        if other.settle_asset != first.settle_asset:
            raise ConfigError(
                f"{other.name} settles in {other.settle_asset}, expected {first.settle_asset} as {first.name} does: "
                "the result of a run is counted in one asset"
            )


def told_instruments(tape: Any, run: Any, instruments: Sequence[Instrument], windows: Any) -> list[dict[str, Any]]:
    """Every instrument as plain values, for `metrics.json` and the report."""
    view, mids = run.desk.shown, run.marks.mids
    gain = entry(unrealised, view.instruments[0], view.account[0], 0)
    found = []
    for n, instrument in enumerate(instruments):
        account = view.account[n]
        fills = run.fills[np.asarray(run.fills["instrument"]) == n]
        open_quanta = int(gain(view.instruments[n], account, int(mids[n])))
        if instrument.kind == "spot":
            open_quanta -= int(account.cost)
        net = int(account.realized) + open_quanta - int(account.fees) - int(account.funding)
        lots = int(account.maker_lots + account.taker_lots)
        found.append(
            {
                "name": instrument.name,
                "fills": len(fills),
                "maker_share_frac": int(account.maker_lots) / lots if lots else None,
                "position": float(instrument.quantity(int(account.lots))),
                "base_asset": instrument.base_asset,
                "turnover_quanta": int(account.turnover),
                "fees_quanta": int(account.fees),
                "funding_quanta": int(account.funding),
                "net_quanta": net,
                **maker_figures(tape, n, fills, windows[n]),
            }
        )
    return found
