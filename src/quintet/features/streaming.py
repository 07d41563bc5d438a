"""Features fed bar by bar from Python.

    rsi = stream_of("rsi", period=14)
    for close in closes:
        value = rsi.update(close)

The bits are those of `lines_of` and of a system's own updates. `rsi.states[0]` is what it remembers: copy its bytes to
keep it, write them back to go on.

Many features become one call by a kernel of one's own, which takes an array of one record and updates what it holds;
`streaming` binds that, at the price of a plain call and without looking at what it is given.
"""

from collections.abc import Callable
from functools import partial
from operator import index
from typing import Any, NamedTuple

import numpy as np

from quintet.core.errors import DataError, DefinitionError
from quintet.core.kernel import bind, entry
from quintet.features.catalogue import found, started


class Stream(NamedTuple):
    """One feature at work: what it remembers, and the call that takes a bar's values."""

    states: np.recarray[Any, Any]
    update: Callable[..., float]


def stream_of(name: str, /, **parameters: Any) -> Stream:
    """An indicator of the catalogue, nothing seen yet; `update` takes the values of its inputs as whole numbers.

    Raises ConfigError for a name or parameter that does not exist or is missing. `update` raises DataError for values
    that are not whole or not as many as the inputs. Further lines stand in `states[0]`.
    """
    indicator = found(name)
    states = started(name, parameters)
    form = _FORMS[len(indicator.inputs) - 1]
    of_first = bind(form, f"stream_{name}", update=indicator.update)
    call = streaming(of_first, states, *(0 for _ in indicator.inputs))
    return Stream(states, _of_whole_numbers(call, f"{name}: expected whole numbers ({', '.join(indicator.inputs)})"))


def _of_whole_numbers(call: Callable[..., float], expected: str) -> Callable[..., float]:
    def update(*bar: int) -> float:
        try:
            return call(*map(index, bar))
        except TypeError:
            raise DataError(f"{expected}, found {bar}") from None

    return update


def streaming(update: Callable[..., Any], states: np.recarray[Any, Any], *bar: Any) -> Callable[..., Any]:
    """A kernel `update(states, ...)` bound to its states; the values in `bar` show the types of the other arguments."""
    return partial(entry(update, states, *bar), states)


def update(state: Any, *values: int) -> float:
    """Stands for the update that a form is bound to."""
    raise DefinitionError("a form of a stream was called without being bound to an update")


# A call with a variable number of arguments would make a tuple of them for every bar.
def _one(states: Any, a: int) -> Any:
    return update(states[0], a)


def _two(states: Any, a: int, b: int) -> Any:
    return update(states[0], a, b)


def _three(states: Any, a: int, b: int, c: int) -> Any:
    return update(states[0], a, b, c)


def _four(states: Any, a: int, b: int, c: int, d: int) -> Any:
    return update(states[0], a, b, c, d)


def _five(states: Any, a: int, b: int, c: int, d: int, e: int) -> Any:
    return update(states[0], a, b, c, d, e)


_FORMS = (_one, _two, _three, _four, _five)
