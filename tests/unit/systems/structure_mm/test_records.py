"""Parameters become exact numbers once; the kernel starts the features as their own functions do."""

import msgspec
import pytest

from quintet.core.instrument import DEFAULT_SPOT
from quintet.core.parameters import ParameterError
from quintet.core.records import table
from quintet.core.state import VIEW
from quintet.features.structure import STRUCTURE, start_structure
from quintet.features.volatility import ATR, start_atr
from quintet.systems.structure_mm import PARAMS, STATE, StructureMmConfig, new_state, params_record
from quintet.systems.structure_mm.records import IN_E4, IN_E9
from quintet.systems.structure_mm.system import start


def test_every_field_is_filled_from_the_configuration():
    # given a configuration without a zero in it
    config = StructureMmConfig(arm_on_choch=True)
    # when it becomes a record
    row = params_record(config, DEFAULT_SPOT, structure=3, fills=1, spread_bps=1.5)[0]
    # then nothing was forgotten
    assert all(row[name] != 0 for name in PARAMS.names if name != "pullback")
    assert (row.structure_timeframe, row.fill_timeframe, row.spread_bp) == (3, 1, 1.5)
    assert row.v_defensive_e4 == 15_000
    assert row.w_hard_e9 == 400_000_000
    assert row.exit_cap_e9 == 5_000_000


def test_every_parameter_reaches_the_kernel():
    row = params_record(StructureMmConfig(), DEFAULT_SPOT)[0]
    renamed = {"bos_potential_ttl_bars", "defensive_size", "exit_cap_bp"}
    renamed |= (
        {"pullback_min_atr", "pullback_min_frac", "pullback_max_frac"} | set(IN_E4.values()) | set(IN_E9.values())
    )
    for name in StructureMmConfig.__struct_fields__:
        assert name in renamed or name in row.dtype.names, name


def test_one_timeframe_means_both():
    row = params_record(StructureMmConfig(), DEFAULT_SPOT, structure=3)[0]
    assert row.structure_timeframe == row.fill_timeframe == 3


@pytest.mark.req("S-04")
def test_an_instrument_that_is_not_spot_is_refused():
    perpetual = msgspec.structs.replace(DEFAULT_SPOT, kind="linear", fee_in_base=False)
    with pytest.raises(ParameterError, match=r"instrument\.kind"):
        params_record(StructureMmConfig(), perpetual)


def test_the_kernel_starts_the_features_as_their_own_functions_do():
    # given features started by their own functions
    shape, fast = table(STRUCTURE, 1)[0], table(ATR, 1)[0]
    start_structure(shape)
    start_atr(fast, 14)
    # when the system starts its own
    config = StructureMmConfig()
    state = new_state(config, DEFAULT_SPOT, 3, 3)[0]
    start(state, params_record(config, DEFAULT_SPOT)[0], table(VIEW, 1)[0])
    # then they are the same, byte for byte
    assert state.structure.tobytes() == shape.tobytes()
    assert state.fast.tobytes() == fast.tobytes()


def test_state_begins_empty():
    assert not new_state(StructureMmConfig(), DEFAULT_SPOT, 3, 3).view("u1").any()
    assert STATE.itemsize < 32_000
