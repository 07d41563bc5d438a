"""The configuration of tick mode: in integers, in sentences, and what it refuses."""

from typing import Any, get_args

import pytest

from quintet.core.engine.world import Setup, new_world
from quintet.core.errors import ConfigError
from quintet.core.parameters import ParameterError, describe
from quintet.core.records import table
from quintet.core.state import LATENCY
from quintet.sim.config import LatencyModel, QueueModel, SelfTrade, TickExecutionConfig
from quintet.sim.latency import LATENCY_MODEL_NAMES
from quintet.sim.queue import QUEUE_MODEL_NAMES
from quintet.sim.taking import SELF_TRADE_NAMES
from quintet.sim.tick_execution import QUEUE_SENTENCES, ends_by_reason, tick_assumptions, tick_execution_of
from tests.desk_worlds import LINEAR_COIN


def test_every_model_has_its_name_in_the_configuration_and_a_sentence() -> None:
    assert get_args(QueueModel) == QUEUE_MODEL_NAMES == tuple(QUEUE_SENTENCES)
    assert get_args(LatencyModel) == LATENCY_MODEL_NAMES
    assert get_args(SelfTrade) == SELF_TRADE_NAMES
    assert all(line.unit and line.reason for line in describe(TickExecutionConfig))


def test_a_configuration_becomes_whole_numbers() -> None:
    config = TickExecutionConfig(
        latency_model="drawn",
        entry_ms=0.1,
        feed_ms=2.5,
        spike_every_s=60,
        market_bound_bps=0.5,
        queue_model="log_share",
    )
    execution, latencies = tick_execution_of(config)
    assert (execution.latency_model, execution.entry_ns, execution.feed_ns) == (1, 100_000, 2_500_000)
    assert (execution.spike_every_ns, execution.market_bound_e9, execution.queue_model) == (60 * 10**9, 50_000, 5)
    assert latencies.entry_p99_ns == 50_000_000
    world = new_world(Setup(instruments=(LINEAR_COIN,), execution=execution, latencies=latencies))
    assert world.venue[0].gateways[0].entry.sigma > 0
    assert ends_by_reason(world) == {}


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ({}, "An order takes 5 ms to the exchange, an answer 3 ms back."),
        ({"latency_model": "drawn"}, "longer than 50 ms once in a hundred times"),
        ({"latency_model": "recorded"}, "as long as recorded ones did"),
        ({"feed_ms": 4}, "The feed reaches us 4 ms late"),
        ({"spike_every_s": 30}, "Once in every 30 s, for 500 ms"),
        ({"own_impact": False}, "what it took is there again at once"),
        ({"own_impact": False, "partial_fills": False}, "whole at the best price, whatever is there"),
        ({"queue_model": "power"}, QUEUE_SENTENCES["power"]),
    ],
)
def test_every_assumption_is_a_sentence(config: dict[str, Any], sentence: str) -> None:
    assert sentence in " ".join(tick_assumptions(TickExecutionConfig(**config)))


@pytest.mark.parametrize(
    ("config", "key"),
    [
        ({"partial_fills": False}, "own_impact"),
        ({"feed_ms": -1.0}, "feed_ms"),
        ({"latency_model": "drawn", "entry_ms": 60.0}, "entry_ms"),
        ({"latency_model": "drawn", "least_ms": 3.0}, "response_ms"),
        ({"spike_every_s": 0.1}, "spike_ms"),
    ],
)
def test_what_contradicts_itself_is_refused(config: dict[str, Any], key: str) -> None:
    with pytest.raises(ParameterError) as refused:
        TickExecutionConfig(**config)
    assert refused.value.key == key


def test_recorded_latencies_need_a_record() -> None:
    config = TickExecutionConfig(latency_model="recorded")
    with pytest.raises(ConfigError, match="no recorded orders"):
        tick_execution_of(config)
    orders = table(LATENCY, 1)
    assert tick_execution_of(config, orders)[1].recorded is orders
