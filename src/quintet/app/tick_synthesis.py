"""A synthetic tick market on its way to a tape: the model as told on the command line, and the writing."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from quintet import __version__
from quintet.app.expectations import expected_text, fields_of
from quintet.app.flags import utc_ns
from quintet.app.messages import Complaint, Report, did_you_mean
from quintet.app.tape_commands import moment
from quintet.app.wiring import clock
from quintet.core.instrument import Instrument
from quintet.core.tape import TapeMeta, with_instruments
from quintet.research.synthetic import SYNTHETIC_LABEL
from quintet.research.tick_market import TickMarket, tape_notes
from quintet.research.tick_model import TICK_INSTRUMENT, TickModel, checked
from quintet.storage.tape_files import TapeWriter, open_tape


def told_model(told: Mapping[str, str], toxicity: float | None) -> TickModel:
    """The model with the numbers of `--flow` and `--toxicity`; raises Complaint for a key or value that cannot be."""
    known = fields_of(TickModel)
    for name in told:
        if name not in known:
            raise Complaint(
                "unknown number of the model",
                where="--flow",
                found=name,
                expected=f"one of {', '.join(known)}",
                hint=did_you_mean(name, known),
            )
    values: dict[str, Any] = dict(told) if toxicity is None else {**told, "toxicity": toxicity}
    try:
        return checked(msgspec.convert(values, TickModel, strict=False))
    except msgspec.ValidationError as error:
        name = str(error).partition("$.")[2].rstrip("`")
        raise Complaint(
            "a value that does not fit",
            where="--toxicity" if name == "toxicity" and "toxicity" not in told else f"--flow {name}",
            found=values.get(name),
            expected=expected_text(known[name]),
        ) from None


def told_market(
    seed: int, hours: float | None, instrument: Instrument | None, start: str, start_price: str, model: TickModel
) -> TickMarket:
    """The market of these flags; raises Complaint or InputError. One hour of a perpetual when nothing else is told."""
    return TickMarket(
        seed,
        hours=1 if hours is None else hours,
        instrument=instrument or TICK_INSTRUMENT,
        start_ns=utc_ns(start, "--start") or 0,
        start_price=start_price,
        model=model,
    )


def write_tick_market(market: TickMarket, path: Path, replace: bool, report: Report) -> dict[str, Any]:
    """Write the market as a tape chunk by chunk, verify it, and tell what it holds; raises TapeError, InputError."""
    meta = TapeMeta(
        synthetic=True,
        created_ns=int(clock().timestamp()) * 1_000_000_000,
        tool_version=__version__,
        notes=tape_notes(market),
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    with TapeWriter(path, meta, replace=replace) as writer:
        for chunk in market.chunks():
            rows = with_instruments(chunk.rows, [market.instrument]) if writer.position == 0 else chunk.rows
            writer.append(rows)
            report(int(chunk.rows[-1]["ts_event"]) - market.start_ns, market.end_ns - market.start_ns)
    tape = open_tape(path)
    kinds = tape.census.kinds
    return {
        "path": str(path),
        "seed": market.seed,
        "toxicity": market.model.toxicity,
        "rows": tape.census.positions,
        "trades": kinds.get("TRADE_BUY", 0) + kinds.get("TRADE_SELL", 0),
        "first": moment(tape.census.first_ns),
        "last": moment(tape.census.last_ns),
        "hash": tape.hash,
        "synthetic": True,
        "label": SYNTHETIC_LABEL,
    }
