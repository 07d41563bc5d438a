"""Commands of a desk as a gateway wants them, and what became of an amendment as rows of a desk tape."""

import pytest

from quintet.core import events as ev
from quintet.core.orders import lifecycle
from quintet.core.records import table
from quintet.core.state import COMMAND
from quintet.ports.order_entry import Accepted, Amend, Cancel, Place, Refused, Suppressed
from quintet.ports.venue_account import OrderReport
from quintet.runtime.report_rows import cut_rows, outcome_rows
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


def a_report(state: str, lots: int, reduce_only: bool = True) -> OrderReport:
    return OrderReport(1, IDS.of(256), "v", state, -1, 300, 0, lots, lots, reduce_only, 0, 8)  # type: ignore[arg-type]


def test_an_order_that_only_reduces_and_is_filled_as_less_than_was_sent_is_over() -> None:
    [row] = cut_rows(a_report("filled", 3), IDS, 4, 9)
    assert (row["kind"], row["quantity"], row["price"]) == (ev.ORDER_EXPIRED, 256, lifecycle.NOTHING_TO_CLOSE)
    assert (row["ts_event"], row["ts_recv"], row["bits"]) == (8, 9, ev.LAST)


@pytest.mark.parametrize(
    "report", [a_report("filled", 4), a_report("open", 3), a_report("filled", 3, reduce_only=False)]
)
def test_what_was_not_cut_or_may_not_be_over_says_nothing(report: OrderReport) -> None:
    assert len(cut_rows(report, IDS, 4, 9)) == 0


def test_an_order_of_nobody_is_not_cut() -> None:
    assert len(cut_rows(a_report("filled", 3)._replace(client_id="another"), IDS, 4, 9)) == 0
