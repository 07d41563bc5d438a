"""`quintet calibrate DESK`: latencies and a queue model fitted to a desk's own orders, as a configuration."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from quintet.app.messages import Complaint, progress, say, say_json

if TYPE_CHECKING:
    from quintet.app.desk_names import DeskPlace
    from quintet.research.calibration import Calibration, Fitted, Travel
    from quintet.sim.config import TickExecutionConfig

DeskName = Annotated[str, typer.Argument(metavar="DESK", help="A desk by its name, a run by its id, or a folder.")]
Out = Annotated[
    Path | None,
    typer.Option("--out", metavar="TOML", help="Where the configuration goes; calibrated.toml in the desk's folder."),
]
Draws = Annotated[int, typer.Option("--draws", min=100, max=100_000, help="How often the orders are drawn again.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Of what is drawn.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]


def calibrate(
    desk: DeskName, out: Out = None, draws: Draws = 1_000, seed: Seed = 20260101, as_json: AsJson = False
) -> None:
    """Fit the simulator to what a desk has seen: how long its orders travel, and how queues move before them.

    Each number has a band that holds 95 % of what comes out when the orders are drawn again. The result is a
    configuration: quintet backtest --config FILE runs with it.
    """
    from quintet.app.desk_names import find_desk
    from quintet.app.fill_table import assumed_exchange
    from quintet.research.calibration import calibrate as fit
    from quintet.research.calibration import fitted_execution
    from quintet.research.desk_replay import read_desk_run
    from quintet.storage.workspace import workspace

    place = find_desk(desk, workspace())
    run = read_desk_run(place.tape, str(place.path))
    if run.options.book is None:
        raise Complaint("a desk on candles", where=str(place.path), found="bars", expected="a tape of order books")
    execution, _ = assumed_exchange(place, run, None, ())
    simulated = place.world in ("paper", "backtest")
    with progress("fitting latencies and queues"):
        found = fit(
            place.tape.event_rows(), run.options.instruments, execution, is_simulated=simulated, draws=draws, seed=seed
        )
    fitted = fitted_execution(found, execution)
    path = out or place.folder / "calibrated.toml"
    path.write_text("\n".join(toml_lines(found, fitted, place)) + "\n", encoding="utf-8")
    if as_json:
        say_json(told(found, path))
        return
    for line in lines(found):
        say(line)
    say(f"written to {path}; quintet backtest --config {path} runs with it")


def lines(found: "Calibration") -> Iterator[str]:
    """What was found, as people read it."""
    yield f"{'':<24}{'fitted':>12}{'95 % band':>24}"
    for name, travel in (("to the venue", found.entry), ("back to us", found.response)):
        yield f"{name + ', median ms':<24}{travel.median.value:>12.3f}{_band(travel.median):>24}"
        yield f"{name + ', p99 ms':<24}{travel.p99.value:>12.3f}{_band(travel.p99):>24}"
    queue = found.queue
    if queue is None:
        yield "queue                   no order of this desk was filled where it rested: nothing is fitted"
        return
    yield f"{'queue model':<24}{queue.best.model:>12}{f'in {queue.wins:.0%} of the draws':>24}"
    if _has_exponent(queue.best.model):
        yield f"{'queue exponent':<24}{queue.best.exponent:>12}{_band(queue.exponent, 0):>24}"
    yield (
        f"of {queue.lots:,} lots in {queue.orders:,} orders that rested it fills {queue.missed_lots:,} otherwise "
        "than the venue did"
    )


def toml_lines(found: "Calibration", fitted: "TickExecutionConfig", place: "DeskPlace") -> Iterator[str]:
    """The configuration, each number with its band."""
    from quintet.app.config_text import toml_value

    yield f"# Fitted to the orders of {place.name} ({place.world}): {found.entry.times} ways to the venue,"
    yield f"# {found.response.times} back. A band holds 95 % of what comes out when the orders are drawn again."
    yield "[tick_execution]"
    bands = {"entry_ms": found.entry.median, "entry_p99_ms": found.entry.p99}
    bands |= {"response_ms": found.response.median, "response_p99_ms": found.response.p99}
    if found.queue is not None and _has_exponent(found.queue.best.model):
        bands["queue_exponent"] = found.queue.exponent
    names = ["latency_model", *list(bands)[:4], "least_ms", "queue_model", "queue_exponent"]
    for name in names:
        band = f"  # {_band(bands[name])}" if name in bands else ""
        yield f"{name} = {toml_value(getattr(fitted, name))}{band}"


def told(found: "Calibration", path: Path) -> dict[str, Any]:
    """The same as one object."""
    queue = found.queue
    return {
        "entry_ms": _travel(found.entry),
        "response_ms": _travel(found.response),
        "queue": None
        if queue is None
        else {
            "model": queue.best.model,
            "exponent": queue.exponent._asdict(),
            "wins": queue.wins,
            "orders": queue.orders,
            "lots": queue.lots,
            "missed_lots": queue.missed_lots,
            "candidates": [
                {"model": one.model, "exponent": one.exponent, "missed_lots": missed} for one, missed in queue.table
            ],
        },
        "config": str(path),
    }


def _travel(travel: "Travel") -> dict[str, Any]:
    return {
        "median": travel.median._asdict(),
        "p99": travel.p99._asdict(),
        "least": travel.least,
        "times": travel.times,
    }


def _has_exponent(model: str) -> bool:
    return model.startswith("power")


def _band(fitted: "Fitted", digits: int = 3) -> str:
    return f"{fitted.low:.{digits}f} to {fitted.high:.{digits}f}"
