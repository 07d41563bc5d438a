"""One typed configuration from TOML, flags and `--set`: each room defines its section, here they are assembled.

Strangers are refused: an unknown key, a wrong type or a value out of bounds names the file, the key, what was
found and what was expected. Later sources win: defaults, then the file, then `--set`, then a command's own flags.
"""

import datetime
import re
import tomllib
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, NamedTuple, cast, get_origin

import msgspec

from quintet.app.expectations import (
    accepts_text,
    bare,
    choices_of,
    expected_text,
    field_in,
    field_of,
    fields_of,
    is_section,
    named_section,
    shown,
)
from quintet.app.instruments import InstrumentConfig
from quintet.app.messages import Complaint, did_you_mean
from quintet.core.errors import ConfigError
from quintet.core.parameters import ParameterError, text
from quintet.core.risk.config import AccountConfig, RiskConfig, limits_in_force
from quintet.research.stage_criteria import StageCriteria
from quintet.sim.config import ExecutionConfig, TickExecutionConfig
from quintet.systems.structure_mm.config import StructureMmConfig

if TYPE_CHECKING:
    from quintet.research.systems import KernelSystem

Tree = dict[str, Any]


class DataConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where the market comes from; nothing given means the embedded synthetic market.

    Paths in a file are relative to that file. Times are UTC; a date is its 00:00; start inclusive, end exclusive.
    """

    files: Annotated[
        tuple[str, ...],
        text("paths", "candle files, CSV, Parquet, Feather or JSON: one, or a higher and a lower timeframe"),
    ] = ()
    tape: Annotated[str, text("path", "a market tape instead of candle files")] = ""
    interval: Annotated[
        str, text("timeframe", "of a single-timeframe run: 5, 5m, 60, 1h ...; empty: as the data is")
    ] = ""
    htf_interval: Annotated[str, text("timeframe", "of structure and decisions, when fills come from a lower one")] = ""
    ltf_interval: Annotated[str, text("timeframe", "of fills and order upkeep")] = ""
    start: Annotated[str, text("UTC", "first moment, inclusive; empty: where the data begins")] = ""
    end: Annotated[str, text("UTC", "last moment, exclusive; empty: where the data ends")] = ""
    latencies: Annotated[
        str, text("path", "recorded orders, CSV, .npy or .npz, for tick_execution.latency_model = recorded")
    ] = ""
    cache: Annotated[str, text("path", "CSV that keeps downloaded candles; a second run needs no network")] = ""
    venue_url: Annotated[str, text("URL", "where candles are downloaded; empty: the venue's public address")] = ""
    stamp: Annotated[Literal["open", "end"], text("name", "what a candle's time stamps: its opening or its end")] = (
        "open"
    )


class ReportConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a run leaves behind besides its figures."""

    title: Annotated[str, text("text", "heading of the report; empty: made from system and market")] = ""
    html: Annotated[bool, text("switch", "write report.html")] = True
    desk_tape: Annotated[bool, text("switch", "write desk.tape; without it the run cannot be replayed")] = True
    robustness: Annotated[
        Literal["off", "some", "all"],
        text("name", "what breaks it, by more runs: with every eighth neighbour of the parameters, with all, or not"),
    ] = "some"


class SystemsConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One section for each system, `[system.NAME]`."""

    structure_mm: StructureMmConfig = StructureMmConfig()


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Everything a run is told."""

    instrument: InstrumentConfig = InstrumentConfig()
    execution: ExecutionConfig = ExecutionConfig()
    tick_execution: TickExecutionConfig = TickExecutionConfig()
    risk: RiskConfig = RiskConfig()
    account: AccountConfig = AccountConfig()
    system: SystemsConfig = SystemsConfig()
    data: DataConfig = DataConfig()
    report: ReportConfig = ReportConfig()
    stages: StageCriteria = StageCriteria()

    @property
    def limits(self) -> RiskConfig:
        """What holds of desk and account, limit by limit the stricter; a system's own come on top."""
        return limits_in_force(self.risk, self.account)


SYSTEMS: Final = tuple(SystemsConfig.__struct_fields__)

_PATHS: Final = ("data.files", "data.tape", "data.latencies", "data.cache")
_PROBLEM = re.compile(r"^(?P<problem>.*?)(?: - at `\$\.?(?P<path>[^`]*)`)?$", re.DOTALL)


def _is_path(key: str) -> bool:
    return key in _PATHS or (key.startswith("tick_execution.venues.") and key.endswith(".latencies"))


class Given(NamedTuple):
    """One value from outside: dotted key, value, and who gave it."""

    key: str
    value: Any
    origin: str


