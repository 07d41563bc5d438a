"""Where a run's market comes from: downloads and their cache, files, tapes, and what is said of each."""

from pathlib import Path

import msgspec
import pytest

from quintet.app.config import Given, load
from quintet.app.markets import Market, MarketRequest, open_market
from quintet.app.messages import Complaint
from quintet.core.errors import ConfigError
from quintet.core.instrument import DEFAULT_SPOT
from quintet.core.tape import Tape, TapeMeta, instrument_rows
from quintet.storage.tape_files import TapeWriter
from quintet.storage.workspace import Workspace
from tests.fakes.command_line import CountingEngine, Quintet
from tests.fakes.kline_server import NOON_MS, KlineServer, serving

FIVE_MINUTES_MS = 300_000
START, END = "2026-01-01T12:00", "2026-01-01T14:00"  # NOON_MS is 2026-01-01 12:00 UTC


def the_market(place: Path, *sets: str, symbol_given: bool = True) -> Market:
    request = MarketRequest(load(None, sets), "test", symbol_given)
    return open_market(request, Workspace(place / "workspace"), now_ns=0)


def closes_on(tape: Tape) -> list[int]:
    return [event.ts_event for event in tape.events() if event.kind == "BAR_CLOSE"]


@pytest.mark.req("S-16", "S-28")
def test_a_second_run_needs_no_network_and_gives_the_same_tape(tmp_path: Path) -> None:
    # given a venue with two hours of 5m candles and more
    asked = (f"data.cache={tmp_path / 'eth_5m.csv'}", "data.interval=5", f"data.start={START}", f"data.end={END}")
    with serving(KlineServer(range(NOON_MS, NOON_MS + 50 * FIVE_MINUTES_MS, FIVE_MINUTES_MS))) as venue:
        first = the_market(tmp_path, *asked, f"data.venue_url={venue.url}")
    # when the venue is gone
    second = the_market(tmp_path, *asked, "data.venue_url=http://127.0.0.1:9")
    # then the cache alone gives the same market: 24 bars, the last one closing at the end
    assert first.tape.hash == second.tape.hash
    closes = closes_on(second.tape)
    assert len(closes) == 24
    assert closes[-1] == (NOON_MS + 24 * FIVE_MINUTES_MS) * 1_000_000
    assert any("bybit spot" in sentence for sentence in second.assumptions)


@pytest.mark.req("S-28")
def test_the_flags_of_the_specification_give_a_whole_month(
    quintet: Quintet, engine: CountingEngine, place: Path
) -> None:
    # given a venue with candles before, in and after January 2026
    day_ms = 288 * FIVE_MINUTES_MS
    with serving(KlineServer(range(NOON_MS - 2 * day_ms, NOON_MS + 40 * day_ms, FIVE_MINUTES_MS))) as venue:
        flags = "--symbol ETHUSDT --interval 5 --start 2026-01-01 --end 2026-02-01 --cache data/eth_5m.csv"
        said = quintet("backtest", "structure_mm", *flags.split(), "--set", f"data.venue_url={venue.url}", "--json")
    # then start is inclusive, end exclusive: 31 days of 288 bars
    assert said.code == 0, said.err
    assert engine.jobs[0].tape.census.kinds["BAR_CLOSE"] == 8_928
    assert (place / "data" / "eth_5m.csv").is_file()


def test_a_symbol_with_a_range_is_downloaded_into_the_workspace(tmp_path: Path) -> None:
    with serving(KlineServer(range(NOON_MS, NOON_MS + 50 * FIVE_MINUTES_MS, FIVE_MINUTES_MS))) as venue:
        asked = ("data.interval=5", f"data.start={START}", f"data.end={END}", f"data.venue_url={venue.url}")
        market = the_market(tmp_path, *asked)
    assert market.synthetic is False
    assert (tmp_path / "workspace" / "data" / "bybit_ETHUSDT_5m.csv").is_file()


@pytest.mark.shared
@pytest.mark.parametrize("symbol", ["ETHUSDT", "SOLUSDT", "BTCUSDT"])
def test_ten_months_of_recorded_candles_become_a_tape(tmp_path: Path, shared_data: Path, symbol: str) -> None:
    path = shared_data / "ohlcv" / f"bybit_linear_{symbol}_5m_20250924_20260721.parquet"
    request = MarketRequest(load(None, (), [Given("data.files", [str(path)], "--data")]), "test")
    market = open_market(request, Workspace(tmp_path), now_ns=0)
    assert market.instrument.symbol == symbol
    assert market.instrument.kind == "spot"
    assert (market.structure, market.fills) == ("5m", "5m")
    assert market.tape.census.kinds["BAR_CLOSE"] > 86_000
    assert "stand in for spot" in " ".join(market.assumptions)


@pytest.mark.shared
def test_one_minute_candles_give_structure_and_fills(tmp_path: Path, shared_data: Path) -> None:
    path = shared_data / "ohlcv" / "binance_usdm_ETHUSDT_1m_20250504_20250603.parquet"
    flags = [Given("data.files", [str(path)], "--data"), Given("data.htf_interval", "5", "--htf-interval")]
    market = open_market(MarketRequest(load(None, (), flags), "test"), Workspace(tmp_path), now_ns=0)
    assert (market.structure, market.fills) == ("5m", "1m")


def test_the_embedded_market_follows_the_instrument(tmp_path: Path) -> None:
    # the same default market twice: one tape; another fee: another tape
    first = the_market(tmp_path, symbol_given=False)
    again = the_market(tmp_path, symbol_given=False)
    other = the_market(tmp_path, "instrument.maker_fee_bps=1", symbol_given=False)
    assert first.tape.name == again.tape.name
    assert first.tape.hash != other.tape.hash
    assert first.instrument == DEFAULT_SPOT
    assert len(list((tmp_path / "workspace" / "tapes").glob("*.tape"))) == 2


def test_a_tape_without_bars_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "empty.tape"
    with TapeWriter(path, TapeMeta(synthetic=False, created_ns=0, tool_version="test")) as writer:
        writer.append(instrument_rows(0, DEFAULT_SPOT, 0, 0))
    with pytest.raises(Complaint, match="a tape of candles is needed"):
        the_market(tmp_path, f"data.tape={path}")


def test_a_tape_of_a_linear_instrument_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "linear.tape"
    linear = msgspec.structs.replace(DEFAULT_SPOT, kind="linear", fee_in_base=False)
    with TapeWriter(path, TapeMeta(synthetic=False, created_ns=0, tool_version="test")) as writer:
        writer.append(instrument_rows(0, linear, 0, 0))
    with pytest.raises(ConfigError, match=r"instrument\.kind is linear"):
        the_market(tmp_path, f"data.tape={path}")
