"""The market of a run: from a tape, candle files, a download, or the embedded generator; as one checked tape.

Whatever was assumed on the way (an instrument guessed, a perpetual standing in for spot, a range cut) becomes a
sentence that the first screen of the report shows.
"""

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
import numpy as np

from quintet import __version__
from quintet.app.config import Config, DataConfig
from quintet.app.flags import time_range, timeframe
from quintet.app.instruments import define, spoken_of
from quintet.app.messages import Complaint, progress
from quintet.core.events import BAR_CLOSE, SECOND_TIMEFRAMES, TIMEFRAME_NUMBER, TIMEFRAMES, timeframe_ns
from quintet.core.instrument import Instrument, encode, in_common_quanta
from quintet.core.market.tick_feed import LATENCY_NOTE, latency_believed, reason_not_traded
from quintet.core.tape import Tape, memory_tape
from quintet.research.tape_markets import between
from quintet.research.tick_setup import candles_on, has_book
from quintet.sim.exchange_order import whole_in_exchange_order
from quintet.storage.candle_sources import MarketBars, cut, from_bars, load_market
from quintet.storage.candle_table import Reading
from quintet.storage.candle_tapes import build_tape
from quintet.storage.tape_files import TapeWriter, open_tape
from quintet.storage.workspace import Workspace
from quintet.systems.structure_mm.config import require_spot

SYNTHETIC_HTF, SYNTHETIC_LTF = "5m", "1m"
BOOK_TIMEFRAME: Final = "1m"
_DERIVATIVE: Final = re.compile(r"(linear|perp|usdm|coinm|futures|swap|inverse|quarterly)", re.IGNORECASE)


class Market(NamedTuple):
    """A checked tape and what a reader must know of it. `fills` is the timeframe orders are matched against.

    `path`: the file that the tape is mapped from, None for one in memory.
    """

    tape: Tape
    instrument: Instrument
    structure: str
    fills: str
    synthetic: bool
    label: str
    assumptions: tuple[str, ...]
    path: Path | None = None

    @property
    def traded(self) -> tuple[Instrument, ...]:
        """All instruments, the first of them `instrument`."""
        return in_common_quanta(self.tape.instruments) if self.is_book else (self.instrument,)

    @property
    def is_book(self) -> bool:
        """Is it order books that are traded, not candles?"""
        return has_book(self.tape)


class MarketRequest(NamedTuple):
    """What of the market was asked for. `bars`: only so many structure bars from the beginning, None: all."""

    config: Config
    where: str
    symbol_given: bool = False
    bars: int | None = None


def open_market(request: MarketRequest, workspace: Workspace, now_ns: int) -> Market:
    """The market that the [data] section names, or the embedded synthetic one.

    Raises Complaint for flags that contradict each other, DataError and TapeError for files that cannot be used.
    """
    data = request.config.data
    _one_source(data, request.where)
    if data.tape:
        return _from_tape(request, data)
    if data.files:
        return _from_files(request, [Path(name) for name in data.files], now_ns)
    if data.cache or (request.symbol_given and data.start and data.end):
        return _from_venue(request, workspace, now_ns)
    return _synthetic(request, workspace, now_ns)


def _one_source(data: DataConfig, where: str) -> None:
    """One market has one source."""
    named = [name for name in ("tape", "files", "cache") if getattr(data, name)]
    if len(named) > 1:
        flags = {"tape": "--tape", "files": "--data", "cache": "--cache"}
        raise Complaint(
            "more than one source for the market",
            where=where,
            found=" and ".join(flags[name] for name in named),
            expected="one of --tape, --data, --cache",
        )


def as_candle_files(request: MarketRequest, folder: Path, workspace: Workspace) -> MarketRequest:
    """The same market asked for as candle files, so that their rows can be looked at; a tape stays a tape.

    Downloaded candles lie in their cache when the market has been opened once; the embedded market is written into
    `folder`.
    """
    data = request.config.data
    if data.tape or data.files:
        return request
    if data.cache or (request.symbol_given and data.start and data.end):
        return _with_files(request, _cache_path(request, workspace))
    from quintet.research.synthetic import DEFAULT_DAYS, DEFAULT_SEED, synthesize
    from quintet.storage.candle_files import write_candles

    instrument = define(request.config.instrument, request.where)
    path = folder / "synthetic_market_1m.parquet"
    made = synthesize(DEFAULT_SEED, days=DEFAULT_DAYS, instrument=instrument)
    write_candles(path, made, instrument, synthetic=True)
    return _with_files(request, path, SYNTHETIC_HTF, SYNTHETIC_LTF)


