"""Hashes of what was decided and of what is remembered: every difference shows, nothing else does."""

from typing import Any

import numpy as np
import pytest

from quintet.core.digest import canonical_bytes, command_hash, mix_in, state_hash
from quintet.core.orders.lifecycle import LIMIT
from quintet.core.records import record, table
from tests.desk_driver import Desk
from tests.desk_worlds import a_world

MEMORY = record(count="i8", average="f8", last="i8")


def mixed(*values: int) -> str:
    desk = a_world().desk[0]
    with np.errstate(over="ignore"):
        for value in values:
            mix_in(desk, value)
    return command_hash(desk)


def test_the_mix_knows_value_and_order() -> None:
    hashes = {mixed(*values) for values in ((), (0,), (1,), (1, 2), (2, 1), (2**62,), (0, 0))}
    assert len(hashes) == 7
    assert all(len(text) == 32 for text in hashes)


def test_the_mix_is_the_same_on_every_machine() -> None:
    assert mixed(1, 2, 3) == "9aed0e985da3b9d2e03ba1bdf123e602"


@pytest.mark.parametrize(
    "other", [(1, 9_901, 10), (1, 9_900, 11), (-1, 9_900, 10), (1, 9_900, 10, LIMIT)],
    ids=["price", "lots", "side", "style"],
)  # fmt: skip
def test_every_part_of_a_command_is_in_its_hash(other: Any) -> None:
    def hash_after(want: Any) -> str:
        desk = Desk(lots=20)
        assert len(desk.want(want)) == 1
        return command_hash(desk.record)

    assert hash_after(other) != hash_after((1, 9_900, 10))


def test_the_position_of_a_command_is_in_its_hash() -> None:
    def hash_after(events: int) -> str:
        desk = Desk()
        desk.event(events)
        desk.want((1, 9_900, 10))
        return command_hash(desk.record)

    assert hash_after(1) != hash_after(2)


def test_a_refusal_is_in_the_state_hash() -> None:
    refused, silent = Desk(), Desk()
    refused.want((-1, 9_900, 10))
    silent.want()
    silent.view.wants[0] = refused.view.wants[0]
    silent.view.n = 1
    assert refused.sent() == silent.sent() == []
    assert state_hash(refused.world.desk, refused.world.state) != state_hash(silent.world.desk, silent.world.state)


def test_what_has_left_the_desk_is_not_in_the_state_hash() -> None:
    desk = Desk()
    desk.want((1, 9_900, 10))
    before = state_hash(desk.world.desk, desk.world.state)
    desk.record.outbox[0].price = 1
    desk.record.n_outbox = 3
    desk.record.executions[5] = 9
    assert state_hash(desk.world.desk, desk.world.state) == before


def test_the_systems_own_memory_is_in_the_state_hash() -> None:
    world, memory = a_world(), table(MEMORY, 1)
    before = state_hash(world.desk, memory)
    memory[0].last = 1
    assert state_hash(world.desk, memory) != before


def test_all_nan_and_both_zeros_have_one_form() -> None:
    one, other = table(MEMORY, 2), table(MEMORY, 2)
    one["average"] = [np.nan, 0.0]
    other["average"] = [np.frombuffer(np.uint64(0xFFF8_0000_0000_0001).tobytes(), np.float64)[0], -0.0]
    assert canonical_bytes(one) == canonical_bytes(other)
    assert one.tobytes() != other.tobytes()


def test_padding_is_not_hashed_and_field_names_are() -> None:
    padded = np.dtype({"names": ["a", "b"], "formats": ["<i8", "<i8"], "offsets": [0, 16], "itemsize": 32})
    rows = np.zeros(2, padded)
    rows.view(np.uint8).reshape(2, 32)[:, 8:16] = 255
    assert canonical_bytes(rows) == canonical_bytes(np.zeros(2, padded))
    renamed = np.zeros(2, [("a", "<i8"), ("c", "<i8")])
    assert canonical_bytes(renamed) != canonical_bytes(np.zeros(2, [("a", "<i8"), ("b", "<i8")]))


def test_byte_order_of_the_machine_does_not_matter() -> None:
    little, big = np.array([(1, 2.5)], "<i8,<f8"), np.array([(1, 2.5)], ">i8,>f8")
    assert canonical_bytes(little) == canonical_bytes(big)
