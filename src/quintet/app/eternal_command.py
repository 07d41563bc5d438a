"""`quintet backtest eternal`: a market of days from files that a TOML names, or from the generator, and its report."""

import shlex
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, NamedTuple

import msgspec

from quintet import __version__
from quintet.app import backtests
from quintet.app.config import from_file, from_set, place
from quintet.app.messages import Complaint, note, say, say_json
from quintet.core.market.fact_families import FAMILIES
from quintet.core.parameters import ParameterError, parameter, text
from quintet.systems.eternal.config import NAME, EternalConfig

if TYPE_CHECKING:
    from quintet.research.eternal_market import Recorded
    from quintet.research.eternal_report import Study
    from quintet.storage.trial_records import Trial
    from quintet.storage.workspace import Workspace

DAY_NS: Final = 86_400_000_000_000
KNOWN_AFTER_NS: Final = {family.name: family.known_after_ns for family in FAMILIES}

FLAGS: Final = "--data FOLDER, --config, --set, --start, --end"
"""What says which days are run, and with which numbers."""


class FactFile(NamedTuple):
    """A file of facts by day: its key in the configuration, which is the fact's name, and its column.

    `known_after_ns`: how long after the day has begun its value was known.
    """

    key: str
    column: str
    known_after_ns: int


FACTS: Final = (
    FactFile("fear_greed", "value", KNOWN_AFTER_NS["alternative.me/fear_greed"]),
    FactFile("eth_yield", "yield", DAY_NS),
)

SYNTHETIC_DAYS: Final = 1_200
SYNTHETIC_FROM: Final = "2020-01-01"


Files = str | tuple[str, ...]
"""One file, or several of which each goes on where the one before ends."""


Hours = Annotated[int, msgspec.Meta(ge=-14, le=14)]


