"""`quintet.backtest(...)`: the library's door. Behind it is the same way as behind `quintet backtest`.

What is given becomes words of a command line, and the words become the same task: so both doors give the same hashes,
leave the same folder, and are counted alike.
"""

import datetime
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from quintet.app.finished_run import Backtest
from quintet.app.messages import Complaint, did_you_mean

if TYPE_CHECKING:
    import polars

    from quintet.app.config import Config, Given
    from quintet.core.market.bars import Bars
    from quintet.research.systems import KernelSystem
    from quintet.storage.workspace import Workspace
    from quintet.systems.own import System

    Data = str | Path | Sequence[str | Path] | polars.DataFrame | Bars | None

DOOR: Final = "library"
"""How the ledger of trials names what is run from here."""

_SECTIONS: Final = ("instrument", "execution", "tick_execution", "risk", "data", "report")
"""Where a bare name is looked for, after the system's own section."""

_WHERE: Final = "quintet.backtest"


def backtest(
    system: "str | type[System] | System | KernelSystem" = "structure_mm",
    data: "Data" = None,
    config: "str | Path | Mapping[str, Any] | None" = None,
    *,
    bars: int | None = None,
    out: str | Path | None = None,
    **overrides: Any,
) -> Backtest:
    """Run a system over candles, leave a run folder, and return what came out.

    `system`: a name, `file.py:MySystem`, or a class made from `quintet.System`, or an instance of one. `data`: candle
    files or a tape, a polars frame, `Bars`, or nothing for the embedded synthetic market. `config`: a TOML file, or its
    sections as a mapping. `overrides`: keys of the configuration by their name, `latency_ms=100`, or dotted in a
    mapping, `**{"execution.latency_ms": 100}`. `bars`: only so many structure bars; `out`: the folder of the run.

    Raises Complaint, ConfigError, DataError or TapeError for input that cannot be used, as the command line says it.
    """
    from quintet.app import backtests, wiring
    from quintet.app.backtest_command import make_task
    from quintet.storage.workspace import workspace

    found, own = _system(system)
    place = workspace()
    path = Path(config) if isinstance(config, str | Path) else None
    settings = dict(_leaves(config)) if isinstance(config, Mapping) else {}
    given = _given({**settings, **own, **overrides}, found)
    given += _market(data, found, path, given, place)
    words = _words(found, path, given, bars, out)
    task = make_task(found, [each.flag for each in given], path, (), bars, Path(out) if out else None, words)
    outcome = backtests.run(task._replace(door=DOOR), wiring.parts(), place, wiring.clock())
    return Backtest(Path(outcome["out"]), outcome)


# ---- what was given, as words ----------------------------------------------------------------------------------


class _Given(NamedTuple):
    """One setting: as the configuration takes it, and as words of a command line."""

    flag: "Given"
    words: tuple[str, ...]


def _system(system: Any) -> "tuple[KernelSystem, dict[str, Any]]":
    """The system, and the parameters that an instance brings; raises Complaint or RefusedSystem."""
    from quintet.app.config import find_system
    from quintet.research.systems import KernelSystem, of_class
    from quintet.systems.own import System

    if isinstance(system, str):
        return find_system(system), {}
    if isinstance(system, KernelSystem):
        return system, {}
    if isinstance(system, System):
        found = of_class(type(system))
        told = {field: getattr(system.parameters, field) for field in system.parameters.__struct_fields__}
        return found, {f"system.{found.name}.{field}": value for field, value in told.items()}
    return of_class(system), {}


def _given(settings: Mapping[str, Any], system: "KernelSystem") -> list[_Given]:
    """Settings by their dotted keys; raises Complaint for a name that no section has."""
    from quintet.app.config import from_set, root_for
    from quintet.app.config_text import toml_value

    root = root_for(system)
    given = []
    for name, value in settings.items():
        if value is None:
            continue
        key = name if "." in name else _key_of(name, root, system)
        word = f"{key}={value if isinstance(value, str) else toml_value(_plain(value))}"
        flag = from_set(word, root)._replace(origin=f"{_WHERE}({name}={value!r})")
        given.append(_Given(flag, ("--set", word)))
    return given


def _plain(value: Any) -> Any:
    """Paths and times as the text that their keys want."""
    if isinstance(value, datetime.date | datetime.datetime):
        return value.isoformat()
    if isinstance(value, Path):
        return str(value)
    return tuple(map(_plain, value)) if isinstance(value, list | tuple) else value


