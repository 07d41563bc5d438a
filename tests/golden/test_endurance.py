"""A long market costs no more memory than a short one; the same market twice gives the same hashes."""

from pathlib import Path

from benchmarks.endurance import FLAT_BYTES_PER_HOUR, Sample, made, slope_per_row, walked
from quintet.research.tick_market import TickMarket

HOURS = 0.5


def test_two_million_rows_with_a_maker_hold_no_memory_and_repeat_themselves(tmp_path: Path) -> None:
    tape, window = made(TickMarket(hours=HOURS), tmp_path / "long.tape")
    first, second = walked(tape, window), walked(tape, window)

    assert tape.n_positions > 1_500_000
    assert first.looks == HOURS * 36_000 - 1
    assert first.fills > 1_000
    assert first.hashes == second.hashes
    # So short a run sees single allocations; over two million rows they may add up to 4 MiB an hour, not to a leak.
    assert abs(slope_per_row(second.samples) * tape.n_positions / HOURS) < 64 * FLAT_BYTES_PER_HOUR
    assert max(sample.resident - sample.own for sample in second.samples) < 300 << 20


def test_a_leak_shows_as_a_slope() -> None:
    leaking = [Sample(rows, 100 + 3 * rows, 0) for rows in range(0, 10_000, 100)]
    assert round(slope_per_row(leaking), 9) == 3
    warming = [Sample(rows, 10**9 if rows < 1_000 else 5, 0) for rows in range(0, 10_000, 100)]
    assert slope_per_row(warming) == 0
