"""A desk on paper: the venue's live feed, and behind the desk the very exchange of a backtest. No order leaves.

What is heard is kept on a market tape before it enters. So a paper desk is a backtest of a tape that is still growing:
it comes back by running that tape again, and a backtest of the tape decides the same.
"""

import asyncio
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Final

import numpy as np

from quintet import __version__
from quintet.app import reloading
from quintet.app.bybit_desk import listed_instrument
from quintet.app.desk_facts import keep_facts
from quintet.app.desk_folder import TAPE, Identity, begin, read_past, require_same
from quintet.app.desk_runs import rehearse_replay
from quintet.app.paper_again import MARKET_TAPE
from quintet.app.trading import (
    SOME_BOOK,
    Ended,
    Opened,
    Tell,
    TradeRequest,
    code_of,
    first_of,
    stopped_by_signals,
    summary_of,
)
from quintet.core.errors import DataError
from quintet.core.events import ASK_LEVEL, BID_LEVEL, BOOK_CLEAR, ROW, TEXT, TRADE_SELL
from quintet.core.instrument import DEFAULT_SPOT, Instrument, decode, encode
from quintet.core.market.tick_feed import LATENCY_NOTE, MEASURED, Frame
from quintet.core.orders import lifecycle
from quintet.core.state import World
from quintet.core.tape import TapeMeta
from quintet.research.backtest import desk_notes, fresh_world, set_timer
from quintet.research.backtest_options import BOOK_POLICY, BacktestOptions, TickBook
from quintet.research.systems import loop
from quintet.runtime.book_doubt import BookDoubt
from quintet.runtime.continued_tape import ContinuedTape
from quintet.runtime.live_desk import LOOK_S, NOTICE, Said
from quintet.runtime.recording import Recording
from quintet.runtime.recovery import back_again, lost_market
from quintet.runtime.sequencer import not_before
from quintet.runtime.session import PaperSession
from quintet.storage.tape_files import TapeWriter, open_tape
from quintet.storage.tick_recorder import TickRecorder
from quintet.venues.bybit import decode_ticks

SYNC_S: Final = 1.0

WINDOW: Final = 4
"""The simulated book reaches to so many times the first price; a market beyond it ends the desk, and says so."""

_HIGH_OF_SOME_BOOK: Final = 1_000

IN_FLIGHT: Final = 1 << 14
"""At most so many messages of the feed are between the exchange and us at one moment."""


async def paper(request: TradeRequest, tell: Tell) -> Ended:
    """Trade on paper until the time is over or somebody says stop; raises what `trade` raises."""
    path = request.folder / MARKET_TAPE
    if not path.exists():
        instrument = await asyncio.to_thread(listed_instrument, request.address, request.config.instrument)
        begin_market(request, path, instrument)
    with TapeWriter.resume(path) as market:
        return await PaperDesk(request, tell, market).live()


def rehearse(request: TradeRequest) -> None:
    """Compile the loop before the feed is heard: one book of nobody."""
    rows: list[Any] = []
    recorder = TickRecorder(Path("nowhere"), [DEFAULT_SPOT], decode_ticks.facts, Kept(rows))
    recorder.take(Frame((0, 0), 1_000_000, SOME_BOOK))
    options = _options(request, DEFAULT_SPOT, _HIGH_OF_SOME_BOOK)
    world = _world(request, options, 1_000_000)
    PaperSession(world, loop(request.system)).catch_up(rows[0])
    rehearse_replay(request.system, world)


class Kept:
    """Rows of a feed, kept. Fills `storage.tick_recorder.RowSink`."""

    position = 0
    durable_upto = 0

    def __init__(self, rows: list[Any]) -> None:
        self._rows = rows

    def append(self, rows: Any) -> int:
        """One more part."""
        self._rows.append(rows)
        return 0

    def sync(self) -> int:
        """There is no disk."""
        return 0

    def close(self) -> None:
        """There is nothing to close."""

    def abandon(self) -> None:
        """There is nothing to let go of."""


def _options(request: TradeRequest, instrument: Instrument, high: int) -> BacktestOptions:
    """The words of a backtest on order books, with room for prices from 1 to `high` increments."""
    book = TickBook(request.config.tick_execution, ((1, high),), IN_FLIGHT, marks_equity=True)
    config = request.config
    return BacktestOptions(instrument, config.execution, config.limits, request.structure, request.fills, book)


