"""A recorded book as a market for both engines: the same rows, one constant latency, nothing before the first book."""

from pathlib import Path

from benchmarks.oracle.grids import Grid
from benchmarks.oracle.recorded import FEED_NS, market_of, multiplied
from quintet.app.tick_import import TickRequest, import_ticks
from quintet.core.events import BOOK_CLEAR
from quintet.storage.tape_files import open_tape
from tests.tick_files import depth, good_frames, recording, trade


def test_a_recorded_book_is_one_market_for_both(tmp_path: Path) -> None:
    """Given a feed whose trade before the snapshot is on the tape, both begin at the snapshot."""
    later = [depth(n, n, n - 1, bids=[["100.00", f"{n}.000"]], at_ms=20 * n) for n in range(16, 60)]
    frames = [
        trade(1, at_ms=1),
        *(frame for frame in good_frames() if frame.get("data", {}).get("e") != "trade"),
        *later,
    ]
    tape = open_tape(
        import_ticks(TickRequest((recording(tmp_path / "feed.gz", frames),)), tmp_path / "t", created_ns=0).path
    )

    market = market_of("small", tape)
    walked = market.walk(market.as_walked(Grid(step_ns=100_000_000)))

    kinds = tape.rows["kind"].tolist()
    assert (
        len(market.events) == sum(kind <= 3 for kind in kinds[kinds.index(BOOK_CLEAR) :]) < sum(k <= 3 for k in kinds)
    )
    assert set((market.events["ts_local"] - market.events["ts_exch"]).tolist()) == {FEED_NS}
    assert market.facts["tick"] == 0.1
    assert int(walked.desk[0].n_places) >= 10

    doubled = multiplied(tape.rows, 2)
    assert (
        doubled["quantity"].sum() - tape.rows["quantity"].sum() == tape.rows["quantity"][tape.rows["kind"] <= 3].sum()
    )
