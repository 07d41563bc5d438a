"""A documented parameter: its unit and reason travel in the type, its bounds are checked when a config is read.

    class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
        order_rate_max: Annotated[int, parameter("orders per second", "what the venue allows", ge=1, le=50)] = 10

The same text feeds the refusal, the JSON Schema and the printed reference, so that it is written once.
"""

from typing import Any, NamedTuple, get_args, get_type_hints

import msgspec

from quintet.core.errors import ConfigError

Number = int | float


class ParameterError(ConfigError):
    """One parameter cannot have this value; `key` is its dotted name, `found` and `expected` are for people."""

    def __init__(self, key: str, found: object, expected: str) -> None:
        super().__init__(f"{key} is {found}, expected {expected}")
        self.key = key
        self.found = found
        self.expected = expected


class Parameter(NamedTuple):
    """One line of a reference: everything a reader needs to choose a value."""

    name: str
    unit: str
    default: Any
    bounds: str
    reason: str


def parameter(
    unit: str,
    reason: str,
    *,
    ge: Number | None = None,
    gt: Number | None = None,
    le: Number | None = None,
    lt: Number | None = None,
) -> msgspec.Meta:
    """Unit, reason and bounds of one field, to stand inside `Annotated`."""
    given = {"ge": ge, "gt": gt, "le": le, "lt": lt}
    limits: dict[str, Any] = {name: bound for name, bound in given.items() if bound is not None}
    return msgspec.Meta(**limits, description=reason, extra={"unit": unit}, extra_json_schema={"x-unit": unit})


def text(unit: str, reason: str) -> msgspec.Meta:
    """Unit and reason of a field that has no numeric bounds: a name, a switch, a path, an exact decimal."""
    return msgspec.Meta(description=reason, extra={"unit": unit}, extra_json_schema={"x-unit": unit})


def describe(struct: type[msgspec.Struct]) -> list[Parameter]:
    """Every documented field of `struct`, in declared order."""
    hints = get_type_hints(struct, include_extras=True)
    rows = []
    for field in msgspec.structs.fields(struct):
        meta = _meta(hints[field.name])
        if meta is not None:
            unit = str((meta.extra or {}).get("unit", ""))
            rows.append(Parameter(field.encode_name, unit, _default(field), bounds(meta), meta.description or ""))
    return rows


def bounds(meta: msgspec.Meta) -> str:
    """`0 < x <= 5` as text; empty when the field has no bounds."""
    low = f"> {meta.gt:g}" if meta.gt is not None else f">= {meta.ge:g}" if meta.ge is not None else ""
    high = f"< {meta.lt:g}" if meta.lt is not None else f"<= {meta.le:g}" if meta.le is not None else ""
    return " and ".join(part for part in (low, high) if part)


def _meta(hint: Any) -> msgspec.Meta | None:
    found = [part for part in get_args(hint)[1:] if isinstance(part, msgspec.Meta)]
    return found[0] if found else None


def _default(field: msgspec.structs.FieldInfo) -> Any:
    if field.default is not msgspec.NODEFAULT:
        return field.default
    if field.default_factory is not msgspec.NODEFAULT:
        return field.default_factory()
    return None
