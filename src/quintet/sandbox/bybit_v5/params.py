"""Reading a request: query or body as text fields, absent and null alike, numbers as the text that was sent."""

import json
from collections.abc import Mapping
from typing import Any

from quintet.sandbox.refusal import Refused


class Params:
    """The fields of one request. Every mistake is the venue's 10001, naming the field."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self.fields = fields

    def __contains__(self, name: str) -> bool:
        return self.text(name) != ""

    def text(self, name: str, default: str = "") -> str:
        """A field as text; `default` when it is absent, null or empty."""
        value = self.fields.get(name)
        if value is None or value == "":
            return default
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, (dict, list)):
            raise Refused(10001, f"params error: {name} invalid")
        return str(value)

    def required(self, name: str) -> str:
        """A field that must be there."""
        found = self.text(name)
        if not found:
            raise Refused(10001, f"params error: {name} is missing")
        return found

    def one_of(self, name: str, allowed: tuple[str, ...], default: str = "") -> Any:
        """A field out of a list of words."""
        found = self.text(name, default)
        if found not in allowed:
            raise Refused(10001, f"params error: {name} invalid, expected one of {', '.join(filter(None, allowed))}")
        return found

    def integer(self, name: str, default: int = 0) -> int:
        """A whole number."""
        found = self.text(name)
        if not found:
            return default
        try:
            return int(found)
        except ValueError:
            raise Refused(10001, f"params error: {name} invalid, expected a whole number") from None

    def flag(self, name: str) -> bool:
        """A truth value: JSON booleans and the words of a query."""
        return self.text(name).lower() in ("true", "1")

    def limit(self, default: int, highest: int) -> int:
        """The page size: too large a wish is an error, as at the venue."""
        found = self.integer("limit", default)
        if not 1 <= found <= highest:
            raise Refused(10001, f"params error: limit must be 1 to {highest}")
        return found

    def items(self, name: str) -> list["Params"]:
        """A list of objects."""
        value = self.fields.get(name)
        if not isinstance(value, list) or not value or not all(isinstance(item, dict) for item in value):
            raise Refused(10001, f"params error: {name} must be a list of objects")
        return [Params(item) for item in value]


def json_fields(body: bytes) -> dict[str, Any]:
    """A body's object with its numbers as text; raises ValueError when it is not an object."""
    try:
        found = json.loads(body or b"{}", parse_float=str, parse_int=str)
    except RecursionError:
        raise ValueError("expected a JSON object, found one nested without end") from None
    if not isinstance(found, dict):
        raise ValueError("expected a JSON object")
    if b"\\u" in body:
        json.dumps(found, ensure_ascii=False).encode()  # half a character is no text
    return found
