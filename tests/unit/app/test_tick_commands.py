"""`data import` and `data check` as typed, on tick feeds and tapes."""

from pathlib import Path

import pytest

from quintet.app.messages import did_you_mean
from quintet.app.tick_commands import SHOWN_INSTRUMENTS
from quintet.storage.tick_formats import FORMATS, tick_format
from tests.fakes.command_line import Quintet
from tests.tick_files import depth, good_frames, levels, recording, snapshot


def feed(place: Path, *more: object) -> Path:
    return recording(place / "feed.txt.gz", [*good_frames(), *more])


def test_a_feed_becomes_a_tape_in_the_workspace(quintet: Quintet, place: Path) -> None:
    said = quintet("data", "import", feed(place))

    assert said.code == 0, said.err
    assert "7 facts of binance: 4 depth messages, 1 snapshots, 2 trades" in said.out
    assert "1  changes older than the snapshot" in said.out
    assert f"rows, kept as {place / 'workspace' / 'tapes' / 'feed.tape'}" in said.out
    assert "instrument BTCUSDT of binance, linear: prices in 0.1, lots of 0.1" in said.err
    assert quintet("tape", "verify", place / "workspace" / "tapes" / "feed.tape").code == 0


def test_json_tells_the_same(quintet: Quintet, place: Path) -> None:
    told = quintet("data", "import", feed(place), "--name", "day", "--json").json

    assert told["path"].endswith("day.tape")
    assert told["counts"]["stale"] == 1
    assert told["instruments"][0]["crossed_messages"] == 0
    assert told["notes"]["feed_latency"] == "measured"
    listed = quintet("data", "list", "--json").json["tapes"]
    assert [(each["symbols"], each["rows"]) for each in listed] == [("BTCUSDT", told["rows"])]


def test_a_tape_of_that_name_is_replaced_only_when_told(quintet: Quintet, place: Path) -> None:
    quintet("data", "import", feed(place))

    again = quintet("data", "import", feed(place))

    assert again.code == 2
    assert "exists already" in again.err
    assert quintet("data", "import", feed(place), "--replace").code == 0


def test_what_the_user_says_of_the_instrument_wins(quintet: Quintet, place: Path) -> None:
    said = quintet(
        "data", "import", feed(place), "--set", "instrument.price_increment=0.01", "--set", "instrument.kind=spot"
    )

    assert "BTCUSDT of binance, spot: prices in 0.01, lots of 0.1" in said.err


def test_a_check_draws_one_page_and_keeps_no_tape(quintet: Quintet, place: Path) -> None:
    page = place / "page.html"

    said = quintet("data", "check", feed(place), "--picture", page)

    assert said.code == 0
    assert "nothing found" in said.out
    text = page.read_text()
    assert "<svg" in text
    assert "Nothing contradicts itself." in text
    assert "<script" not in text
    assert "http" not in text.replace("http-equiv", "")
    assert not (place / "workspace").exists() or not list((place / "workspace").rglob("*.tape"))


def test_a_feed_that_the_importer_refuses_is_a_finding(quintet: Quintet, place: Path) -> None:
    broken = feed(place, depth(40, 41, 39, at_ms=70))

    said = quintet("data", "check", broken)
    told = quintet("data", "check", broken, "--json")

    assert (said.code, told.code) == (1, 1)
    assert "REFUSED" in said.out
    assert "the book stood at 15, the next change follows 39 and reaches 41" in told.json["refused"]


def test_a_gap_that_healed_is_wrong_and_told_with_its_meaning(quintet: Quintet, place: Path) -> None:
    healed = feed(place, depth(20, 22, 18, at_ms=70), snapshot(21), depth(23, 25, 22, at_ms=80))

    said = quintet("data", "check", healed)

    assert said.code == 1
    assert "WRONG" in said.out
    assert "sequence gap" in said.out


