"""A search that chooses where to look next, through Optuna: what it tries counts like everything that is tried.

The same seed asks for the same sets, as long as as many are asked for at a time (and Optuna and NumPy are the same
versions). Nothing of the search itself is stored: it is asked again from its first set, and what the journal knows is
answered from there. So a search that was stopped goes on exactly as if it had not been.
"""

import importlib
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from quintet.core.errors import ConfigError
from quintet.research.sweep import Finished
from quintet.research.walk_forward import ParameterSet

WHOLE, LOGARITHMIC = "int", "log"

Evaluate = Callable[[Sequence[ParameterSet]], Sequence[Finished | None]]


class SearchAxis(NamedTuple):
    """One parameter: its lowest and highest value, and how what lies between is looked at."""

    name: str
    low: float
    high: float
    is_whole: bool = False
    is_logarithmic: bool = False

    def __str__(self) -> str:
        marks = (":int" if self.is_whole else "") + (":log" if self.is_logarithmic else "")
        return f"{self.name}={self.low:g}:{self.high:g}{marks}"


class Search(NamedTuple):
    """What a search found, in the order in which it asked. `refused`: sets that the system does not accept.

    `is_complete`: False when it was stopped.
    """

    found: tuple[Finished, ...]
    refused: int
    is_complete: bool


def search_axis(params: Any, name: str, written: str) -> SearchAxis:
    """`lo:hi` with `:log` or `:int` behind it as an axis; a whole number stays whole. Raises ConfigError."""
    known = params.__struct_fields__ if isinstance(params, msgspec.Struct) else ()
    if name not in known:
        raise ConfigError(f"space: found {name!r}, expected one of {', '.join(known) or 'none'}")
    value = getattr(params, name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ConfigError(f"space: {name} is {value!r}, expected a parameter that is a number")
    ends, marks = _ends(written), written.split(":")[2:]
    if ends is None:
        raise ConfigError(f"space: found {name}={written}, expected LO:HI, LO:HI:log or LO:HI:int")
    is_whole, is_logarithmic = WHOLE in marks or isinstance(value, int), LOGARITHMIC in marks
    if set(marks) - {WHOLE, LOGARITHMIC} or not ends[0] < ends[1] < float("inf"):
        raise ConfigError(f"space: found {name}={written}, expected LO:HI with LO below HI, and log or int behind it")
    if is_logarithmic and ends[0] <= 0.0:
        raise ConfigError(f"space: found {name}={written}, expected LO above 0 for a logarithmic axis")
    if is_whole and not all(end.is_integer() for end in ends):
        raise ConfigError(f"space: found {name}={written}, expected whole numbers")
    return SearchAxis(name, *ends, is_whole=is_whole, is_logarithmic=is_logarithmic)


def _ends(written: str) -> tuple[float, float] | None:
    try:
        low, high = map(float, written.split(":")[:2])
    except ValueError:
        return None
    return low, high


def search(
    params: Any,
    axes: Sequence[SearchAxis],
    evaluate: Evaluate,
    *,
    trials: int,
    seed: int = 0,
    at_a_time: int = 1,
) -> Search:
    """Ask Optuna for `trials` sets over `params` and evaluate them, `at_a_time` together; the lower end is to be large.

    Raises ConfigError when Optuna is not installed.
    """
    optuna = _import_optuna()
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))
    space = {axis.name: _distribution(optuna, axis) for axis in axes}
    found: list[Finished] = []
    refused = 0
    for first in range(0, trials, at_a_time):
        asked = [study.ask(space) for _ in range(min(at_a_time, trials - first))]
        sets = [_accepted(params, each.params) for each in asked]
        results = iter(evaluate([each for each in sets if each is not None]))
        for each, accepted in zip(asked, sets, strict=True):
            if accepted is None:
                # Pruned, not failed: where the system refuses, the search shall learn not to look.
                study.tell(each, state=optuna.trial.TrialState.PRUNED)
                refused += 1
                continue
            result = next(results)
            if result is None:
                return Search(tuple(found), refused, is_complete=False)
            study.tell(each, result.result.low_frac)
            found.append(result)
    return Search(tuple(found), refused, is_complete=True)


def _distribution(optuna: Any, axis: SearchAxis) -> Any:
    kinds: Final = optuna.distributions
    if axis.is_whole:
        return kinds.IntDistribution(int(axis.low), int(axis.high), log=axis.is_logarithmic)
    return kinds.FloatDistribution(axis.low, axis.high, log=axis.is_logarithmic)


def _accepted(params: Any, values: dict[str, Any]) -> ParameterSet | None:
    """The parameters with some replaced, None where the system refuses them."""
    try:
        changed = msgspec.convert(msgspec.structs.asdict(params) | values, type(params))
    except (msgspec.ValidationError, ConfigError):
        return None
    return ParameterSet(dict(values), changed)


def _import_optuna() -> Any:
    """Optuna, imported when it is needed and told to be quiet; raises ConfigError with what to install."""
    try:
        optuna = importlib.import_module("optuna")
    except ImportError:
        raise ConfigError(
            "optuna: found no such package, expected it for a search: install quintet[optimize]"
        ) from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna
