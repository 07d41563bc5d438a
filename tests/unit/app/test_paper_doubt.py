"""A book that falls silent beside its trades is lost on paper as at a venue: said, on the tape, and asked for again."""

import json
import time
from pathlib import Path

import numpy as np

from quintet.app.paper_again import MARKET_TAPE
from quintet.app.paper_trading import PaperDesk, begin_market
from quintet.app.trading import Tell
from quintet.core import events as ev
from quintet.core.market.tick_feed import Frame
from quintet.runtime.live_desk import NOTICE, Said
from quintet.storage.tape_files import TapeWriter, open_tape
from quintet.storage.tick_recorder import TickRecorder
from quintet.venues.bybit import decode_ticks
from tests.desk_worlds import START
from tests.lived_desks import COIN, a_request

MS = 10**6


def book(at_ms: int, bid: str, ask: str) -> bytes:
    levels = {"s": "COINUSDT", "b": [[bid, "10"]], "a": [[ask, "10"]], "u": at_ms, "seq": at_ms}
    frame = {"topic": "orderbook.200.COINUSDT", "type": "snapshot", "ts": at_ms, "cts": at_ms, "data": levels}
    return json.dumps(frame).encode()


def trade(at_ms: int, price: str) -> bytes:
    row = {"T": at_ms, "s": "COINUSDT", "S": "Buy", "v": "1", "p": price, "L": "ZeroTick", "i": str(at_ms), "BT": False}
    return json.dumps({"topic": "publicTrade.COINUSDT", "type": "snapshot", "ts": at_ms, "data": [row]}).encode()


def test_a_paper_desk_loses_a_book_that_says_nothing_while_trades_are_printed(tmp_path: Path) -> None:
    # given a paper desk whose limits allow a market that is two seconds old
    config = tmp_path / "desk.toml"
    config.write_text("[risk]\nstale_after_ms = 2000\n")
    request = a_request(tmp_path, "paper", config)
    said: list[Said] = []
    tell = Tell(lambda opened: None, lambda happened, instrument: None, said.append)
    path = request.folder / MARKET_TAPE
    begin_market(request, path, COIN)
    with TapeWriter.resume(path) as market:
        desk = PaperDesk(request, tell, market)
        desk.begin()
        recorder = TickRecorder(Path("COINUSDT"), [COIN], decode_ticks.facts, desk)
        doubt = desk.doubt = desk.doubt_of(recorder)
        start_ms = START // MS
        recorder.take(Frame((0, 0), START + 5 * MS, book(start_ms, "100.00", "100.10")))
        # when its book speaks, and then only trades are printed
        doubt.look(time.time_ns() + 10**10)
        assert said == []
        recorder.take(Frame((0, 1), START + 1_000 * MS, trade(start_ms + 990, "100.10")))
        doubt.look(time.time_ns())
        assert said == []
        doubt.look(time.time_ns() + 2 * 10**9)
        # then the book is lost, once: it is told, stands on the tape, and is asked for again
        doubt.look(time.time_ns() + 3 * 10**9)
        assert [line.kind for line in said] == [NOTICE]
        assert "while trades were printed: asking for it again" in said[0].text
        assert recorder.wants_snapshot() == ("COINUSDT",)
        desk.end()
    kinds = np.asarray(open_tape(path).event_rows())["kind"].tolist()
    assert kinds[-2:] == [ev.FEED_GAP, ev.BOOK_CLEAR]
