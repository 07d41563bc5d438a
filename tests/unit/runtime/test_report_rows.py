"""Commands of a desk as a gateway wants them, and what became of an amendment as rows of a desk tape."""

from quintet.core import events as ev
from quintet.core.records import table
from quintet.core.state import COMMAND
from quintet.ports.order_entry import Accepted, Amend, Cancel, Place, Refused, Suppressed
from quintet.runtime.report_rows import outcome_rows
from quintet.venues.approved import approved
from tests.bybit_account import IDS


def commands_of(*rows: dict[str, int]) -> list:
    commands = table(COMMAND, len(rows))
    for command, row in zip(commands, rows, strict=True):
        for name, value in row.items():
            command[name] = value
    return approved(commands, IDS)


def test_every_kind_of_command_is_translated() -> None:
    order = {"number": 256, "instrument": 1, "side": -1, "style": 1, "price": 300, "lots": 7}
    client_id = IDS.of(256)
    assert commands_of(
        order | {"kind": ev.PLACE}, order | {"kind": ev.PLACE, "reduce_only": 1},
        order | {"kind": ev.AMEND}, order | {"kind": ev.CANCEL},
    ) == [
        Place(client_id, 1, -1, 1, 300, 7), Place(client_id, 1, -1, 1, 300, 7, True),
        Amend(client_id, 1, 300, 7), Cancel(client_id, 1),
    ]  # fmt: skip


def test_what_became_of_an_amendment() -> None:
    amend = Amend(IDS.of(256), 1, 300, 7)
    taken = outcome_rows(Accepted(amend), IDS, 9)
    assert taken["kind"].tolist() == [ev.ORDER_AMENDED, ev.ORDER_LOTS]
    assert (taken["quantity"].tolist(), taken["price"].tolist()) == ([256, 7], [300, 0])
    assert outcome_rows(Refused(amend, 5, "no"), IDS, 9)["kind"].tolist() == [ev.AMEND_REJECTED]
    assert outcome_rows(Suppressed(amend, "shut"), IDS, 9)["kind"].tolist() == [ev.AMEND_REJECTED]
