"""What is done to a desk and its exchange in an hour follows from the seed; the hour itself is `tools.storm.hour`."""

import pytest

from quintet.sandbox.faults import Fault, check
from tools.storm.hour import DESK_DEATHS, EXCHANGE_DEATHS, FAULT_MAX_S, FAULTS, deeds


@pytest.mark.parametrize("seed", range(5))
def test_deeds_come_in_order_and_from_the_seed_alone(seed: int) -> None:
    found = deeds(seed, 3_600)
    assert found == deeds(seed, 3_600) != deeds(seed + 1, 3_600)
    assert [deed.at_s for deed in found] == sorted(deed.at_s for deed in found)
    assert [deed.what for deed in found].count("desk") == DESK_DEATHS
    assert [deed.what for deed in found].count("exchange") == EXCHANGE_DEATHS
    assert all(deed.what.until_s <= FAULT_MAX_S for deed in found if isinstance(deed.what, Fault))


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.kind} {fault.where}")
def test_every_fault_is_one_that_the_exchange_takes(fault: Fault) -> None:
    check(fault, "hour")
