"""The reference of the configuration and its JSON Schema, read from the typed sections themselves."""

import json
from typing import Any

from quintet.app.config import Config
from quintet.app.config_text import schema, sections, toml_value
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


def row(entry: Parameter) -> str:
    """One key as a row of a table."""
    return f"| `{entry.name}` | {shown(entry.default)} | {entry.unit} | {entry.bounds} | {entry.reason} |"


def shown(value: Any) -> str:
    """A default as a reader would type it."""
    if value is None or value in ("", (), {}):
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        is_text = all(isinstance(item, str) for item in value)
        return ", ".join(value) if is_text else f"`{toml_value(value)}`"
    return str(value)


def paragraph(text: str | None) -> str:
    """A docstring as one line."""
    return " ".join((text or "").split())