def test_a_tape_is_checked_like_a_feed(quintet: Quintet, place: Path) -> None:
    crossed = depth(16, 17, 15, bids=levels(("100.50", "1")), at_ms=70)
    quintet("data", "import", feed(place, crossed))
    tape = place / "workspace" / "tapes" / "feed.tape"

    said = quintet("data", "check", tape, "--picture", place / "page.html")
    told = quintet("data", "check", tape, "--json").json

    assert said.code == 1
    assert "crossed book" in said.out
    assert "The data contradicts itself." in (place / "page.html").read_text()
    assert told["tapes"][0]["instruments"][0]["crossed_messages"] == 1


def test_tapes_and_feeds_are_not_checked_together(quintet: Quintet, place: Path) -> None:
    quintet("data", "import", feed(place))
    tape = place / "workspace" / "tapes" / "feed.tape"

    said = quintet("data", "check", tape, feed(place))

    assert said.code == 2
    assert "tapes and other files in one check" in said.err


def test_a_tape_that_must_not_be_traded_is_refused_by_a_backtest(quintet: Quintet, place: Path) -> None:
    trades = place / "BTCUSDT.csv"
    trades.write_text("timestamp,symbol,side,size,price\n1700000000.1,BTCUSDT,Buy,0.5,100.5\n")
    assert "not to be traded in a backtest: it holds trades only" in quintet("data", "import", trades).out

    said = quintet("backtest", "structure_mm", "--tape", place / "workspace" / "tapes" / "BTCUSDT.tape")

    assert said.code == 2
    assert "a tape that must not be traded" in said.err
    assert "it holds trades only, without a book" in said.err


def test_a_tape_made_from_tapes_goes_on_saying_what_cannot_be_believed(quintet: Quintet, place: Path) -> None:
    trades = place / "BTCUSDT.csv"
    trades.write_text("timestamp,symbol,side,size,price\n1700000000.1,BTCUSDT,Buy,0.5,100.5\n")
    quintet("data", "import", trades)
    quintet("data", "import", feed(place))
    tapes = place / "workspace" / "tapes"

    cut = quintet("tape", "cut", tapes / "BTCUSDT.tape", "-o", place / "cut.tape", "--json").json["notes"]
    parts = tapes / "BTCUSDT.tape", place / "cut.tape"
    both = quintet("tape", "merge", *parts, "-o", place / "both.tape", "--json").json["notes"]
    sound = quintet("tape", "cut", tapes / "feed.tape", "-o", place / "sound.tape", "--json").json["notes"]

    for notes in (cut, both):
        assert notes["not_traded"] == "it holds trades only, without a book"
        assert "one clock only" in notes["feed_latency"]
    assert sound.keys() == {"how"}


def test_many_instruments_are_shown_in_part_and_told_in_full(quintet: Quintet, place: Path) -> None:
    symbols = [f"A{n}USDT" for n in range(SHOWN_INSTRUMENTS + 2)]
    frames = [
        frame
        for symbol in symbols
        for frame in (depth(1, 3, 0, levels(("1.0", "1")), at_ms=0, symbol=symbol), snapshot(2, symbol=symbol))
    ]

    said = quintet("data", "check", recording(place / "many.txt.gz", frames))
    told = quintet("data", "check", recording(place / "many.txt.gz", frames), "--json").json

    assert "and 2 more instruments; --json shows all" in said.out
    assert len(told["instruments"]) == len(symbols)


def test_candles_are_still_candles(quintet: Quintet, place: Path) -> None:
    candles = place / "ETHUSDT.csv"
    lines = ["time,open,high,low,close,volume", *(f"{1767268800 + n * 300},3000,3001,2999,3000,1" for n in range(5))]
    candles.write_text("\n".join(lines) + "\n")

    assert tick_format(candles) is None
    assert "5 5m bars of ETHUSDT" in quintet("data", "import", candles).out
    said = quintet("data", "check", candles, "--picture", place / "page.html")
    assert (said.code, "a picture of candles" in said.err) == (2, True)
    two = quintet("data", "import", candles, candles)
    assert (two.code, "one candle file at a time" in two.err) == (2, True)


@pytest.mark.parametrize("name", list(FORMATS))
def test_every_format_is_named_in_the_help(quintet: Quintet, name: str) -> None:
    from quintet.app.data_commands import Format

    assert name in Format.__metadata__[0].help
    assert did_you_mean(name + "x", FORMATS) == f"did you mean {name}?"