def load(
    path: Path | None = None,
    sets: Iterable[str] = (),
    flags: Iterable[Given] = (),
    system: "KernelSystem | None" = None,
) -> Config:
    """The configuration of a command; raises Complaint for anything that does not fit.

    `system`: somebody's own, whose parameters have a section of their own, `[system.NAME]`.
    """
    root = root_for(system)
    given = [*(from_file(path) if path else ()), *(from_set(word, root) for word in sets), *flags]
    tree: Tree = {}
    origins: dict[str, str] = {}
    for entry in given:
        place(tree, entry, root)
        origins[entry.key] = entry.origin
    return _convert(tree, origins, str(path) if path else "defaults", root)


def root_for(system: "KernelSystem | None") -> type[Config]:
    """The type of the configuration of a run of this system."""
    own = system is not None and system.name not in SYSTEMS
    return with_section(system.name, system.config) if system is not None and own else Config


def with_section(name: str, parameters: type[msgspec.Struct]) -> type[Config]:
    """The type of a configuration with one more section, `[system.NAME]`; raises Complaint for parameters unset."""
    required = [field.name for field in msgspec.structs.fields(parameters) if field.required]
    if required:
        raise Complaint(
            "a parameter without a default",
            where=f"{parameters.__qualname__}.{required[0]}",
            found="no default",
            expected="a default, so that it is known what a run is told",
        )
    systems = msgspec.defstruct(
        "SystemsConfig", [(name, parameters, parameters())], bases=(SystemsConfig,), frozen=True, kw_only=True
    )
    root: Any = msgspec.defstruct(
        "Config", [("system", systems, systems())], bases=(Config,), frozen=True, kw_only=True
    )
    return cast(type[Config], root)


def given_keys(path: Path | None, sets: Iterable[str]) -> set[str]:
    """Dotted keys that a file or `--set` names, whether or not they differ from the defaults."""
    return {given.key for given in [*(from_file(path) if path else ()), *map(from_set, sets)]}


def find_system(name: str) -> "KernelSystem":
    """The system of this version with this name, or somebody's own (`file.py:MySystem`).

    Raises Complaint for an unknown name, RefusedSystem for a file that gives no system.
    """
    from quintet.research.system_files import names_a_file
    from quintet.research.systems import find

    if name not in SYSTEMS and not names_a_file(name):
        raise Complaint(
            "unknown system",
            where="SYSTEM",
            found=name,
            expected=f"one of {', '.join(SYSTEMS)}, or file.py:MySystem",
            hint=did_you_mean(name, SYSTEMS),
        )
    return find(name)


# ---- reading -------------------------------------------------------------------------------------------------


def from_file(path: Path) -> list[Given]:
    """Every leaf of a TOML file, paths made relative to the file's folder."""
    try:
        tree = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise Complaint(
            "not TOML", where=str(path), found=str(error), expected="key = value lines under [sections]"
        ) from None
    except UnicodeDecodeError as error:
        raise Complaint("not text", where=str(path), found=str(error), expected="UTF-8") from None
    leaves = list(_leaves(tree, "", str(path)))
    return [leaf._replace(value=_beside(path, leaf.value)) if _is_path(leaf.key) else leaf for leaf in leaves]


def _leaves(tree: Mapping[str, Any], prefix: str, origin: str) -> Iterable[Given]:
    for name, value in tree.items():
        key = f"{prefix}{name}"
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, f"{key}.", origin)
        else:
            yield Given(key, value, origin)


def _beside(path: Path, value: Any) -> Any:
    """A path in a config is relative to the config's folder."""
    if isinstance(value, list):
        return [_beside(path, item) for item in value]
    return str(path.parent / value) if isinstance(value, str) and value else value


def from_set(argument: str, root: type[msgspec.Struct] = Config) -> Given:
    """`a.b=c`, with c read as TOML where it is TOML and as plain text otherwise."""
    key, equals, written = argument.partition("=")
    key = key.strip()
    if not equals or not all(key.split(".")):
        raise Complaint("not an override", where="--set", found=repr(argument), expected="section.key=value")
    written = written.strip()
    try:
        value = tomllib.loads(f"value = {written}", parse_float=Decimal)["value"]
    except tomllib.TOMLDecodeError:
        value = written
    return Given(key, _as_written(field_of(root, key), value, written), f"--set {key}={written}")


def _as_written(hint: Any, value: Any, written: str) -> Any:
    """Text stays as it was typed when its key wants text: `--set data.interval=5` means "5"."""
    if accepts_text(hint) and not isinstance(value, (str, list)):
        return written
    if hint is not None and get_origin(bare(hint)) is tuple and isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