def _with_files(request: MarketRequest, path: Path, htf: str = "", ltf: str = "") -> MarketRequest:
    """The same request, with a candle file as its source; timeframes where it names none."""
    data = msgspec.structs.replace(request.config.data, files=(str(path),), cache="")
    if not data.interval:
        data = msgspec.structs.replace(
            data, htf_interval=data.htf_interval or htf, ltf_interval=data.ltf_interval or ltf
        )
    return request._replace(config=msgspec.structs.replace(request.config, data=data), symbol_given=True)


# ---- a tape --------------------------------------------------------------------------------------------------


def _from_tape(request: MarketRequest, data: DataConfig) -> Market:
    """A market tape as it is: its own instrument, its own timeframes."""
    for name in ("start", "end", "htf_interval", "ltf_interval"):
        if getattr(data, name):
            raise Complaint(
                "a tape is taken as it is",
                where=request.where,
                found=f"a tape together with {name}",
                expected="one of them; `quintet tape cut` makes a shorter tape",
            )
    with progress("checking the tape"):
        tape = open_tape(data.tape)
    if data.interval and not has_book(tape):
        raise Complaint(
            "a tape is taken as it is",
            where=request.where,
            found="a tape of candles together with interval",
            expected="no interval: its candles have their own",
        )
    if len(tape.instruments) != 1 and not (tape.instruments and has_book(tape)):
        found = ", ".join(each.name for each in tape.instruments) or "none"
        raise Complaint(
            "a tape of one instrument is needed",
            where=data.tape,
            found=found,
            expected="one instrument, where candles are traded; several need order books",
        )
    if not tape.census.market_only:
        raise Complaint("not a market tape", where=data.tape, found="desk events", expected="outside facts only")
    if reason := reason_not_traded(tape.meta):
        raise Complaint(
            "a tape that must not be traded", where=data.tape, found=reason, expected="a book with its trades"
        )
    instrument = tape.instruments[0]
    if has_book(tape):
        return _of_book(request, data, tape)
    require_spot(instrument)
    names = _bar_timeframes(tape, data.tape)
    said = [f"instrument {instrument.symbol} as the tape defines it; [instrument] is not used"]
    if tape.meta.synthetic:
        said.insert(0, _synthetic_label())
    return Market(
        tape, instrument, names[-1], names[0], tape.meta.synthetic, Path(data.tape).name, tuple(said), Path(data.tape)
    )


def _of_book(request: MarketRequest, data: DataConfig, tape: Tape) -> Market:
    """A tape of order books; its lengths are measured in bars of `interval`, and a system is told of such bars.

    Its rows are put into the order of the exchanges where several feeds, or candles, lie beside each other.
    """
    if not tape.census.kinds.get("TRADE_BUY", 0) + tape.census.kinds.get("TRADE_SELL", 0):
        raise Complaint(
            "a tape that must not be traded", where=data.tape, found="no trades", expected="a book with its trades"
        )
    in_seconds = data.interval if data.interval in SECOND_TIMEFRAMES else ""
    length = in_seconds or timeframe(data.interval, "interval") or BOOK_TIMEFRAME
    instruments, path, label = in_common_quanta(tape.instruments), Path(data.tape), Path(data.tape).name
    instrument = instruments[0]
    names = instrument.symbol if len(instruments) == 1 else ", ".join(each.name for each in instruments)
    said = [f"instrument {names} as the tape defines it; [instrument] is not used"]
    if candles := candles_on(tape):
        heard = any(TIMEFRAME_NUMBER[length] == number for _, number in candles)
        said.append(
            f"bars of {length} are the candles on the tape; where an instrument has none they are built from its trades"
            if heard
            else f"the tape's candles are not heard: bars of {length} are built from trades"
        )
    if not latency_believed(tape.meta):
        said.append(f"the tape's clocks measure no latency: {tape.meta.notes[LATENCY_NOTE]}")
    if tape.meta.synthetic:
        said.insert(0, _synthetic_label())
    synthetic = tape.meta.synthetic
    if request.bars is not None:
        tape = between(tape, None, tape.census.first_ns + request.bars * timeframe_ns(length))
        said.append(f"only the first {request.bars} x {length}")
    mapped = path if request.bars is None else None
    ordered = whole_in_exchange_order(tape)
    return Market(ordered, instrument, length, length, synthetic, label, tuple(said), mapped)


