"""Approved commands to payloads, the same for REST and for the trade socket. Pure.

Prices have the decimals of the price increment and quantities those of the lot, as the venue pads them.
Of our own orders that would meet, the venue is told to end the one that takes: its second line, behind the gate.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final, Literal, NamedTuple

import msgspec

from quintet.core.errors import ConfigError
from quintet.core.instrument import Instrument
from quintet.core.orders import lifecycle
from quintet.ports.order_entry import Amend, Cancel, CancelAll, Command, OfOneOrder, Place

Action = Literal[
    "create", "amend", "cancel", "cancel-all", "create-batch", "amend-batch", "cancel-batch", "disconnected-cancel-all"
]

BATCH_MAX: Final = {"linear": 20, "inverse": 20, "spot": 10}

_TIME_IN_FORCE: Final = {
    lifecycle.POST_ONLY: "PostOnly",
    lifecycle.LIMIT: "GTC",
    lifecycle.IOC: "IOC",
    lifecycle.FOK: "FOK",
}
_RISE, _FALL = 1, 2
_SPOT_CLASSES: Final = ("Order", "StopOrder", "tpslOrder")
_ACTIONS: Final[dict[type, Action]] = {Place: "create", Amend: "amend", Cancel: "cancel", CancelAll: "cancel-all"}
_BATCHES: Final[dict[Action, Action]] = {"create": "create-batch", "amend": "amend-batch", "cancel": "cancel-batch"}


class Request(NamedTuple):
    """One thing to be sent. `body`: its payload as bytes; `units`: what it counts for at the limit of `action`."""

    action: Action
    category: str
    payload: dict[str, Any]
    body: bytes
    commands: tuple[Command, ...]

    @property
    def units(self) -> int:
        """A batch counts for each of its orders."""
        return len(self.commands)


def encoded(action: Action, category: str, payload: dict[str, Any], commands: tuple[Command, ...]) -> Request:
    """A request whose payload is the bytes that are signed and sent."""
    return Request(action, category, payload, msgspec.json.encode(payload), commands)


def request(command: Command, instruments: Sequence[Instrument]) -> Request:
    """What one command is at the venue; raises ConfigError for a style that it does not have."""
    one = instruments[command.instrument]
    payload = {"category": one.kind, "symbol": one.symbol} | _fields(command, one)
    return encoded(_ACTIONS[type(command)], one.kind, payload, (command,))


def requests(command: Command, instruments: Sequence[Instrument]) -> list[Request]:
    """What one command is, where it may be more than one request: spot takes back each class of orders by itself."""
    one = request(command, instruments)
    if not isinstance(command, CancelAll) or one.category != "spot":
        return [one]
    payloads = [one.payload | {"orderFilter": each} for each in _SPOT_CLASSES]
    return [encoded(one.action, one.category, payload, one.commands) for payload in payloads]


def batched(commands: Sequence[OfOneOrder], instruments: Sequence[Instrument]) -> Iterator[Request]:
    """The fewest requests that send these commands; cancels first, else in their order."""
    single = [request(command, instruments) for command in sorted(commands, key=lambda one: type(one) is not Cancel)]
    groups: dict[tuple[Action, str], list[Request]] = {}
    for one in single:
        groups.setdefault((one.action, one.category), []).append(one)
    for (action, category), some in groups.items():
        size = BATCH_MAX[category]
        for n in range(0, len(some), size):
            yield _together(action, category, some[n : n + size])


def _together(action: Action, category: str, some: Sequence[Request]) -> Request:
    if len(some) == 1:
        return some[0]
    rows = [{name: value for name, value in one.payload.items() if name != "category"} for one in some]
    payload = {"category": category, "request": rows}
    return encoded(_BATCHES[action], category, payload, tuple(one.commands[0] for one in some))


def socket_text(request: Request, name: str, timestamp_ms: int, recv_window_ms: int) -> str:
    """A message of the trade socket; its answer repeats `name`."""
    header = f'{{"X-BAPI-TIMESTAMP":"{timestamp_ms}","X-BAPI-RECV-WINDOW":"{recv_window_ms}"}}'
    return f'{{"reqId":"{name}","header":{header},"op":"order.{request.action}","args":[{request.body.decode()}]}}'


# ---- fields ------------------------------------------------------------------------------------------------------


def _fields(command: Command, one: Instrument) -> dict[str, Any]:
    if isinstance(command, Place):
        return _placed(command, one)
    if isinstance(command, Amend):
        price = "triggerPrice" if command.waits else "price"
        return {
            "orderLinkId": command.client_id,
            price: _price(command.ticks, one),
            "qty": _quantity(command.lots, one),
        }
    if isinstance(command, CancelAll):
        return {}
    of_a_class = {"orderFilter": "StopOrder"} if one.kind == "spot" and command.waits else {}
    return {"orderLinkId": command.client_id} | of_a_class


def _placed(place: Place, one: Instrument) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "side": "Buy" if place.side > 0 else "Sell",
        "qty": _quantity(place.lots, one),
        "orderLinkId": place.client_id,
        "smpType": "CancelTaker",
    }
    if place.style in _TIME_IN_FORCE:
        limit = {"orderType": "Limit", "price": _price(place.ticks, one), "timeInForce": _TIME_IN_FORCE[place.style]}
        fields |= limit
    elif place.style in (lifecycle.MARKET, lifecycle.STOP, lifecycle.TAKE_PROFIT):
        fields |= _at_market(place, one)
    else:
        raise ConfigError(f"order style is {place.style}, expected one that bybit has: {lifecycle.STYLE_NAMES}")
    if one.kind != "spot":
        reduces = place.reduce_only or place.style in lifecycle.WAITING
        fields |= {"positionIdx": 0, "reduceOnly": reduces and not place.nets}
    return fields


def _at_market(place: Place, one: Instrument) -> dict[str, Any]:
    """At market now, or when the last price reaches the trigger; on spot a waiting order reserves nothing."""
    fields: dict[str, Any] = {"orderType": "Market", "timeInForce": "IOC"}
    if one.kind == "spot":
        fields["marketUnit"] = "baseCoin"
    if place.style == lifecycle.MARKET:
        return fields
    rises = (place.side > 0) == (place.style == lifecycle.STOP)
    fields |= {"triggerPrice": _price(place.ticks, one), "triggerBy": "LastPrice"}
    if one.kind == "spot":
        return fields | {"orderFilter": "StopOrder"}
    return fields | {"triggerDirection": _RISE if rises else _FALL}


def _price(ticks: int, one: Instrument) -> str:
    return f"{one.price(ticks):f}"


def _quantity(lots: int, one: Instrument) -> str:
    return f"{one.quantity(lots):f}"
