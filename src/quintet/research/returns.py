"""An equity curve as returns of UTC days and months. These markets never close: a year has 365 days of them."""

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quintet.core.errors import InputError
from quintet.research.observations import Series, series

DAY_NS: Final = 86_400_000_000_000
DAYS_PER_YEAR: Final = 365
"""What daily figures are annualised with, never the 252 days of an exchange that sleeps."""


class Returns(NamedTuple):
    """Simple returns, plain fractions, oldest first; `start`: the UTC day or month of each, as datetime64."""

    start: NDArray[Any]
    frac: Series


def daily_returns(ts_ns: ArrayLike, equity: ArrayLike, start: float | None = None) -> Returns:
    """One return for every UTC day from the first mark to the last; a day without a mark returned nothing.

    `ts_ns`: ns UTC of each mark, rising; a mark at 00:00 closes the day before it. `start`: equity before the first
    mark, which then belongs to the first day; without it, the first mark is where everything begins. The first and
    the last day may be parts of one, so that the returns multiplied give the whole. An account that has nothing left
    lost everything on that day and has no returns after it. Raises InputError for marks that are no curve.
    """
    return _returns(ts_ns, equity, start, "D")


def monthly_returns(ts_ns: ArrayLike, equity: ArrayLike, start: float | None = None) -> Returns:
    """The same for UTC months."""
    return _returns(ts_ns, equity, start, "M")


def _returns(ts_ns: ArrayLike, equity: ArrayLike, start: float | None, unit: str) -> Returns:
    stamps, marks = _curve(ts_ns, equity)
    # The mark of a day's last bar stands at the first moment of the next day; what begins there belongs to the next.
    ends, known = stamps - 1, marks
    if start is None:
        ends[:1] += 1
    else:
        ends, known = np.concatenate((ends[:1], ends)), np.concatenate(([start], marks))
    if len(known) < 2:
        return Returns(np.empty(0, f"datetime64[{unit}]"), np.empty(0))
    if known[0] <= 0.0:
        raise InputError(f"equity: begins at {known[0]}, expected more than 0")
    numbers = ends.astype("datetime64[ns]").astype(f"datetime64[{unit}]").astype(np.int64)
    periods = np.arange(numbers[0], numbers[-1] + 1)
    last = np.searchsorted(numbers, periods, side="right") - 1
    closes = np.concatenate((known[:1], known[last]))
    ruin = np.flatnonzero(closes <= 0.0)
    if len(ruin):
        closes = np.append(closes[: ruin[0]], 0.0)
    return Returns(periods[: len(closes) - 1].astype(f"datetime64[{unit}]"), closes[1:] / closes[:-1] - 1.0)


def _curve(ts_ns: ArrayLike, equity: ArrayLike) -> tuple[NDArray[np.int64], Series]:
    """Marks and their times, checked: equally many, finite, in order."""
    stamps, marks = np.asarray(ts_ns, np.int64), series(equity, "equity")
    if stamps.shape != marks.shape:
        raise InputError(f"equity: {len(marks)} marks at {len(stamps)} times, expected equally many")
    back = np.flatnonzero(np.diff(stamps) < 0)
    if len(back):
        raise InputError(f"equity: mark {back[0] + 1} is earlier than the one before it, expected rising times")
    return stamps, marks