class AssetFiles(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The files of one asset, below the folder of `--data`; an empty name: there is none."""

    days: Annotated[Files, text("files", "bars of a day")]
    earlier: Annotated[Files, text("files", "closes of days before them, for averages and the all-time high")] = ""
    spot_8h: Annotated[Files, text("files", "bars of eight hours, spot")] = ""
    perpetual_8h: Annotated[Files, text("files", "bars of eight hours, perpetual")] = ""
    rates: Annotated[Files, text("files", "rates of funding")] = ()
    rates_utc_offset_h: Annotated[
        Hours | tuple[Hours, ...], text("hours", "the clock of the rates is ahead of UTC: of all files, or of each")
    ] = 0


class Alerts(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where alarms and reports go: to a chat both, by mail the reports; nowhere where nothing is said."""

    telegram_key: Annotated[str, text("key", "a bot's token, as `quintet keys add --venue telegram` keeps it")] = ""
    telegram_chat: Annotated[str, text("chat", "the number of the chat that the bot writes to")] = ""
    mail_server: Annotated[str, text("host", "HOST or HOST:PORT of the server that takes letters")] = ""
    mail_line: Annotated[
        Literal["starttls", "tls", "plain"], text("name", "how the line to it is encrypted; plain: to localhost alone")
    ] = "starttls"
    mail_key: Annotated[str, text("key", "user and password, as `quintet keys add --venue smtp` keeps them")] = ""
    mail_from: Annotated[str, text("address", "who writes")] = ""
    mail_to: Annotated[tuple[str, ...], text("addresses", "who is written to")] = ()


class EternalFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a configuration of this run says."""

    capital_usdt: Annotated[int, parameter("USDT", "over all sub-accounts", ge=1_000, le=1_000_000_000)] = 100_000
    start: Annotated[str, text("day", "the first day that is decided on, UTC")] = ""
    end: Annotated[str, text("day", "the last one")] = ""
    half_spread_bp: Annotated[float, parameter("bp", "from the middle to either side", ge=0.0, le=100.0)] = 5.0
    assets: dict[str, AssetFiles] = {}
    fear_greed: Annotated[Files, text("files", "the Fear & Greed index, by day")] = ""
    eth_yield: Annotated[Files, text("files", "what the Earn product pays for Ether, a fraction a year, by day")] = ""
    alerts: Alerts = Alerts()
    parameters: EternalConfig = EternalConfig()


def run(
    data: Sequence[Path], config: Path | None, start: str, end: str, out: Path | None, quick: bool,
    workspace: "Workspace", now: datetime, sets: Sequence[str] = (),
) -> dict[str, Any]:  # fmt: skip
    """Run all its questions, write the folder, count the trial, and return what is printed; raises Complaint."""
    from quintet.research.eternal_page import render_eternal
    from quintet.storage import run_folders

    if out is not None:
        run_folders.check_free(out)
    told = read_file(config, sets)
    study, synthetic = study_of(told, data, start, end)
    trial, said = _answered(study, told, quick, synthetic, workspace, now)
    name = run_folders.run_id(backtests.stamp(now), trial, *said["hashes"].values())
    folder = out or run_folders.free_folder(workspace.runs, name)
    page = render_eternal(said, __version__)
    shown = {key: value for key, value in said.items() if key not in ("curves", "daily", "allocation", "events")}
    run_folders.write_run(
        folder, name, _manifest(name, told, said, now),
        {
            "metrics.json": lambda path: run_folders.write_json(path, shown),
            "report.html": lambda path: _write(path, page),
            "curves.parquet": lambda path: run_folders.write_table(
                path, {"day": said["curves"]["days"], **said["curves"]["index"]}
            ),
        },
    )  # fmt: skip
    return {**shown, "run": name, "folder": str(folder), "report": str(folder / "report.html")}


def _answered(
    study: "Study", told: EternalFile, quick: bool, synthetic: bool, workspace: "Workspace", now: datetime
) -> tuple[str, dict[str, Any]]:
    """The headline's trial, and everything that is said of the study."""
    from quintet.research.eternal_figures import WHOLE, lost_effect
    from quintet.research.eternal_report import report

    said = report(study, quick, lambda what: note(f"{NAME}: {what}")) | {"synthetic": synthetic}
    trial, said["trials"] = _count(study, told, said, workspace, now)
    said["effect"] = {
        name: lost_effect(curve, said["trials"]["total"], said["trials"]["sharpe_deviation"])
        for name, curve in said["daily"].items()
    }
    ends = [quanta * said["quantum"] for quanta in said["ends_quanta"].values()]
    said["interval"] = {"low_quote": min(ends), "high_quote": max(ends), "headline_policy": said["path"]}
    said["metrics"] = said["figures"][WHOLE]
    return trial, said


def _manifest(name: str, told: EternalFile, said: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Everything needed to run it again."""
    return {
        "run": name,
        "system": NAME,
        "synthetic": said["synthetic"],
        "hashes": said["hashes"],
        "interval": said["interval"],
        "conservation": said["conservation"],
        "trials": said["trials"],
        "created_utc": now.astimezone(UTC).isoformat(timespec="seconds"),
        "command": shlex.join(["quintet", *backtests.typed_words()]),
        "config": msgspec.to_builtins(told),
        "market": {"label": f"{', '.join(told.assets) or 'generated'}, {said['from']} to {said['to']}"},
        "versions": backtests.versions(),
    }


def _write(path: Path, page: str) -> None:
    path.write_text(page, encoding="utf-8")


def tell(outcome: Mapping[str, Any], as_json: bool) -> None:
    """Print a finished run."""
    from quintet.research.report_parts.wording import percent, signed_percent

    if as_json:
        say_json(outcome)
        return
    whole = outcome["figures"]["whole"]
    if outcome["synthetic"]:
        note("SYNTHETIC: the market was made by a generator")
    say(f"{NAME}  {outcome['from']} to {outcome['to']}  the worse order of extremes: {outcome['path']}")
    say(f"result {signed_percent(whole['return_frac'])}, deepest fall {percent(whole['drawdown_frac'])}")
    for name, row in outcome["figures"].items():
        if name != "whole" and row:
            say(f"  {name:9} {signed_percent(row['return_frac']):>12}  fall {percent(row['drawdown_frac'])}")
    for name, row in outcome["benchmarks"].items():
        say(f"  {name:16} {signed_percent(row['return_frac']):>12}  fall {percent(row['drawdown_frac'])}")
    say(f"report {outcome['report']}")


def read_file(path: Path | None, sets: Sequence[str] = ()) -> EternalFile:
    """The configuration, with what `--set` says on top; raises Complaint naming the key."""
    if path is not None and not path.is_file():
        raise Complaint("no such configuration", where="--config", found=path, expected="a TOML file")
    tree: dict[str, Any] = {}
    for given in (*(from_file(path) if path else ()), *(from_set(word, EternalFile) for word in sets)):
        place(tree, given, EternalFile)
    try:
        return msgspec.convert(tree, EternalFile)
    except (msgspec.ValidationError, ParameterError) as error:
        where = ", ".join([*([str(path)] if path else []), *(f"--set {word}" for word in sets)])
        raise Complaint(
            "a configuration that cannot be", where=where, found=str(error), expected=f"keys of {NAME}"
        ) from None


def refuse(flags: Mapping[str, object], expected: str) -> None:
    """Raise Complaint for flags that mean nothing to this system."""
    refused = [name for name, value in flags.items() if value]
    if refused:
        raise Complaint(f"not for {NAME}", where="arguments", found=", ".join(refused), expected=expected)


def study_of(told: EternalFile, data: Sequence[Path], start: str, end: str) -> tuple["Study", bool]:
    """The market and the span, and whether a generator made it."""
    from quintet.research.eternal_generated import generated_market
    from quintet.research.eternal_report import Study

    if not data:
        first = _day(start or SYNTHETIC_FROM, "--start")
        last = _day(end, "--end") if end else first + SYNTHETIC_DAYS - 1
        facts: list[tuple[int, str, int]] = []
        recorded = generated_market(first, last - first + 1)
    else:
        if len(data) != 1 or not data[0].is_dir() or not told.assets:
            raise Complaint(
                "no market of days", where="--data", found=" ".join(map(str, data)),
                expected="one folder, and a configuration whose assets name files in it",
                hint="config/eternal.toml is an example",
            )  # fmt: skip
        recorded, facts = read_market(told, data[0])
        first, last = _day(start or told.start, "start"), _day(end or told.end, "end")
    if last - first < 30:
        raise Complaint("too short", where="start, end", found=f"{last - first + 1} days", expected="31 days or more")
    study = Study(
        recorded,
        facts,
        told.parameters,
        told.capital_usdt * 1_000_000,
        first,
        last,
        round(told.half_spread_bp * 100_000),
    )
    return study, not data


def read_market(told: EternalFile, folder: Path) -> tuple[list[Any], list[tuple[int, str, int]]]:
    """All files of a configuration; raises DataError for a file that cannot be read."""
    from quintet.research.eternal_market import INCREMENTS

    for asset in told.assets:
        if asset not in INCREMENTS:
            raise Complaint("unknown asset", where="assets", found=asset, expected=", ".join(INCREMENTS))
    recorded = [_asset(asset, files, folder) for asset, files in told.assets.items()]
    return recorded, [fact for source in FACTS for fact in _facts(source, told, folder)]


def _asset(asset: str, files: AssetFiles, folder: Path) -> "Recorded":
    from quintet.research.eternal_market import Recorded
    from quintet.storage.daily_files import DAY_HOURS, PERIOD_HOURS, read_bars, read_rates

    lengths = {"days": DAY_HOURS, "earlier": DAY_HOURS, "spot_8h": PERIOD_HOURS, "perpetual_8h": PERIOD_HOURS}
    bars = {name: read_bars(_paths(getattr(files, name), folder), hours) for name, hours in lengths.items()}
    if bars["days"] is None:
        raise Complaint("no bars", where=f"[assets.{asset}] days", found="no file", expected="bars of a day")
    rates: dict[int, int] = {}
    for path, offset_h in zip(_paths(files.rates, folder), _offsets(asset, files), strict=True):
        rates |= read_rates(path, offset_h)
    return Recorded(asset, **bars, rates=rates or None)


def _paths(files: Files, folder: Path) -> list[Path]:
    """An empty name stands for no file."""
    return [folder / name for name in ((files,) if isinstance(files, str) else files) if name]


def _offsets(asset: str, files: AssetFiles) -> Sequence[int]:
    """Hours by which the clock of each file of rates is ahead."""
    given, count = files.rates_utc_offset_h, len(_paths(files.rates, Path()))
    if isinstance(given, int):
        return [given] * count
    if len(given) != count:
        raise Complaint(
            "clocks that belong to no file", where=f"[assets.{asset}] rates_utc_offset_h",
            found=f"{len(given)} offsets", expected=f"one, or one for each of {count} files of rates",
        )  # fmt: skip
    return given


def _facts(source: FactFile, told: EternalFile, folder: Path) -> list[tuple[int, str, int]]:
    """What files say by day, each value from the moment on at which it was known."""
    from quintet.storage.daily_files import read_values

    values = [one for path in _paths(getattr(told, source.key), folder) for one in read_values(path, source.column)]
    return [(ts + source.known_after_ns, source.key, value) for ts, value in values]


def _count(
    study: "Study", told: EternalFile, said: Mapping[str, Any], workspace: "Workspace", now: datetime
) -> tuple[str, dict[str, Any]]:
    """Every set of numbers whose result is shown is a trial in the ledger; where the headline stands among all."""
    from quintet.research.eternal_figures import WHOLE
    from quintet.research.significance import sharpe
    from quintet.research.system_source import hash_of
    from quintet.research.trials import count_trials, standing
    from quintet.storage.trial_records import Trial
    from quintet.systems.eternal.cycle import run_cycle, run_settlement

    returns = said["daily"][WHOLE].returns
    headline = Trial(
        system=NAME,
        source=hash_of([run_cycle, run_settlement, EternalConfig]),
        parameters=msgspec.to_builtins(told.parameters),
        conditions={"capital_usdt": told.capital_usdt, "half_spread_bp": told.half_spread_bp, "pairs": said["pairs"]},
        data=said["hashes"]["tape"],
        first_ns=study.first_day * DAY_NS,
        last_ns=(study.last_day + 1) * DAY_NS,
        policies=("low_first", "high_first"),
        sharpe=sharpe(returns),
        periods=len(returns),
        door="backtest",
    )
    *_, counted = count_trials(workspace.ledger, [*_looks(headline, study, said), headline], now)
    return headline.id, standing(counted, returns)


def _looks(headline: "Trial", study: "Study", said: Mapping[str, Any]) -> "list[Trial]":
    """The same without each breaker, and each variant: their results are shown, so they were looked at."""
    from quintet.research.eternal_figures import DAYS_PER_YEAR
    from quintet.research.eternal_report import BASIS_ZERO, BREAKERS, VARIANTS

    found = []
    for name, row in {**said["breakers"], **said["variants"]}.items():
        change = {**BREAKERS, **VARIANTS}.get(name)
        ratio = row["sharpe_annualised"]
        trial = msgspec.structs.replace(
            headline,
            parameters=msgspec.to_builtins(change(study.config)) if change else headline.parameters,
            policies=(said["path"],),
            sharpe=None if ratio is None else ratio / DAYS_PER_YEAR**0.5,
        )
        if name == BASIS_ZERO:
            pairs = [one.asset for one in study.recorded]
            trial = msgspec.structs.replace(trial, conditions={**headline.conditions, "pairs": pairs})
        found.append(trial)
    return found


def _day(written: str, where: str) -> int:
    from datetime import date

    try:
        found = date.fromisoformat(written)
    except ValueError:
        raise Complaint(
            "not a day", where=where, found=written or "nothing", expected="a day such as 2017-11-09"
        ) from None
    return found.toordinal() - date(1970, 1, 1).toordinal()
