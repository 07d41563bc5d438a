"""The axes of pictures: round moments below, round values beside."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from quintet.core.instrument import Instrument
from quintet.research.charts import Axis, Plot, ticks
from quintet.research.report_parts.dates import day, day_and_hour, month
from quintet.research.report_parts.languages import Both
from quintet.research.report_parts.wording import DAY_NS, decimals_of, percent, plain, signed_percent

_SECOND_NS: Final = 1_000_000_000

MINUTE_NS: Final = 60_000_000_000
_STEPS_MIN: Final = (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1_440, 2_880, 5_760, 10_080)
_STEPS_MONTHS: Final = (1, 2, 3, 4, 6, 12, 24, 60, 120, 1_200)
_MARKS_MAX: Final = 12
_LONG: Final = 8
"""Words of more letters are long: a day with its hour, not a day or an hour."""

_EDGE: Final = 0.03
"""Words nearer to an edge than this share of the width are left out: they would be cut."""


def time_marks(x: Axis) -> list[tuple[int, Both]]:
    """Round moments in ns UTC with their words: months, days or hours, about a dozen at most."""
    first_ns, last_ns = int(x.low), int(x.high)
    days = (last_ns - first_ns) / DAY_NS
    if days > 75:
        return _months(first_ns, last_ns, next(each for each in _STEPS_MONTHS if each >= days / 370))
    minutes = next((each for each in _STEPS_MIN if days * 1_440 / each <= _MARKS_MAX), _STEPS_MIN[-1])
    step = minutes * MINUTE_NS
    moments = range(-(-first_ns // step) * step, last_ns + 1, step)
    return [(ts, day(ts) if minutes >= 1_440 else day_and_hour(ts)) for ts in moments]


def _months(first_ns: int, last_ns: int, every: int) -> list[tuple[int, Both]]:
    """First moments of every so many months, a January with its year."""
    first, last = (datetime.fromtimestamp(ts // _SECOND_NS, UTC) for ts in (first_ns, last_ns))
    numbers = range(first.year * 12 + first.month, last.year * 12 + last.month)
    starts = [datetime(n // 12, n % 12 + 1, 1, tzinfo=UTC) for n in numbers if n % every == 0]
    moments = [int(each.timestamp()) * _SECOND_NS for each in starts]
    return [(ts, month(ts, with_year=each.month == 1)) for ts, each in zip(moments, starts, strict=True)]


def time_axis(x: Axis) -> str:
    """The words below a plot, every second of them left out on a narrow page, of long ones three of four on a phone."""
    shown = [(float(x.at(ts)), text) for ts, text in time_marks(x)]
    words = [
        f'<span{_left_out(n, text)} style="left:{place * 100:.2f}%">{text.__html__()}</span>'
        for n, (place, text) in enumerate(shown)
        if _EDGE < place < 1 - _EDGE
    ]
    return f'<div class="xaxis" aria-hidden="true">{"".join(words)}</div>'


def _left_out(n: int, text: Both) -> str:
    """The class of word `n` that says on which pages it is not shown."""
    if n % 2:
        return " class=thin"
    return " class=thinner" if n % 4 and len(text.en) > _LONG else ""


def time_grid(plot: Plot) -> None:
    """Hairlines at the moments named below."""
    for ts, _ in time_marks(plot.x):
        plot.upright(ts, "grid")


def percent_grid(plot: Plot, count: int = 4, *, with_sign: bool = True) -> None:
    """Hairlines at round fractions, in percent."""
    values = ticks(plot.y.low, plot.y.high, count)
    decimals = decimals_between(values, 100.0)
    plot.grid(values, [percent_word(value, decimals, with_sign=with_sign) for value in values])


def percent_word(value: float, decimals: int, *, with_sign: bool = True) -> str:
    """A fraction beside an axis; zero is just that."""
    if value == 0:
        return percent(0, 0)
    return signed_percent(value, decimals) if with_sign else percent(value, decimals)


def price_grid(plot: Plot, instrument: Instrument) -> None:
    """Hairlines at round prices, with no more decimals than the instrument has."""
    values = ticks(plot.y.low, plot.y.high)
    decimals = min(decimals_of(instrument.price_increment), decimals_between(values, 1.0))
    plot.grid(values, [plain(value, decimals) for value in values])


def decimals_between(values: Sequence[float], scale: float) -> int:
    """As many decimals as show each of evenly spaced values exactly, at most 4."""
    if len(values) < 2:
        return 2
    step = abs(values[1] - values[0]) * scale
    return next((n for n in range(4) if abs(step * 10.0**n - round(step * 10.0**n)) < 1e-6), 4)
