"""`quintet stress SYSTEM`: the same backtest with one thing made worse at a time, and its days drawn anew."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from quintet.app import backtest_command as flags
from quintet.app.messages import progress, say, say_json

if TYPE_CHECKING:
    from quintet.research.backtest import BacktestResult
    from quintet.research.monte_carlo import Simulation
    from quintet.research.robustness import Outcome

DOOR: Final = "stress"
"""How the ledger of trials names the backtest that is put under load here."""


def stress(
    system: flags.SystemName,
    more: flags.MoreFiles = None,
    data: flags.DataFiles = None,
    tape: flags.TapeFile = None,
    symbol: flags.Symbol = None,
    interval: flags.Interval = None,
    htf_interval: flags.HtfInterval = None,
    ltf_interval: flags.LtfInterval = None,
    start: flags.Start = None,
    end: flags.End = None,
    cache: flags.Cache = None,
    bars: flags.Bars = None,
    config: flags.ConfigFile = None,
    sets: flags.Sets = None,
    fill_policy: flags.Policies = None,
    parameters: Annotated[
        bool,
        typer.Option(
            "--parameters", help="Also each parameter alone, a tenth lower and higher.", rich_help_panel=flags.RUN
        ),
    ] = False,
    as_json: flags.AsJson = False,
) -> None:
    """Run a backtest again with costs doubled, orders late, through crashes and gaps, and draw its days anew.

    The backtest counts as a trial; its variants choose nothing and do not.
    """
    values = {"tape": tape, "symbol": symbol, "interval": interval, "htf_interval": htf_interval}
    values |= {"ltf_interval": ltf_interval, "start": start, "end": end, "cache": cache}
    task = flags.make_task(system, flags.market_flags(values, data, more, fill_policy), config, sets or (), bars)
    said = _stressed(task, parameters)
    if as_json:
        say_json(said)
    else:
        for line in _lines(said):
            say(line)


def _stressed(task: Any, parameters: bool) -> dict[str, Any]:
    """Open the market, run the backtest, count it, and put it under load."""
    from quintet.app import wiring
    from quintet.app.markets import open_market
    from quintet.app.run_options import options_of
    from quintet.research.backtest import run_backtest
    from quintet.research.trials import begin_counting, count_backtest
    from quintet.storage.workspace import workspace

    place, now, config = workspace(), wiring.clock(), task.request.config
    market = open_market(task.request, place, int(now.timestamp()) * 1_000_000_000)
    system = task.system
    options = options_of(market.tape, market.instrument, market.structure, market.fills, system, config)
    begin_counting(place.ledger)
    with progress(f"{system.name} under load") as report:
        result = run_backtest(market.tape, system, getattr(config.system, system.name), options)
        trials = count_backtest(place.ledger, result, DOOR, now)
        rows = _rows(result, parameters, report)
    return {
        "system": system.name,
        "synthetic": market.synthetic,
        "market": market.label,
        "policy": result.headline.policy,
        "rows": [{**row.change._asdict(), **_without_change(row)} for row in rows],
        "monte_carlo": [_simulated(each) for each in _simulations(result)],
        "trials": trials,
        "assumptions": list(market.assumptions),
    }


def _rows(result: "BacktestResult", parameters: bool, report: Any) -> "list[Outcome]":
    """As reported, then kind by kind, the bad days last."""
    from quintet.research.robustness import KINDS, PARAMETERS, unchanged, what_breaks
    from quintet.research.stress import SCENARIOS, stressed
    from quintet.research.tick_stress import stressed_book

    kinds = [kind for kind in KINDS if parameters or kind != PARAMETERS]
    rows = [unchanged(result)]
    for number, kind in enumerate(kinds):
        report(number, len(kinds) + 1)
        rows.extend(what_breaks(result, (kind,)))
    report(len(kinds), len(kinds) + 1)
    if result.options.book is not None:
        rows.extend(stressed_book(result))
        return rows
    # What costs and latency alone do is already there.
    rows.extend(stressed(result, [each for each in SCENARIOS if each.shock is not None or each.slippage > 2.0]))
    return rows


def _simulations(result: "BacktestResult") -> "Iterator[Simulation]":
    """What can be drawn from this run: days when there are two, trades when one was closed."""
    from quintet.research.monte_carlo import bootstrap, hindered, shuffled
    from quintet.research.round_trips import round_trips

    if len(result.daily_returns) > 1:
        yield bootstrap(result.daily_returns)
    start = int(result.headline.equity.start)
    trades = round_trips(result.headline.fills, result.instrument) if result.instrument.kind != "inverse" else []
    if any(trade.closed_ns is not None for trade in trades):
        yield shuffled(trades, start)
        yield hindered(trades, start)


def _without_change(row: "Outcome") -> dict[str, Any]:
    return {name: value for name, value in row._asdict().items() if name != "change"}


def _simulated(found: "Simulation") -> dict[str, Any]:
    """A simulation as plain values, without its fan."""
    plain = {name: value for name, value in found._asdict().items() if name != "fan"}
    return plain | {"return_frac": found.return_frac._asdict(), "drawdown_frac": found.drawdown_frac._asdict()}


# ---- what is printed ---------------------------------------------------------------------------------------------


def _lines(said: Mapping[str, Any]) -> Iterator[str]:
    """One line a variant, then one a simulation."""
    if said["synthetic"]:
        yield "SYNTHETIC MARKET: this shows the machine at work, not a profit."
    rows: Sequence[Mapping[str, Any]] = said["rows"]
    width = max(len(row["name"]) for row in rows)
    yield f"{'one thing changed at a time':<{width}}  {'net result':>20}  {'drawdown':>8}  {'fills':>6}  last fill"
    for row in rows:
        fills = "" if row["fills"] is None else f"{row['fills']:,}"
        last = "" if row["last_fill_days"] is None else f"day {row['last_fill_days']:.0f} of {row['days']:.0f}"
        yield f"{row['name']:<{width}}  {_ends(row):>20}  {row['max_drawdown_frac']:>8.2%}  {fills:>6}  {last}".rstrip()
    for found in said["monte_carlo"]:
        ends, falls = found["return_frac"], found["drawdown_frac"]
        yield ""
        yield f"{found['paths']:,} paths: {found['says']}"
        yield f"  ends at      {ends['q05']:+.2%} ... {ends['q50']:+.2%} ... {ends['q95']:+.2%} (5 %, middle, 95 %)"
        yield f"  falls by     {falls['q05']:.2%} ... {falls['q50']:.2%} ... {falls['q95']:.2%}"
        lost, ruined = found["loss_chance"], found["ruin_chance"]
        yield f"  {lost:.0%} of the paths end below the start, {ruined:.1%} have lost {found['ruin_frac']:.0%} of it"
    yield ""
    yield f"trial {said['trials']['number']} of the ledger, {said['trials']['total']:,} trials in all"


def _ends(row: Mapping[str, Any]) -> str:
    low, high = f"{row['low_frac']:+.2%}", f"{row['high_frac']:+.2%}"
    return low if low == high else f"{low} ... {high}"