def _bar_timeframes(tape: Tape, where: str) -> list[str]:
    """Names of the bar timeframes on a tape, shortest first; raises Complaint unless there are one or two."""
    rows = np.asarray(tape.rows)
    numbers = np.unique(rows["bits"][rows["kind"] == BAR_CLOSE] >> 1)
    names = [name for number, name in enumerate(TIMEFRAMES, start=1) if number in numbers]
    if not 1 <= len(names) <= 2:
        raise Complaint(
            "a tape of candles is needed",
            where=where,
            found=f"bars of {len(names)} timeframes" + (f" ({', '.join(names)})" if names else ""),
            expected="one timeframe, or a higher and a lower one",
        )
    return names


# ---- candles -------------------------------------------------------------------------------------------------


def _from_files(request: MarketRequest, files: Sequence[Path], now_ns: int) -> Market:
    """Candle files on disk."""
    instrument, guessed = _instrument_for(request, [path.name for path in files])
    data = request.config.data
    htf, ltf = _asked_timeframes(data)
    start_ns, end_ns = time_range(data.start, data.end)
    with progress("reading candles"):
        market = load_market(files, instrument, htf, ltf, start_ns, end_ns, Reading(stamp=data.stamp))
    # A set may have been renamed on import; what its candles are was said by the file they came from.
    said = [*guessed, *_stand_in([source.origin for source in market.sources], instrument), *market.notes]
    if market.synthetic:
        said.insert(0, _synthetic_label())
    label = ", ".join(path.name for path in files)
    return _of_bars(market, instrument, request.bars, label, said, now_ns, synthetic=market.synthetic)


def _from_venue(request: MarketRequest, workspace: Workspace, now_ns: int) -> Market:
    """Candles of the venue's public interface, kept in a CSV that serves the next run without network."""
    from quintet.app.candle_download import Download, download_candles
    from quintet.venues.bybit.klines import BASE_URL

    instrument = define(request.config.instrument, request.where)
    require_spot(instrument)
    data = request.config.data
    if instrument.venue != "bybit":
        raise Complaint("no such venue to download from", where=request.where, found=instrument.venue, expected="bybit")
    htf, ltf = _asked_timeframes(data)
    start_ns, end_ns = time_range(data.start, data.end)
    if start_ns is None or end_ns is None:
        raise Complaint(
            "a download needs a range",
            where=request.where,
            found="no start or no end",
            expected="both --start and --end",
        )
    interval = ltf or htf or "5m"
    cache = _cache_path(request, workspace)
    wanted = Download(instrument.symbol, interval, start_ns, end_ns, instrument.kind, data.venue_url or BASE_URL)
    with progress(f"candles of {instrument.symbol}") as report:
        download_candles(wanted, cache, report)
    market = load_market([cache], instrument, htf or interval, ltf, start_ns, end_ns)
    said = [f"candles of {instrument.venue} {instrument.kind}, kept in {cache.name}", *market.notes]
    return _of_bars(market, instrument, request.bars, f"{instrument.venue} {instrument.symbol}", said, now_ns)


def _cache_path(request: MarketRequest, workspace: Workspace) -> Path:
    """Where downloaded candles are kept: as asked, else in the workspace under their market's name."""
    data = request.config.data
    if data.cache:
        return Path(data.cache)
    instrument = define(request.config.instrument, request.where)
    htf, ltf = _asked_timeframes(data)
    return workspace.data / f"{instrument.venue}_{instrument.symbol}_{ltf or htf or '5m'}.csv"


def _asked_timeframes(data: DataConfig) -> tuple[str | None, str | None]:
    """Higher and lower timeframe as asked; `interval` means a run on one timeframe. Raises Complaint."""
    interval = timeframe(data.interval, "interval")
    htf, ltf = timeframe(data.htf_interval, "htf_interval"), timeframe(data.ltf_interval, "ltf_interval")
    if interval is None:
        return htf, ltf
    if htf is not None or ltf is not None:
        raise Complaint(
            "interval contradicts htf_interval and ltf_interval",
            where="data",
            found=f"interval {data.interval} with {'htf' if htf else 'ltf'}_interval",
            expected="interval alone for one timeframe, or the other two",
        )
    return interval, interval


def _instrument_for(request: MarketRequest, names: Sequence[str]) -> tuple[Instrument, list[str]]:
    """The configured instrument; with no symbol given, the known one that the file names speak of."""
    section = request.config.instrument
    spoken = spoken_of(names)
    said: list[str] = []
    if not request.symbol_given and len(spoken) == 1 and spoken[0] != section.symbol:
        section = msgspec.structs.replace(section, symbol=spoken[0])
        said.append(f"instrument {spoken[0]} guessed from the file name; --symbol overrides it")
    instrument = define(section, request.where)
    require_spot(instrument)
    if request.symbol_given and len(spoken) == 1 and spoken[0] != instrument.symbol:
        said.append(f"the file name speaks of {spoken[0]}, the instrument is {instrument.symbol}")
    return instrument, said