def _key_of(name: str, root: "type[Config]", system: "KernelSystem") -> str:
    """The dotted key of a bare name: the system's own first, then the one section that has it."""
    from quintet.app.expectations import fields_of

    sections = {"system": fields_of(root)["system"], **fields_of(root)}
    known = {f"system.{system.name}.{key}" for key in fields_of(fields_of(sections["system"])[system.name])}
    known |= {f"{section}.{key}" for section in _SECTIONS for key in fields_of(sections[section])}
    fitting = sorted((key for key in known if key.rpartition(".")[2] == name), key=lambda key: key[:7] != "system.")
    if len(fitting) > 1 and not fitting[0].startswith("system."):
        raise Complaint(
            "a key that two sections have",
            where=f"{_WHERE}({name}=...)",
            found=name,
            expected=f"one of {', '.join(sorted(fitting))}, as **{{'{min(fitting)}': ...}}",
        )
    if fitting:
        return fitting[0]
    names = [key.rpartition(".")[2] for key in known]
    raise Complaint(
        "unknown key",
        where=f"{_WHERE}({name}=...)",
        found=name,
        expected="a key of the configuration, see `quintet config show`",
        hint=did_you_mean(name, names),
    )


def _leaves(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted keys and values of nested sections; a bare name stays bare."""
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _words(
    system: "KernelSystem", config: Path | None, given: Sequence[_Given], bars: int | None, out: str | Path | None
) -> list[str]:
    """The command line that does the same."""
    words = ["backtest", system.address]
    words += ["--config", str(config)] if config is not None else []
    for each in given:
        words += each.words
    words += ["--bars", str(bars)] if bars is not None else []
    return words + (["--out", str(out)] if out is not None else [])


# ---- the market ------------------------------------------------------------------------------------------------


def _market(
    data: Any, system: "KernelSystem", config: Path | None, given: Sequence[_Given], place: "Workspace"
) -> list[_Given]:
    """Where candles come from, as a flag; what is in memory is kept in the workspace first, under its own hash."""
    from quintet.app.config import Given
    from quintet.core.market.bars import Bars

    if data is None:
        return []
    if isinstance(data, str | Path):
        data = [data]
    elif isinstance(data, Bars):
        data = [_kept_bars(data, system, config, given, place)]
    elif hasattr(data, "write_parquet"):
        data = [_kept_frame(data, place)]
    if not isinstance(data, list | tuple) or not data or not all(isinstance(each, str | Path) for each in data):
        raise Complaint(
            "not a market",
            where=f"{_WHERE}(data=...)",
            found=f"{type(data).__name__}",
            expected="a path, a list of paths, a polars DataFrame, Bars, or None",
            hint="a pandas frame becomes one with polars.from_pandas(frame)" if hasattr(data, "iloc") else "",
        )
    files = [str(each) for each in data]
    if len(files) == 1 and files[0].endswith(".tape"):
        return [_Given(Given("data.tape", files[0], "--tape"), ("--tape", files[0]))]
    return [_Given(Given("data.files", files, "--data"), tuple(word for file in files for word in ("--data", file)))]


def _kept_frame(frame: Any, place: "Workspace") -> Path:
    """A frame as a Parquet file that a later run can read again."""
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    return _kept(buffer.getvalue(), "frame", place)


def _kept_bars(
    bars: "Bars", system: "KernelSystem", config: Path | None, given: Sequence[_Given], place: "Workspace"
) -> Path:
    """Bars in whole units as a Parquet file of exact decimals; the instrument says what the units are."""
    import tempfile

    from quintet.app.config import load
    from quintet.app.instruments import define
    from quintet.storage.candle_files import write_candles

    section = load(config, (), [each.flag for each in given], system).instrument
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bars.parquet"
        write_candles(path, bars, define(section, _WHERE))
        return _kept(path.read_bytes(), "bars", place)


def _kept(content: bytes, kind: str, place: "Workspace") -> Path:
    """Content under a name made of its hash, written once."""
    import hashlib

    from quintet.storage.workspace import write_whole

    path = place.data / f"{kind}-{hashlib.sha256(content).hexdigest()[:16]}.parquet"
    if not path.exists():
        write_whole(path, content)
    return path
