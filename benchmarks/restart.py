"""How soon a desk has its tape again: `python -m benchmarks.restart --gib 1`.

The tape is made in a temporary folder, in blocks of one message as a desk writes them, and sealed 20,000 events before
its end, where the newest checkpoint would be. Said is what the disk's cache holds: a machine that has just been started
reads the file first. What is lived through again behind the checkpoint comes on top.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from quintet.core import events as ev
from quintet.core.instrument import DEFAULT_SPOT
from quintet.core.tape import HEADER_BYTES, ROW_BYTES, TapeMeta, instrument_rows
from quintet.storage.tape_files import TapeWriter, verified_path, verify_tape
from quintet.storage.written_rows import index_of, without_headers

MESSAGE_ROWS = 4
MESSAGES_AT_ONCE = 250_000
MESSAGES_BEHIND = 20_000


def messages(first_ns: int, count: int) -> np.ndarray:
    """Depth, four levels a message, a microsecond apart."""
    rows = np.zeros(count * MESSAGE_ROWS, ev.ROW)
    rows["ts_event"] = rows["ts_recv"] = first_ns + np.repeat(np.arange(count), MESSAGE_ROWS) * 1_000
    rows["price"], rows["quantity"] = 1_000 + np.arange(len(rows)) % MESSAGE_ROWS, 5
    rows["kind"] = ev.BID_LEVEL
    rows["bits"][MESSAGE_ROWS - 1 :: MESSAGE_ROWS] = ev.LAST
    return rows


def write(path: Path, gib: float) -> int:
    """A desk tape of so many GiB; the position behind its seal."""
    sealed = 0
    left = int(gib * 2**30) // (HEADER_BYTES + MESSAGE_ROWS * ROW_BYTES)
    meta = TapeMeta(use="desk", synthetic=True, created_ns=0, tool_version="benchmark")
    with TapeWriter.record(path, meta) as writer:
        at_ns = 0
        writer.append(instrument_rows(0, DEFAULT_SPOT, 0, 0))
        while left > 0:
            count = min(MESSAGES_AT_ONCE, left - MESSAGES_BEHIND) if left > MESSAGES_BEHIND else left
            writer.append(messages(at_ns, count), rows_per_block=MESSAGE_ROWS)
            at_ns, left = at_ns + count * 1_000, left - count
            writer.sync()
            if left == MESSAGES_BEHIND:
                writer.seal()
                sealed = writer.position
    return sealed


def clock() -> np.ndarray:
    """Seconds of the wall, and of this process on a processor."""
    return np.array((time.perf_counter(), time.process_time()))


def said(seconds: np.ndarray) -> str:
    """Both, as people read them."""
    return f"{seconds[0]:.2f} s ({seconds[1]:.2f} s of a processor)"


def main() -> None:
    """Print seconds of a desk's reading, and of a walk over every block."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gib", type=float, default=1.0)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "desk.tape"
        sealed = write(path, parser.parse_args().gib)
        verified_path(path).unlink(missing_ok=True)
        print(f"tape            {path.stat().st_size / 2**30:.2f} GiB")
        begun = clock()
        with TapeWriter.resume(path) as writer:
            read = clock()
            written = writer.written()
            behind = without_headers(written[index_of(written, sealed) :])
            known = writer.known
        copied = clock()
        TapeWriter.resume(path, known).abandon()
        again = clock()
        print(f"by the seal     {said(read - begun)}")
        print(f"copied out      {said(copied - read)}: {len(behind):,} rows behind it")
        print(f"writer again    {said(again - copied)}")
        begun = clock()
        verify_tape(path)
        print(f"every block     {said(clock() - begun)}")


if __name__ == "__main__":
    main()
