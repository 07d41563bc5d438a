"""Folders of runs as a backtest would have written them, with a real desk tape in each."""

from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal

from quintet.core.instrument import DEFAULT_SPOT
from quintet.core.market.bars import bar_rows
from quintet.core.tape import TapeMeta, instrument_rows
from quintet.storage.run_folders import write_json, write_run
from quintet.storage.tape_files import TapeWriter
from tests.fakes.backtest_result import START_NS, hand_made_bars, hand_made_prices

HASHES: Final = {"tape": "a" * 64, "commands": "b" * 32, "state": "c" * 64}

MakeRun = Callable[..., Path]


def run_maker(runs: Path) -> MakeRun:
    """`make(name, **facts)`: a run of that name; facts stand in manifest and metrics."""

    def make(name: str, market: str = HASHES["tape"], use: Literal["market", "desk"] = "desk", **facts: object) -> Path:
        described = {"system": "structure_mm", "hashes": HASHES, "conservation": 0, "synthetic": False} | facts
        low = {"low_frac": facts.get("low_frac", 0.01), "policies": {"pessimistic": 1.0, "optimistic": 2.0}}
        metrics = described | {"metrics": {"alarms": 0, "max_drawdown_frac": 0.04}, "interval": low}

        def write_tape(path: Path) -> None:
            meta = TapeMeta(use=use, synthetic=False, created_ns=0, tool_version="test", notes={"market_tape": market})
            with TapeWriter(path, meta) as writer:
                writer.append(instrument_rows(0, DEFAULT_SPOT, START_NS, START_NS))
                writer.append(bar_rows(hand_made_bars(hand_made_prices(20))))

        return write_run(
            runs / name,
            name,
            {**described, "assumptions": []},
            {"metrics.json": lambda path: write_json(path, metrics), "desk.tape": write_tape},
        )

    return make
