"""Recorded tick files as they lie on disk: opened, unpacked and cut into frames, a line at a time.

Recorders write a frame a line, and differ in what stands before it:

    1723161255030314667 {"stream": ...}               receive time in ns, then the frame
    1626992741.06217: {"stream": ...}                 in seconds; a capture, with lines of its own:
    https://host/path?symbol=X -> 1626992741.3: {...}     an answer to a request
    wss://host <- 1618677786.4: {...}                     what was sent, left out; also the line that names the host,
                                                      and `configuration:`, what the recorder was asked for
    {"topic": ...}                                    no receive time: the venue's stamp stands for it

Files are read one after the other; captures of several connections are woven together by the time of receipt.
"""

import csv
import gzip
import hashlib
import heapq
import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from copy import copy
from itertools import chain
from pathlib import Path
from typing import IO, Final, TypeVar, cast

from quintet.core.errors import DataError
from quintet.core.market.tick_feed import UNKNOWN, Frame
from quintet.core.row_laws import TIME_MAX

_WITHOUT_LINES: Final = (".npy", ".npz", ".parquet")
_SETTINGS: Final = b"configuration: "
LINE_BYTES_MAX: Final = 64 << 20
_DAMAGED: Final = (EOFError, gzip.BadGzipFile, lzma.LZMAError, zipfile.BadZipFile, zlib.error)
_SCHEMES: Final = (b"https://", b"http://", b"wss://", b"ws://")

Item = TypeVar("Item")
Progress = Callable[[float, float], None]


class TickFiles:
    """One or more files read as one feed, and the place where reading stands: what an error names.

    `chosen`: the files that are read, by number.
    """

    def __init__(self, paths: Sequence[Path], report: Progress | None = None) -> None:
        self.paths = list(paths)
        self.chosen: Sequence[int] = range(len(self.paths))
        self.at = (0, 0)
        self._report = report
        self._sizes = [path.stat().st_size for path in self.paths]
        self._read = [0] * len(self.paths)

    def place(self, file: int, line: int) -> str:
        """File and line (of a table without lines: row) for people."""
        path = self.paths[file]
        return f"{path}: {'row' if path.suffix in _WITHOUT_LINES else 'line'} {line}"

    def only(self, chosen: Sequence[int]) -> "TickFiles":
        """Some of the files, read by themselves; their places keep the numbers that they have here."""
        part = copy(self)
        part.chosen = chosen
        return part

    def sha256(self) -> list[str]:
        """Of each file, as it lies on disk."""
        return [file_sha256(path) for path in self.paths]

    def lines(self, file: int) -> Iterator[tuple[int, bytes]]:
        """Numbered lines of one file without their line ends, empty ones left out."""
        path = self.paths[file]
        number = 0
        try:
            with open_unpacked(path) as (raw, text):
                while line := text.readline(LINE_BYTES_MAX):
                    number += 1
                    if number % 4096 == 0:
                        self.tell(file, raw.tell())
                    self.at = (file, number)
                    if stripped := line.strip():
                        yield number, stripped
        except _DAMAGED as error:
            raise DataError(f"{self.place(file, number)}: the packed data breaks off or is damaged ({error})") from None
        self.tell(file, self._sizes[file])

    def frames(self) -> Iterator[Frame]:
        """Frames of all files: captures woven by the time of receipt, else one file after the other."""
        streams = [self._frames_of(n) for n in self.chosen]
        woven = len(streams) > 1 and all(is_capture(self.paths[n]) for n in self.chosen)
        for frame in heapq.merge(*streams, key=lambda frame: frame.recv_ns) if woven else chain(*streams):
            self.at = frame.where
            yield frame

    def rows(self, expected: Sequence[str] | None = None) -> Iterator[tuple[tuple[int, int], list[str]]]:
        """Cells of CSV files, one file after the other, each with its place; `expected`: its header line."""
        for file in self.chosen:
            yield from self.rows_of(file, expected)

    def rows_of(self, file: int, expected: Sequence[str] | None = None) -> Iterator[tuple[tuple[int, int], list[str]]]:
        """Cells of one CSV file; raises DataError for a header that is another or a line of another length."""
        numbers = self.lines(file)
        texts = (line.decode("utf-8", "replace") for _, line in numbers)
        for cells in csv.reader(texts):
            if expected is not None and self.at[1] == 1:
                if cells[: len(expected)] != list(expected):
                    raise DataError(
                        f"{self.place(file, 1)}: the header is {','.join(cells)[:80]!r}, "
                        f"expected {','.join(expected)!r}"
                    )
                continue
            if expected is not None and len(cells) < len(expected):
                raise DataError(f"{self.place(*self.at)}: has {len(cells)} cells, expected {len(expected)}")
            yield self.at, cells

    def _frames_of(self, file: int) -> Iterator[Frame]:
        for number, line in self.lines(file):
            try:
                frame = _frame(line, (file, number))
            except ValueError:
                raise DataError(f"{self.place(file, number)}: no receive time before the frame") from None
            if frame is not None:
                yield frame

    def tell(self, file: int, position: int) -> None:
        """Report that a file has been read up to a byte."""
        if self._report is not None:
            self._read[file] = position
            self._report(sum(self._read), sum(self._sizes))

    def located(self, items: Iterable[Item]) -> Iterator[Item]:
        """The same items; an error that knows no file gets the place where reading stands."""
        try:
            yield from items
        except DataError as error:
            text = str(error)
            if any(text.startswith(str(path)) for path in self.paths):
                raise
            raise DataError(f"{self.place(*self.at)}: {text}") from None


