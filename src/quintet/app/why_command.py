"""`quintet why ORDER`: from tick to fill, of one order; or of one event, and of what the gate refused.

Exit codes: 0 it is told; 2 there is no such order, event or desk.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from quintet.app.messages import Complaint, progress, say, say_json

if TYPE_CHECKING:
    from quintet.app.desk_names import DeskPlace
    from quintet.core.orders.client_ids import ClientIds
    from quintet.research.desk_orders import DeskOrder
    from quintet.research.desk_replay import DeskRun
    from quintet.research.why import Inquest, Refusal, Why
    from quintet.storage.workspace import Workspace

CHANGES_SHOWN: Final = 12

OrderName = Annotated[str, typer.Argument(metavar="[ORDER]", help="Client id of an order; or, with --run, its number.")]
RunName = Annotated[
    str, typer.Option("--run", metavar="RUN", help="Desk, run or folder; a client id of a desk here needs none.")
]
At = Annotated[
    str, typer.Option("--at", metavar="WHEN", help="An event instead: its position, or a moment, 2026-01-01T12:00:00Z.")
]
Refused = Annotated[bool, typer.Option("--refused", help="List everything that the gate refused.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]


def why(
    order: OrderName = "", run: RunName = "", at: At = "", refused: Refused = False, as_json: AsJson = False
) -> None:
    """Tell why an order was given: the market as it was known, what the system made of it, the gate, and its life.

    Everything is read from the desk's tape, which is lived once more up to that event. --at asks about an event that
    may have decided nothing, --refused lists what was wanted and not let through.
    """
    from quintet.app.trading import code_of
    from quintet.research.desk_parity import ids_on
    from quintet.research.desk_replay import read_desk_run
    from quintet.research.why import Inquest
    from quintet.storage.workspace import workspace

    _one_question(order, at, refused)
    place = _place(order, run, workspace())
    desk_run = read_desk_run(place.tape, str(place.path))
    inquest = Inquest(place.tape, desk_run, place.checkpoints, code_of(desk_run.system))
    with progress(f"living through {place.name} once more"):
        if refused:
            _tell_refusals(inquest.refusals(), as_json)
            return
        number, position = _event(order, at, inquest, ids_on(place.tape))
        found = inquest.ask(position, number)
    if as_json:
        say_json(told(found, place, desk_run))
    else:
        for line in lines(found, place, desk_run):
            say(line)


def _one_question(order: str, at: str, refused: bool) -> None:
    if sum(map(bool, (order, at, refused))) != 1:
        raise Complaint(
            "which question?", where="arguments", found="none" if not (order or at or refused) else "several",
            expected="one of ORDER, --at WHEN, --refused",
        )  # fmt: skip


def _place(order: str, run: str, here: "Workspace") -> "DeskPlace":
    """The desk that was named, or the one whose tape has issued the id."""
    from quintet.app.desk_names import find_desk
    from quintet.research.desk_parity import ids_on

    if run:
        return find_desk(run, here)
    for path in sorted(here.desks.glob("*/desk.tape")) if order else ():
        place = find_desk(str(path.parent), here)
        ids = ids_on(place.tape)
        if ids is not None and ids.number(order) is not None:
            return place
    raise Complaint(
        "whose tape?", where="arguments", found=order or "no --run",
        expected="the client id of an order of a desk here, or --run RUN",
    )  # fmt: skip


def _event(order: str, at: str, inquest: "Inquest", ids: "ClientIds | None") -> tuple[int | None, int]:
    """Number of the order, if one was named, and position of the event; raises Complaint."""
    from quintet.app.flags import utc_ns
    from quintet.research.why import position_of

    if at:
        return None, int(at) if at.isdigit() else inquest.position_at(utc_ns(at, "--at") or 0)
    number = int(order) if order.isdigit() else ids.number(order) if ids is not None else None
    if number is None or number not in inquest.orders():
        known = [ids.of(one) if ids is not None else str(one) for one in list(inquest.orders())[-3:]]
        raise Complaint(
            "no such order", where="arguments", found=order,
            expected=f"an order of this tape, for example {', '.join(known) or 'none: it has given none'}",
        )  # fmt: skip
    return number, position_of(number)


def _tell_refusals(found: "list[Refusal]", as_json: bool) -> None:
    from quintet.research.desk_words import utc_words

    if as_json:
        say_json({"refused": [one._asdict() for one in found]})
        return
    for one in found:
        say(f"{one.position:>10}  {utc_words(one.ts_ns)}  {one.want}: {one.reason}")
    say(f"{len(found)} refused; quintet why --run RUN --at POSITION tells the rest of one")


def lines(found: "Why", place: "DeskPlace", run: "DeskRun") -> Iterator[str]:
    """The story, as a person reads it."""
    from quintet.research.desk_words import utc_words

    yield f"desk      {place.name}, {run.system.name}"
    yield f"event     {found.event}"
    yield f"          position {found.position:,}, {utc_words(found.ts_ns)}"
    market = found.market
    ages = [
        f"{name} {market[key]:.1f} ms before"
        for key, name in (("heard_ago_ms", "heard"), ("happened_ago_ms", "happened"))
        if market[key] is not None
    ]
    touch = f"bid {market['bid'] or 'none'}, ask {market['ask'] or 'none'}, last {market['last'] or 'none'}"
    yield f"market    {touch}{'; ' if ages else ''}{', '.join(ages)}"
    for kind, text in found.notes:
        yield f"noted     {kind}: {text}"
    changes = list(found.changed.items())
    for name, (before, after) in changes[:CHANGES_SHOWN]:
        yield f"memory    {name}: {before:.15g} -> {after:.15g}"
    if len(changes) > CHANGES_SHOWN:
        yield f"          and {len(changes) - CHANGES_SHOWN} more, with --json"
    for want in found.wants or ["nothing new"]:
        yield f"wanted    {want}"
    gate = found.gate
    yield f"gate      {gate['mode']}, stopped by {gate['stopped_by']}; holds {gate['position']}, {gate['working']} live"
    for one in found.refused:
        yield f"          refused: {one.want}: {one.reason}"
    for text in found.shrunk:
        yield f"          shrunk: {text}"
    for command in found.commands or ["nothing"]:
        yield f"given     {command}"
    if found.order is not None:
        yield from life_lines(found, run)


def life_lines(found: "Why", run: "DeskRun") -> Iterator[str]:
    """What became of the order, each moment from its decision on."""
    order = found.order
    assert order is not None
    one = run.options.instruments[order.instrument]
    if order.held_back_ns:
        yield f"life      held back by the venue's limits for {order.held_back_ns / 1e6:.1f} ms"
    if order.taken_ns is not None:
        yield f"life      {_after(order, order.taken_ns)} at the venue"
    if found.queue is not None:
        ahead, traded = one.quantity(found.queue.ahead), one.quantity(found.queue.traded)
        yield f"          behind {ahead:f} {one.base_asset}; {traded:f} traded at its price while it stood there"
    for change in order.changes:
        name = {65: "taken back", 66: "changed"}.get(change.kind, "changed")
        yield f"          {_after(order, change.ts_ns)} {name} by the desk"
    for fill in order.fills:
        what = f"{one.quantity(fill.lots):f} {one.base_asset} at {one.price(fill.price):f}"
        heard = (fill.heard_ns - fill.happened_ns) / 1e6
        how = f"filled as {_maker(fill.maker)}: {what}, heard {heard:.1f} ms later"
        yield f"          {_after(order, fill.happened_ns)} {how}"
    yield f"          {_end_words(order)}"


def _end_words(order: "DeskOrder") -> str:
    from quintet.core.orders.lifecycle import VENUE_REASON_NAMES
    from quintet.core.row_laws import KIND_NAMES

    over = order.over
    if over is None:
        return "filled" if order.filled_lots >= order.last_lots else "still open, or unheard of, where the tape ends"
    name = KIND_NAMES[over.kind].lower().replace("_", " ")
    why = f": {VENUE_REASON_NAMES[over.reason]}" if 0 < over.reason < len(VENUE_REASON_NAMES) else ""
    return f"{_after(order, over.happened_ns)} {name}{why}"


def _after(order: "DeskOrder", ts_ns: int) -> str:
    return f"{(ts_ns - order.decided_ns) / 1e6:+.1f} ms"


def _maker(maker: bool) -> str:
    return "maker" if maker else "taker"


def told(found: "Why", place: "DeskPlace", run: "DeskRun") -> dict[str, Any]:
    """The same as one object, memory and all."""
    from dataclasses import asdict

    order = found.order
    return {
        "desk": place.name,
        "system": run.system.name,
        "position": found.position,
        "ts_ns": found.ts_ns,
        "event": found.event,
        "market": found.market,
        "notes": [{"kind": kind, "text": text} for kind, text in found.notes],
        "changed": {name: {"before": a, "after": b} for name, (a, b) in found.changed.items()},
        "memory": found.memory,
        "wants": found.wants,
        "gate": found.gate,
        "refused": [one._asdict() for one in found.refused],
        "shrunk": found.shrunk,
        "commands": found.commands,
        "order": asdict(order) if order is not None else None,
        "queue": found.queue._asdict() if found.queue is not None else None,
    }
