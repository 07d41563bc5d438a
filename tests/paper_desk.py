"""A paper desk without a network: a generated market is handed to it frame by frame; what it writes is its own."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from quintet.app.bybit_desk import Address
from quintet.app.config import find_system, load
from quintet.app.paper_again import MARKET_TAPE
from quintet.app.paper_trading import PaperDesk, begin_market
from quintet.app.trading import Tell, TradeRequest
from quintet.core.events import LAST
from quintet.core.instrument import Instrument
from quintet.research.tick_market import TickMarket
from quintet.research.tick_model import TickModel
from quintet.storage.tape_files import TapeWriter
from quintet.storage.tick_recorder import definitions

BUSY = f"{Path(__file__).parent / 'busy_maker.py'}:BusyMaker"
SPOT = Instrument(
    symbol="BTCUSDT", venue="bybit", kind="spot", base_asset="BTC", quote_asset="USDT",
    price_increment=Decimal("0.1"), tick_size=Decimal("2"), lot_size=Decimal("0.000001"),
    base_quantum=Decimal("0.00000001"), maker_fee_e9=1_000_000, taker_fee_e9=1_000_000, fee_in_base=True,
)  # fmt: skip
FREE = msgspec.structs.replace(SPOT, maker_fee_e9=0, taker_fee_e9=0)
"""Where trading costs nothing, so that structure_mm finds what pays within minutes."""

LIVELY = TickModel(levels=20, depth_per_s=2.0, depth_rows=3.0, trades_per_s=3.0, touch_quote=20_000, moves_per_s=6.0)
CALM = TickModel(levels=20, depth_per_s=4.0, depth_rows=5.0, trades_per_s=1.5, touch_quote=20_000)
NOBODY = Tell(lambda opened: None, lambda happened, instrument: None, lambda said: None)


def market_rows(hours: float, model: TickModel = CALM, instrument: Instrument = SPOT) -> Any:
    """Rows of a generated market, definitions first."""
    market = TickMarket(5, hours=hours, instrument=instrument, start_price="50000", model=model)
    rows = np.concatenate([chunk.rows.copy() for chunk in market.chunks()])
    return np.concatenate([definitions([instrument], rows[0]), rows])


def request_for(folder: Path, system: str, *sets: str) -> TradeRequest:
    """What `quintet trade SYSTEM --world paper --interval 1s` asks for."""
    found = find_system(system)
    config = load(None, sets, [], found)
    address = Address("spot", "BTCUSDT", "http://nowhere.test")
    return TradeRequest(found, config, "paper", folder.name.partition("-")[2], address, "1s", "1s", folder)


def trade_on_paper(request: TradeRequest, rows: Any, instrument: Instrument = SPOT) -> None:
    """Live through these rows, as frames of at most a hundred of them, and stop; goes on where it once stopped."""
    path = request.folder / MARKET_TAPE
    if not path.exists():
        begin_market(request, path, instrument)
    with TapeWriter.resume(path) as market:
        desk = PaperDesk(request, NOBODY, market)
        desk.begin()
        for piece in frames_of(rows):
            desk.append(piece)
        desk.end()


def frames_of(rows: Any, most: int = 100) -> list[Any]:
    """Rows cut into pieces of whole messages."""
    ends = np.flatnonzero(rows["bits"] & LAST) + 1
    cuts, at = [], 0
    for end in ends.tolist():
        if end - at >= most or end == len(rows):
            cuts.append(rows[at:end].copy())
            at = end
    return cuts
