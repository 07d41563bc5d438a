"""Desks that have lived for weeks in a second: their market is a book of two levels and one trade an hour."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

from quintet import __version__
from quintet.app import desk_folder, upgrading
from quintet.app.bybit_desk import Address
from quintet.app.config import Config, find_system, load
from quintet.app.paper_again import MARKET_TAPE
from quintet.app.paper_trading import PaperDesk, begin_market
from quintet.app.trading import Tell, TradeRequest, _identity_of, _options
from quintet.core import events as ev
from quintet.core.digest import command_hash, state_hash
from quintet.core.instrument import Instrument
from quintet.core.tape import instrument_rows
from quintet.research.backtest import fresh_world, set_timer
from quintet.research.backtest_options import BOOK_POLICY
from quintet.research.desk_run import desk_run_of
from quintet.research.retuning import TunedEntrance
from quintet.runtime.recovery import back_again, lost_market
from quintet.runtime.session import Keeping, Session
from quintet.storage.tape_files import TapeWriter
from tests.desk_worlds import START

HOLDER = f"{Path(__file__).with_name('daily_holder.py')}:DailyHolder"
NOBODY = Tell(lambda opened: None, lambda happened, instrument: None, lambda said: None)
HOUR_NS = 3_600 * 10**9
DAY_NS = 24 * HOUR_NS

COIN = Instrument(
    symbol="COINUSDT", venue="bybit", kind="spot", base_asset="COIN", quote_asset="USDT",
    price_increment=Decimal("0.01"), tick_size=Decimal("0.01"), lot_size=Decimal("0.001"),
    maker_fee_e9=1_000_000, taker_fee_e9=1_000_000, fee_in_base=True,
)  # fmt: skip


def a_request(
    folder: Path, world: str, config: Path | None = None, desk: str = "main", url: str = "", system_file: str = HOLDER
) -> TradeRequest:
    """What `quintet trade` would be asked for."""
    system = find_system(system_file)
    loaded: Config = load(config, (), [], system)
    return TradeRequest(
        system, loaded, world, desk, Address("spot", "COINUSDT", url), "1h", "1h", folder / f"{world}-{desk}"
    )  # type: ignore[arg-type]


def hours(first_ns: int, count: int, price: int = 10_000) -> Any:
    """A book around `price`, and a trade in it, once an hour: one message each."""
    rows = []
    for n in range(count):
        ts = first_ns + n * HOUR_NS
        at = price + n % 7
        levels = [(ev.BID_LEVEL, at - 5, 10**7), (ev.ASK_LEVEL, at + 5, 10**7)]
        clear = [(ts, ts, 0, 0, 0, ev.BOOK_CLEAR, 0)]
        book = [(ts, ts, lots, where, 0, kind, 0) for kind, where, lots in levels]
        book[-1] = (*book[-1][:-1], ev.LAST)
        trade = (ts + 1_000_000, ts + 1_000_000, 5, at, 0, ev.TRADE_BUY, ev.LAST)
        rows += [*clear, *book, trade]
    return np.array(rows, ev.ROW)


def live_on_paper(request: TradeRequest, *stretches: Any) -> Any:
    """A life on paper for each stretch of rows; between them the desk was not there. Returns how it ended."""
    path = request.folder / MARKET_TAPE
    for rows in stretches:
        if not path.exists():
            begin_market(request, path, COIN)
            first_ns = int(rows[0]["ts_recv"])
            rows = np.concatenate([instrument_rows(0, COIN, first_ns, first_ns), rows])
        with TapeWriter.resume(path) as market:
            desk = PaperDesk(request, NOBODY, market)
            desk.begin()
            desk.append(np.array(rows))
            desk.end()
    return desk._ended(0.0)


class Silent:
    """A venue that takes every command and never answers."""

    def __init__(self) -> None:
        self.sent: list[int] = []

    def send(self, commands: Any) -> None:
        self.sent += commands["number"].tolist()


class VenueDesk:
    """A desk at a venue as `quintet trade` puts it together, without the venue: what its tape and folder are about."""

    def __init__(self, request: TradeRequest, first_ns: int = START) -> None:
        """Begun in its folder, or come back in it; as a newer version where the code is another."""
        options = _options(request, COIN)
        self.request, self.venue = request, Silent()
        self.who = _identity_of(request, COIN)
        upgrading.finish(request.folder)
        past = desk_folder.past_of(request.folder)
        params = getattr(request.config.system, request.system.name)
        if past is None:
            more = {"venue_url": "", "untouched": "{}", "executed_before": "[]"}
            rows = desk_folder.first_rows((COIN,), first_ns, first_ns)
            desk_folder.write_birth(request.folder, self.who, __version__, more, rows)
            past = desk_folder.required_past(request.folder)
        desk_folder.require_same(past, self.who, request.folder)
        if past.notes["code"] != self.who.code:
            past = upgrading.upgrade(request.folder, past, self.who, self._world(params, options))
        began = desk_run_of(past.notes, "tape", request.system)
        self.world = self._world(began.params, options._replace(risk=began.options.risk))
        set_timer(self.world, request.system, first_ns)
        self.enter = TunedEntrance(request.system, self.world, past.notes)
        self.relived = desk_folder.come_back(request.folder, past, self.who, self.world, self.enter)
        self.ids = desk_folder.ids_of(request.desk, past.birth)
        self.tape = TapeWriter.resume(request.folder / desk_folder.TAPE, past.known)
        keeping = Keeping(desk_folder.SealedCheckpoints(request.folder, self.tape), self.who.code, self.enter.config)
        self.session = Session(self.world, self.enter, self.tape, self.venue, keeping, self.tape.position, past.last_ns)
        if past.positions > len(desk_folder.first_rows((COIN,), 0, 0)):
            heard_ns = past.market_ns or past.last_ns
            list(self.session.hear(back_again(heard_ns, past.last_ns)))
            list(self.session.hear(lost_market(heard_ns, past.last_ns)))

    @staticmethod
    def identity(request: TradeRequest) -> Any:
        """What a request makes a desk."""
        return _identity_of(request, COIN)

    def _world(self, params: Any, options: Any) -> Any:
        return fresh_world(self.request.system, params, options, BOOK_POLICY)

    def hear(self, rows: Any) -> None:
        list(self.session.hear(rows))

    def stop(self) -> None:
        list(self.session.end())
        self.tape.close()

    def kill(self) -> None:
        self.tape.close()

    @property
    def hashes(self) -> tuple[str, str]:
        return command_hash(self.world.desk[0]), state_hash(self.world.desk, self.world.state)


def live_at_a_venue(request: TradeRequest, *stretches: Any) -> None:
    """A life at a venue that answers nothing for each stretch of rows."""
    for rows in stretches or (hours(START, 0),):
        desk = VenueDesk(request)
        desk.hear(rows)
        desk.stop()
