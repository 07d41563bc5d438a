"""The page of the indicators, read from their catalogue."""

import inspect
from typing import Any

from quintet.features.catalogue import INDICATORS, Indicator

INTRODUCTION = """# Indicators

Numbers with a memory, computed from closed bars. There is one code for each: a column, a stream and a trading system
run the same compiled update, so their values are equal to the last bit, also after a restart from a copy of the
memory's bytes. Prices are whole ticks, volumes whole lots, times nanoseconds at the *end* of a bar; lines are floats. A
value that does not exist yet is NaN.

## Three ways to use one

Whole columns (NumPy arrays, lists, Polars series):

```python
from quintet.features.catalogue import lines_of

closes = [100, 102, 101, 105, 107, 104, 108]
lines_of("rsi", close=closes, period=3)["rsi"]
lines_of("bollinger", close=closes, period=5, multiple=2.0)["upper"]
```

Bar by bar from Python. `update` takes the values of *fed with* in their order and returns the first line; the others
stand in `states[0]` under their names:

```python
from quintet.features.streaming import stream_of

rsi = stream_of("rsi", period=3)
for close in closes:
    value = rsi.update(close)
```

Inside a system, whose state holds the record of the indicator and whose kernel calls the update:

```python
from quintet.core.kernel import kernel
from quintet.core.records import record, table
from quintet.features.momentum import RSI, rsi_update, start_rsi

STATE = record(bars="i8", rsi=RSI)


@kernel
def observe(state, close):
    state.bars += 1
    return rsi_update(state.rsi, close)


states = table(STATE, 1)
start_rsi(states[0].rsi, 14)
observe(states[0], 300_000)
```

## All of them

*First bar* is the first one with a value, counted from 0 (of bars that begin with a session). Parameters without a
default have to be given."""

AFTERWORD = """## What the numbers can be trusted with

- **Sums of whole numbers are integers**: exact, however long the stream. Bollinger's squares are kept in two words of
  64 bits and cancel there, so bands are right to the last bits for every price below 2^31 ticks, and a flat window has
  the width 0.
- **Price times volume** does not fit an integer and is summed in floats, in windows that never subtract: nothing that
  has left a window leaves a trace. So are deviations of returns.
- **Highest and lowest** take a constant number of steps a bar on average, whatever the period.
- **A session of which the beginning was not seen says nothing**: VWAP waits for the next, pivot points for a whole one.
- Where nothing moves the answer is the middle of the scale (RSI and MFI 50, %R -50), not an end of it. TA-Lib answers 0
  there; it is the one place where the two differ on purpose.
- Where TA-Lib has the indicator, tests hold every line to it within 1e-9, on generated bars and on ten months of
  recorded ones: from the first bar on, or once a different seed is forgotten. Elsewhere they are held to slow
  definitions in exact fractions.
- `python -m benchmarks --only w3` compares lines and speed with TA-Lib, talipp and NautilusTrader."""


def page() -> str:
    """The whole page: how to use one, the table, what the numbers can be trusted with."""
    lines = [
        INTRODUCTION,
        "",
        "| indicator | name | parameters | fed with | lines | unit | first bar | convention | update |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [row(name, indicator) for name, indicator in INDICATORS.items()]
    return "\n".join([*lines, "", AFTERWORD, ""])


def row(name: str, indicator: Indicator) -> str:
    """One indicator as a row of the table."""
    parameters = ", ".join(parameter(key, default) for key, default in indicator.parameters.items())
    module = indicator.update.__module__.rpartition(".")[2]
    cells = (
        indicator.name,
        f"`{name}`",
        parameters,
        ", ".join(f"`{what}`" for what in indicator.inputs),
        ", ".join(f"`{line}`" for line in indicator.lines),
        indicator.unit,
        f"`{indicator.first_bar}`",
        indicator.convention,
        f"`{module}.{indicator.update.__name__}`",
    )
    return f"| {' | '.join(cells)} |"


def parameter(name: str, default: Any) -> str:
    """A parameter as a reader would type it; without a default only its name."""
    if default is inspect.Parameter.empty:
        return f"`{name}`"
    return f"`{name}={default:_}`" if isinstance(default, int) else f"`{name}={default}`"