def _stand_in(names: Sequence[str], instrument: Instrument) -> list[str]:
    """What must be said of prices that come from another kind of market than the one traded."""
    said = [
        f"candles give prices only; {instrument.symbol} {instrument.kind} with its fees comes from the configuration"
    ]
    if any(_DERIVATIVE.search(name) for name in names):
        said.insert(0, f"candles of a derivative stand in for {instrument.kind}: its prices are close, not equal")
    return said


# ---- the embedded market -------------------------------------------------------------------------------------


def _synthetic(request: MarketRequest, workspace: Workspace, now_ns: int) -> Market:
    """The embedded synthetic market; whole and default it is kept as a tape in the workspace."""
    instrument = define(request.config.instrument, request.where)
    require_spot(instrument)
    data = request.config.data
    htf, ltf = _asked_timeframes(data)
    htf, ltf = htf or SYNTHETIC_HTF, ltf or SYNTHETIC_LTF
    start_ns, end_ns = time_range(data.start, data.end)

    def bars() -> MarketBars:
        from quintet.research.synthetic import DEFAULT_DAYS, DEFAULT_SEED, synthesize

        days = DEFAULT_DAYS
        if request.bars is not None and start_ns is None:
            # A shorter market is the beginning of a longer one, so what is not asked for need not be made.
            days = min(days, 1 + request.bars * timeframe_ns(htf) // timeframe_ns("1d"))
        with progress("making the synthetic market"):
            made = synthesize(DEFAULT_SEED, days=days, instrument=instrument)
        return from_bars({made.timeframe: made}, htf, ltf, start_ns, end_ns)

    said = [_synthetic_label()]
    if start_ns is not None or end_ns is not None or request.bars is not None:
        return _of_bars(bars(), instrument, request.bars, "synthetic", said, now_ns, synthetic=True)
    path = workspace.tapes / f"synthetic-{instrument.symbol}-{_synthetic_key(instrument, htf, ltf)}.tape"
    tape = _kept_tape(path, bars, instrument, now_ns)
    return Market(tape, instrument, htf, ltf, True, "synthetic", tuple(said), path)


def _kept_tape(path: Path, bars: Callable[[], MarketBars], instrument: Instrument, now_ns: int) -> Tape:
    """The tape at `path`, made first when it is not there."""
    if not path.exists():
        meta, rows = build_tape(bars(), instrument, synthetic=True, created_ns=now_ns, tool_version=__version__)
        with TapeWriter(path, meta, replace=True) as writer:
            writer.append(rows)
    return open_tape(path)


def _synthetic_key(instrument: Instrument, *timeframes: str) -> str:
    """Twelve hex digits over everything the embedded market depends on, its generator's own text included."""
    from quintet.core import events, kernel, random, tape
    from quintet.core.market import bars, resample
    from quintet.research import synthetic
    from quintet.storage import candle_tapes

    digest = hashlib.sha256(encode(instrument))
    for name in timeframes:
        digest.update(name.encode())
    for module in (events, tape, kernel, random, bars, resample, synthetic, candle_tapes):
        digest.update(Path(str(module.__file__)).read_bytes())
    return digest.hexdigest()[:12]


def _synthetic_label() -> str:
    from quintet.research.synthetic import SYNTHETIC_LABEL

    return SYNTHETIC_LABEL


# ---- bars to a market ----------------------------------------------------------------------------------------


def _of_bars(
    market: MarketBars,
    instrument: Instrument,
    limit: int | None,
    label: str,
    said: Sequence[str],
    now_ns: int,
    *,
    synthetic: bool = False,
) -> Market:
    """A tape in memory from bars, the first `limit` structure bars of them."""
    if limit is not None:
        market, said = _first_bars(market, limit), [*said, f"only the first {limit} structure bars"]
    meta, rows = build_tape(market, instrument, synthetic=synthetic, created_ns=now_ns, tool_version=__version__)
    with progress("making the tape"):
        tape = memory_tape(rows, (), meta, label)
    fills = market.ltf.timeframe if market.ltf is not None else market.htf.timeframe
    return Market(tape, instrument, market.htf.timeframe, fills, synthetic, label, tuple(said))


def _first_bars(market: MarketBars, limit: int) -> MarketBars:
    """The first `limit` structure bars and the execution bars inside them."""
    if limit >= len(market.htf):
        return market
    end_ns = int(market.htf.ts_open[limit - 1]) + timeframe_ns(market.htf.timeframe)
    return replace(
        market,
        htf=cut(market.htf, None, end_ns),
        ltf=None if market.ltf is None else cut(market.ltf, None, end_ns),
    )