def _frame(line: bytes, where: tuple[int, int]) -> Frame | None:
    """The frame of a line, None for a line that carries none; raises ValueError for what begins like none of them."""
    if line.startswith(b"{"):
        return Frame(where, UNKNOWN, line)
    if line.startswith(_SETTINGS):
        return None
    if line.startswith(_SCHEMES):
        url, arrow, rest = line.partition(b" -> ")
        if not arrow:
            return None
        stamp, _, body = rest.partition(b": ")
        return Frame(where, seconds_ns(stamp), body.strip(), url.decode(errors="replace"))
    head, _, body = line.partition(b" ")
    recv_ns = seconds_ns(head[:-1]) if head.endswith(b":") else int(head)
    if not 0 < recv_ns < TIME_MAX:
        raise ValueError(recv_ns)
    return Frame(where, recv_ns, body.strip())


def seconds_ns(text: bytes) -> int:
    """Decimal seconds to nanoseconds, without a float in between; raises ValueError."""
    whole, _, fraction = text.partition(b".")
    if not whole.isdigit() or not (fraction.isdigit() or not fraction):
        raise ValueError(text)
    return int(whole) * 1_000_000_000 + int(fraction[:9].ljust(9, b"0") or b"0")


def is_capture(path: Path) -> bool:
    """Does the file say what was connected to before what was received?"""
    return first_line(path).startswith(_SCHEMES)


def first_line(path: Path) -> bytes:
    """The first line of a file, unpacked, at most 64 KiB of it; empty when there is none or it is no text."""
    return beginning(path, 1 << 16).partition(b"\n")[0].strip()


def beginning(path: Path, length: int) -> bytes:
    """The first bytes of a file, unpacked; as many as can be read of one that is damaged."""
    found = b""
    try:
        with open_unpacked(path) as (_, text):
            while len(found) < length and (more := text.read(min(4096, length - len(found)))):
                found += more
    except (*_DAMAGED, DataError, OSError):
        return found
    return found


@contextmanager
def open_unpacked(path: Path) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    """The file as it lies on disk and the stream of what is in it, whatever it is packed with.

    A zip holds one file. Raises DataError for a file that cannot be opened or a zip of another number of files.
    """
    with ExitStack() as opened:
        try:
            raw = opened.enter_context(path.open("rb"))
        except OSError as error:
            raise DataError(f"{path}: cannot open: {error.strerror}") from None
        magic = raw.read(6)
        raw.seek(0)
        if magic.startswith(b"\x1f\x8b"):
            yield raw, cast(IO[bytes], opened.enter_context(gzip.GzipFile(fileobj=raw)))
        elif magic == b"\xfd7zXZ\0":
            yield raw, cast(IO[bytes], opened.enter_context(lzma.LZMAFile(raw)))
        elif magic.startswith(b"PK\x03\x04"):
            archive = opened.enter_context(zipfile.ZipFile(raw))
            names = archive.namelist()
            if len(names) != 1:
                raise DataError(f"{path}: a zip of {len(names)} files, expected one recording in it")
            yield raw, opened.enter_context(archive.open(names[0]))
        else:
            yield raw, raw


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
