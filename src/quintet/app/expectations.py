"""What a configuration key expects, read from its documented type and told in words."""

import types
from decimal import Decimal
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

from quintet.core.parameters import bounds

_KINDS: Final = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str: "text",
    Decimal: "an exact number",
}

_NO_UNITS: Final = ("", "name", "names", "text", "switch", "path", "paths", "URL")


def expected_text(hint: Any) -> str:
    """What a field takes, in words: `a whole number >= 2 and <= 10000, in bars`."""
    meta = next((part for part in getattr(hint, "__metadata__", ()) if isinstance(part, msgspec.Meta)), None)
    choices = choices_of(hint)
    base = bare(hint)
    kind = f"one of {', '.join(choices)}" if choices else _KINDS.get(base, "")
    if get_origin(base) is tuple:
        kind = f"a list, each {kind}" if choices else "a list of text"
    if meta is None:
        return kind
    unit = str((meta.extra or {}).get("unit", ""))
    measured = f", in {unit}" if unit not in _NO_UNITS else ""
    return f"{kind} {bounds(meta)}".rstrip() + measured


def fields_of(struct: Any) -> dict[str, Any]:
    """Fields of a section with their documented types; nothing for a plain value."""
    return get_type_hints(struct, include_extras=True) if is_section(struct) else {}


def field_in(struct: Any, name: str) -> Any:
    """The type of what bears a name in a section, or in a key that holds sections by any name; None: there is none."""
    named = named_section(struct)
    return named if named is not None else fields_of(struct).get(name)


def named_section(hint: Any) -> Any:
    """The section that a key holds under names of the user's choice, `[tick_execution.venues.NAME]`; else None."""
    base = bare(hint) if hint is not None else None
    return get_args(base)[1] if get_origin(base) is dict else None


def field_of(root: type[msgspec.Struct], key: str) -> Any:
    """The type of a dotted key below `root`, None when there is no such key."""
    hint: Any = root
    for part in key.split("."):
        hint = field_in(hint, part)
    return hint


def is_section(hint: Any) -> bool:
    """True for a section, which holds keys; false for a key, which holds a value."""
    return isinstance(hint, type) and issubclass(hint, msgspec.Struct)


def bare(hint: Any) -> Any:
    """The type without its documentation and without `None`."""
    base = get_args(hint)[0] if get_origin(hint) is Annotated else hint
    if get_origin(base) in (Union, types.UnionType):
        base = next(part for part in get_args(base) if part is not type(None))
    return base


def choices_of(hint: Any) -> tuple[str, ...]:
    """The allowed words of a field, or of each item of a list field."""
    base = bare(hint) if hint is not None else None
    if get_origin(base) is tuple:
        base = get_args(base)[0]
    return get_args(base) if get_origin(base) is Literal else ()


def accepts_text(hint: Any) -> bool:
    """True when a field takes text: then `5` typed by a person means "5"."""
    base = bare(hint) if hint is not None else None
    return base is str or get_origin(base) is Literal


def shown(value: Any) -> str:
    """A value as a person would write it, with its type where that is the trouble."""
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return f"[{', '.join(shown(item) for item in value)}]"
    return str(value)
