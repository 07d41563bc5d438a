"""The configuration as text: a plain tree, TOML with every key explained, and a JSON Schema for editors."""

import json
from typing import Any

import msgspec

from quintet.app.config import SYSTEMS, Config, Tree
from quintet.core.parameters import Parameter, describe


def as_tree(config: Config) -> Tree:
    """Plain values of every key, defaults included, for a manifest or `--json`; decimals as text."""
    tree: Tree = msgspec.json.decode(msgspec.json.encode(config))
    for section in ("instrument", "tick_execution"):
        tree[section] = _given(tree[section])
    return tree


def _given(tree: Tree) -> Tree:
    """Without the keys that have no value, here and in the sections below."""
    given = {key: _given(value) if isinstance(value, dict) else value for key, value in tree.items()}
    return {key: value for key, value in given.items() if value is not None and value != {}}


def as_toml(config: Config) -> str:
    """The whole configuration as TOML, every key with unit, bounds and reason beside it."""

    def line(entry: Parameter, value: Any) -> str:
        about = "; ".join(part for part in (entry.unit, entry.bounds, entry.reason) if part)
        written = f"{entry.name} = {toml_value(value)}" if value is not None else f"# {entry.name} ="
        return f"{written}  # {about}"

    def section(name: str, part: msgspec.Struct) -> list[str]:
        values = [(entry, getattr(part, entry.name)) for entry in describe(type(part))]
        lines = [f"[{name}]", *(line(entry, value) for entry, value in values if not isinstance(value, dict)), ""]
        for entry, value in values:
            lines += [f"# {name}.{entry.name}.NAME: {entry.reason}"] if isinstance(value, dict) else []
            for own, inner in value.items() if isinstance(value, dict) else ():
                lines += [f"[{name}.{entry.name}.{own}]", *given_keys(inner), ""]
        return lines

    def given_keys(part: msgspec.Struct) -> list[str]:
        given = ((key, getattr(part, key)) for key in part.__struct_fields__)
        return [f"{key} = {toml_value(value)}" for key, value in given if value not in (None, "")]

    lines: list[str] = []
    for name in ("instrument", "execution", "tick_execution", "risk", "account"):
        lines += section(name, getattr(config, name))
    for name in SYSTEMS:
        lines += section(f"system.{name}", getattr(config.system, name))
    for name in ("data", "report", "stages"):
        lines += section(name, getattr(config, name))
    return "\n".join(lines)


def toml_value(value: Any) -> str:
    """A plain value as TOML writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        # JSON's escapes are TOML's, but for the one control character that JSON lets pass.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, tuple):
        return f"[{', '.join(toml_value(item) for item in value)}]"
    return str(value)


def schema() -> Tree:
    """The JSON Schema of a config file, for editors; units stand in `x-unit`."""
    made: Tree = msgspec.json.decode(msgspec.json.encode(msgspec.json.schema(Config)))
    _allow_plain_numbers(made)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "quintet configuration"} | made


def _allow_plain_numbers(node: Any) -> None:
    """An exact decimal may be written as text or as a plain number: TOML numbers are read as decimals."""
    if isinstance(node, dict):
        if node.get("format") == "decimal":
            node["type"] = ["string", "number"]
        for child in node.values():
            _allow_plain_numbers(child)
    elif isinstance(node, list):
        for child in node:
            _allow_plain_numbers(child)