def _world(request: TradeRequest, options: BacktestOptions, first_ns: int) -> World:
    params = getattr(request.config.system, request.system.name)
    world = fresh_world(request.system, params, options, BOOK_POLICY, recording=True)
    set_timer(world, request.system, first_ns)
    return world


def begin_market(request: TradeRequest, path: Path, instrument: Instrument) -> None:
    """The tape of what is heard: what is traded stands in its notes until the first book defines it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    notes = {"format": "recorded", LATENCY_NOTE: MEASURED, "instrument": encode(instrument).decode()}
    synthetic = bool(request.address.url)
    meta = TapeMeta(synthetic=synthetic, created_ns=time.time_ns(), tool_version=__version__, notes=notes)
    TapeWriter.record(path, meta).close()


class PaperDesk:
    """Takes the feed's rows: onto the market tape first, then into the desk. Fills `storage.tick_recorder.RowSink`."""

    def __init__(self, request: TradeRequest, tell: Tell, market: TapeWriter) -> None:
        past = open_tape(market.path)
        self._request = request
        self._tell = tell
        self._market = market
        self._instrument = decode(past.meta.notes["instrument"].encode())
        self._waiting = self._past_rows = np.asarray(past.event_rows())
        self._floor_ns = int(self._waiting["ts_event"][self._waiting["kind"] <= BOOK_CLEAR].max(initial=0))
        self._heard_ns = self._last_ns = 0
        self._early_facts: list[Any] = []
        if len(self._waiting):
            self._lose_market()
        self.doubt: BookDoubt | None = None
        """Of the book that it trades on, where somebody keeps time for it."""

        self._session: PaperSession | None = None
        self._desk_tape: TapeWriter | None = None

    def _lose_market(self) -> None:
        """Nobody listened since the last row: the book is unknown from there on, whatever timers come meanwhile."""
        self._heard_ns = int(self._waiting["ts_recv"][self._waiting["kind"] != TEXT][-1])
        stamps = (self._floor_ns, self._heard_ns)
        rows = np.concatenate([np.asarray(back_again(*stamps)), np.asarray(lost_market(*stamps))])
        self._market.append(rows)
        self._waiting = np.concatenate([self._waiting, rows])

    @property
    def position(self) -> int:
        """The place of the next row."""
        return self._market.position

    @property
    def durable_upto(self) -> int:
        """Every place below this one has reached the disk."""
        return self._market.durable_upto

    def append(self, rows: Any) -> int:
        """What was heard."""
        rows["ts_event"] = np.maximum(rows["ts_event"], self._floor_ns)
        rows["ts_recv"] = np.maximum(rows["ts_recv"], self._heard_ns)
        if self.doubt is not None:
            self.doubt.hear(rows, time.time_ns())
        at = self._take(rows)
        early, self._early_facts = self._early_facts, []
        for fact in early:
            self.append_fact(fact)
        return at

    def append_fact(self, rows: Any) -> None:
        """What a source has said. The first book defines what is traded, and stands before all else."""
        if not self._market.position:
            self._early_facts.append(rows)
            return
        rows = not_before(rows, max(self._heard_ns, self._last_ns))
        # What the market said before may still be on its way to us.
        self._heard_ns = int(rows[0]["ts_recv"])
        self._take(rows)

    def _take(self, rows: Any) -> int:
        """Onto the market tape first, then into the desk."""
        self._last_ns = int(rows["ts_recv"][rows["kind"] != TEXT][-1])
        at = self._market.append(rows)
        self._enter(rows)
        return at

    def sync(self) -> int:
        """The market tape is synced beside the loop."""
        return self.durable_upto

    def close(self) -> None:
        """There is nothing to close."""

    def abandon(self) -> None:
        """There is nothing to let go of."""

    def begin(self) -> None:
        """Come back as it was; a new one begins with the first book that it hears."""
        self._try_to_begin()

    def end(self) -> None:
        """Let go of the desk's own tape."""
        if self._desk_tape is not None:
            self._desk_tape.close()

    # ---- a life ------------------------------------------------------------------------------------------------

    async def live(self) -> Ended:
        """Until it is stopped. What is under way at the simulated exchange goes on with the next start."""
        began_s = time.monotonic()
        stop = asyncio.Event()
        self.begin()
        recorder = TickRecorder(Path(self._instrument.symbol), [self._instrument], decode_ticks.facts, self)
        feed = Recording(self._request.address.public(), recorder)
        self.doubt = self.doubt_of(recorder)
        try:
            async with asyncio.TaskGroup() as group:
                refusing = reloading.refused_on_paper(self._request.folder, self._say)
                with stopped_by_signals(stop, self._request.seconds), refusing:
                    work = (feed.run(), self._sync_now_and_then(), self._doubt_now_and_then(self.doubt), self._facts())
                    tasks = [group.create_task(each) for each in work]
                    await stop.wait()
                for task in tasks:
                    task.cancel()
        except BaseExceptionGroup as several:
            raise first_of(several) from None
        finally:
            self.end()
        return self._ended(time.monotonic() - began_s)

    def _say(self, text: str) -> None:
        self._tell.said(Said(time.time_ns(), NOTICE, text))

    def _facts(self) -> Coroutine[Any, Any, None]:
        request = self._request
        return keep_facts(
            request.system.facts, request.facts, self._past_rows, self.append_fact,
            self._say,
        )  # fmt: skip

    async def _sync_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(SYNC_S)
            await asyncio.to_thread(self._market.sync)

    async def _doubt_now_and_then(self, doubt: BookDoubt) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            doubt.look(time.time_ns())

    def doubt_of(self, recorder: TickRecorder) -> BookDoubt:
        """A book that is silent beside its trades is lost, as at a venue: on the market tape, and asked for again."""

        def lose(now_ns: int, why: str) -> None:
            self._say(f"{why}: asking for it again")
            recorder.interrupt(now_ns, why)

        return BookDoubt(self._request.config.limits.stale_after_ms, lose)

    def _enter(self, rows: Any) -> None:
        if self._session is None:
            self._waiting = np.concatenate([self._waiting, rows])
            self._try_to_begin()
            return
        _require_within(rows, self._high)
        for happened in self._session.hear(rows):
            self._tell.happened(happened, self._instrument)

    def _try_to_begin(self) -> None:
        """A desk begins with the first book, which says how far its own must reach; its past is lived through first."""
        levels = self._waiting[np.isin(self._waiting["kind"], (BID_LEVEL, ASK_LEVEL))]
        if not len(levels):
            return
        self._high = int(levels["price"][0]) * WINDOW
        _require_within(self._waiting, self._high)
        request, system = self._request, self._request.system
        options = _options(request, self._instrument, self._high)
        self._world = _world(request, options, int(self._waiting["ts_recv"][0]))
        params = getattr(request.config.system, system.name)
        notes = desk_notes(system, params, options, BOOK_POLICY)
        who = Identity(request.desk, request.world, code_of(system), notes, bool(request.address.url))
        self._session = PaperSession(self._world, loop(system), self._open_desk_tape(who))
        happened = self._session.catch_up(self._waiting)
        self._waiting = self._waiting[:0]
        live = sum(int(order.status) != lifecycle.FREE for order in self._world.desk[0].orders)
        self._tell.opened(Opened(self._instrument, len(happened.rows), len(happened.rows), 0, live, {}))

    def _open_desk_tape(self, who: Identity) -> ContinuedTape:
        folder = self._request.folder
        past = read_past(folder)
        if past is not None:
            require_same(past, who, folder)
            self._desk_tape = TapeWriter.resume(folder / TAPE, past.known)
        else:
            self._desk_tape = begin(folder, who, time.time_ns(), __version__)
        return ContinuedTape(self._desk_tape, past.rows if past is not None else np.zeros(0, ROW))

    def _ended(self, seconds: float) -> Ended:
        ended = Ended(seconds=round(seconds, 3), folder=str(self._request.folder))
        if self._session is None:
            ended.notes.append("no book was heard: the desk did not begin")
            return ended
        return summary_of(self._world, self._instrument, ended)


def _require_within(rows: Any, high: int) -> None:
    """Raise DataError for a price beyond the simulated book: compiled code checks no bounds."""
    prices = rows["price"][rows["kind"] <= TRADE_SELL]
    if len(prices) and not 1 <= int(prices.min()) <= int(prices.max()) <= high:
        raise DataError(
            f"price is {int(prices.max())} increments, expected 1 to {high}: {WINDOW} times where this desk began; "
            "begin another desk"
        )