def place(tree: Tree, given: Given, root: type[msgspec.Struct]) -> None:
    """Put one value where its dotted key says; raises Complaint when a key on the way is unknown."""
    *sections, name = given.key.split(".")
    struct: Any = root
    for depth, section in enumerate([*sections, name]):
        found = field_in(struct, section)
        if found is None:
            raise _unknown(given, sections[:depth], section, fields_of(struct))
        struct = found
    _refuse_section_value(given, struct)
    for section in sections:
        tree = tree.setdefault(section, {})
    if not is_section(struct) and named_section(struct) is None:
        tree[name] = _plain(given.value, struct)


def _plain(value: Any, hint: Any) -> Any:
    """TOML dates and numbers as the text that a text key wants."""
    if isinstance(value, (datetime.date, datetime.datetime)):
        return value.isoformat()
    if isinstance(value, int) and not isinstance(value, bool) and accepts_text(hint):
        return str(value)
    return value


def _unknown(given: Given, sections: list[str], key: str, hints: Mapping[str, Any]) -> Complaint:
    section = ".".join(sections)
    what = "unknown key" if section or not isinstance(given.value, Mapping) else "unknown section"
    return Complaint(
        what,
        where=f"{given.origin}, [{section}]" if section else given.origin,
        found=key,
        expected=f"one of {', '.join(hints)}",
        hint=did_you_mean(key, hints),
    )


def _refuse_section_value(given: Given, hint: Any) -> None:
    """A section holds keys: `execution = 5` is no section, `[instrument.symbol]` is no value."""
    if named_section(hint) is not None and not isinstance(given.value, Mapping):
        raise Complaint(
            f"{given.key} holds sections",
            where=given.origin,
            found=shown(given.value),
            expected=f"[{given.key}.NAME] with keys {', '.join(fields_of(named_section(hint)))}",
        )
    if is_section(hint) and not isinstance(given.value, Mapping):
        names = ", ".join(fields_of(hint))
        raise Complaint(
            f"{given.key} is a section",
            where=given.origin,
            found=shown(given.value),
            expected=f"[{given.key}] with keys {names}",
        )


# ---- converting ----------------------------------------------------------------------------------------------


def _convert(tree: Tree, origins: Mapping[str, str], default_origin: str, root: type[Config]) -> Config:
    """The typed configuration; what does not fit becomes a Complaint at its key."""
    sections: dict[str, Any] = {}
    hints = fields_of(root)
    for name, struct in hints.items():
        if name != "system":
            sections[name] = _convert_section(name, struct, tree.get(name, {}), origins, default_origin)
    systems = {
        name: _convert_section(f"system.{name}", struct, tree.get("system", {}).get(name, {}), origins, default_origin)
        for name, struct in fields_of(hints["system"]).items()
    }
    return root(**sections, system=hints["system"](**systems))


def _convert_section(name: str, struct: Any, values: Tree, origins: Mapping[str, str], default_origin: str) -> Any:
    try:
        return msgspec.convert(values, struct)
    except msgspec.ValidationError as error:
        raise _misfit(name, struct, values, origins, str(error), default_origin) from None
    except ParameterError as error:
        origin = origins.get(f"{name}.{error.key}") or _origin_of(name, origins, default_origin)
        raise Complaint(
            "values that contradict each other" if isinstance(error.found, (int, float)) else "a value out of bounds",
            where=f"{origin}, [{name}] {error.key}",
            found=error.found,
            expected=error.expected,
        ) from None
    except ConfigError as error:
        raise ConfigError(f"{_origin_of(name, origins, default_origin)}, [{name}]: {error}") from None


def _misfit(
    name: str, struct: Any, values: Tree, origins: Mapping[str, str], message: str, default_origin: str
) -> Complaint:
    """A type or bound that was not met, told in the words of the parameter."""
    match = _PROBLEM.match(message)
    path = (match["path"] or "") if match else ""
    key = re.split(r"[.\[]", path, maxsplit=1)[0]
    hint = fields_of(struct).get(key)
    expected = expected_text(hint) if hint is not None else message
    return Complaint(
        "a value that does not fit",
        where=f"{origins.get(f'{name}.{key}', default_origin)}, [{name}] {key}",
        found=shown(values.get(key)),
        expected=expected,
        hint=_nearest_choice(values.get(key), hint),
    )


def _origin_of(section: str, origins: Mapping[str, str], default_origin: str) -> str:
    """Who gave the last value of a section."""
    found = [origin for key, origin in origins.items() if key.startswith(f"{section}.")]
    return found[-1] if found else default_origin


def _nearest_choice(value: Any, hint: Any) -> str:
    choices = choices_of(hint)
    given = value if isinstance(value, list) else [value]
    strangers = [word for word in given if isinstance(word, str) and word not in choices]
    return did_you_mean(strangers[0], choices) if strangers and choices else ""
