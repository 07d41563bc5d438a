"""The reference of the configuration and its JSON Schema, read from the typed sections themselves."""

import json
from typing import Any

import msgspec

from quintet.app.config import SYSTEMS, Config
from quintet.app.config_text import schema
from quintet.core.parameters import Parameter, describe


def page() -> str:
    """The whole page: a table for each section, every key with default, unit, bounds and reason."""
    lines = [
        "# Configuration keys",
        "",
        "Every key of a configuration file, with its default. How files, flags and `--set` work together is told in",
        "[the guide](guides/configuration.md); editors can use [the JSON Schema](config.schema.json).",
    ]
    for name, section in sections(Config()):
        lines += ["", f"## {name}", "", paragraph(type(section).__doc__), ""]
        lines += ["| key | default | unit | bounds | reason |", "|---|---|---|---|---|"]
        lines += [row(entry) for entry in describe(type(section))]
    return "\n".join(lines) + "\n"


def schema_text() -> str:
    """The JSON Schema as `quintet config schema` prints it."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def sections(config: Config) -> list[tuple[str, msgspec.Struct]]:
    """Every section by the name it has in a file."""
    outer = [(name, getattr(config, name)) for name in ("instrument", "execution", "risk")]
    systems = [(f"system.{name}", getattr(config.system, name)) for name in SYSTEMS]
    return [*outer, *systems, ("data", config.data), ("report", config.report), ("stages", config.stages)]


def row(entry: Parameter) -> str:
    """One key as a row of a table."""
    return f"| `{entry.name}` | {shown(entry.default)} | {entry.unit} | {entry.bounds} | {entry.reason} |"


def shown(value: Any) -> str:
    """A default as a reader would type it."""
    if value is None or value in ("", (), {}):
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return ", ".join(value) if isinstance(value, tuple) else str(value)


def paragraph(text: str | None) -> str:
    """A docstring as one line."""
    return " ".join((text or "").split())
