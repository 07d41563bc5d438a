"""The candle history against a server that misbehaves: nothing lost, nothing doubled, nothing believed blindly."""

from collections.abc import Iterator

import pytest

from quintet.core.errors import DataError
from quintet.core.market.candles import Candle
from quintet.venues.bybit.klines import ATTEMPTS, KlineHistory, VenueUnreachable
from tests.fakes.kline_server import MINUTE_MS, NOON_MS, KlineServer, candle_row, serving

FIVE = 5 * MINUTE_MS
JANUARY_MS = 1_767_225_600_000  # 2026-01-01
FEBRUARY_MS = JANUARY_MS + 31 * 86_400_000


@pytest.fixture
def venue() -> Iterator[KlineServer]:
    with serving(KlineServer(range(NOON_MS, NOON_MS + 2500 * FIVE, FIVE))) as served:
        yield served


class Asked:
    """A history whose pauses are only written down."""

    def __init__(self, served: KlineServer, timeout_s: float = 5.0) -> None:
        self.pauses: list[float] = []
        self.history = KlineHistory(served.url, "linear", pause=self.pauses.append, timeout_s=timeout_s)

    def candles(self, start: int = NOON_MS, end: int = NOON_MS + 2500 * FIVE) -> list[Candle]:
        try:
            pages = list(self.history.pages("ETHUSDT", "5m", start, end))
        finally:
            self.history.close()
        for earlier, later in zip(pages, pages[1:], strict=False):
            assert earlier.end_ms == later.start_ms
        return [candle for page in pages for candle in page.candles]


def starts(candles: list[Candle]) -> list[int]:
    return [candle.start_ms for candle in candles]


@pytest.mark.req("S-14")
def test_one_page_newest_first_comes_back_oldest_first(venue: KlineServer) -> None:
    got = Asked(venue).candles(end=NOON_MS + 3 * FIVE)
    assert starts(got) == [NOON_MS, NOON_MS + FIVE, NOON_MS + 2 * FIVE]
    assert got[0] == Candle(NOON_MS, *candle_row(NOON_MS)[1:])
    assert [q["interval"] for q in venue.queries] == ["5"]


@pytest.mark.req("S-15", "E-102")
def test_a_month_of_five_minutes_is_nine_pages_and_every_candle_once() -> None:
    with serving(KlineServer(range(JANUARY_MS - 50 * FIVE, FEBRUARY_MS + 50 * FIVE, FIVE))) as venue:
        got = Asked(venue).candles(JANUARY_MS, FEBRUARY_MS)
    assert len(venue.queries) == 9
    assert starts(got) == list(range(JANUARY_MS, FEBRUARY_MS, FIVE))
    assert len(got) == 8_928


@pytest.mark.parametrize(
    "fault",
    ["429", "500", "502", "503", "retry after", "10006", "10016", "truncated", "half json", "not json", "hang up"],
)
def test_one_bad_answer_costs_a_pause_and_no_candle(venue: KlineServer, fault: str) -> None:
    venue.faults = ["", fault]
    asked = Asked(venue)
    assert starts(asked.candles()) == list(venue.starts)
    assert len(venue.queries) == 4
    assert max(asked.pauses) >= 0.5


def test_a_venue_that_says_nothing_is_asked_again(venue: KlineServer) -> None:
    venue.faults = ["silence"]
    asked = Asked(venue, timeout_s=0.2)
    assert starts(asked.candles()) == list(venue.starts)
    assert len(venue.queries) == 4


@pytest.mark.parametrize(("fault", "wait_s"), [("retry after", 7.0), ("10006", 3.0), ("limit reached", 2.0)])
def test_it_waits_as_long_as_the_venue_asks(venue: KlineServer, fault: str, wait_s: float) -> None:
    venue.faults = [fault]
    asked = Asked(venue)
    asked.candles()
    assert wait_s in asked.pauses


def test_pauses_double_and_end_with_what_was_said_last(venue: KlineServer) -> None:
    venue.faults = ["503"] * ATTEMPTS
    asked = Asked(venue)
    with pytest.raises(VenueUnreachable, match=f"after {ATTEMPTS} attempts: HTTP 503"):
        asked.candles()
    assert [pause for pause in asked.pauses if pause >= 0.5] == [0.5, 1.0, 2.0, 4.0, 8.0]


def test_pages_that_overlap_give_every_candle_once(venue: KlineServer) -> None:
    venue.faults = ["overlap"] * 3
    assert starts(Asked(venue).candles()) == list(venue.starts)


def test_pages_shorter_than_asked_for_are_asked_on(venue: KlineServer) -> None:
    venue.page_candles = 400
    assert starts(Asked(venue).candles()) == list(venue.starts)


def test_an_empty_page_is_asked_again_before_it_is_believed(venue: KlineServer) -> None:
    venue.faults = ["", "empty", "empty"]
    assert starts(Asked(venue).candles()) == list(venue.starts)


def test_a_hole_at_the_venue_stays_a_hole(venue: KlineServer) -> None:
    venue.missing = set(range(NOON_MS + 700 * FIVE, NOON_MS + 1900 * FIVE, FIVE))
    got = starts(Asked(venue).candles())
    assert got == [start for start in venue.starts if start not in venue.missing]


def test_a_time_before_listing_is_empty_and_what_follows_is_there(venue: KlineServer) -> None:
    got = Asked(venue).candles(NOON_MS - 1500 * FIVE, NOON_MS + 10 * FIVE)
    assert starts(got) == list(venue.starts)[:10]


def test_the_running_candle_is_never_given(venue: KlineServer) -> None:
    venue.now_ms = NOON_MS + 40 * FIVE + 17_000
    got = Asked(venue).candles()
    assert starts(got)[-1] == NOON_MS + 39 * FIVE


def test_a_start_between_two_candles_begins_with_the_next(venue: KlineServer) -> None:
    got = Asked(venue).candles(NOON_MS + 1, NOON_MS + 3 * FIVE)
    assert starts(got) == [NOON_MS + FIVE, NOON_MS + 2 * FIVE]


@pytest.mark.parametrize(
    ("fault", "error", "expected"),
    [
        ("403", VenueUnreachable, "HTTP 403, expected 200; this address was limited"),
        ("404", VenueUnreachable, "HTTP 404"),
        ("10001", VenueUnreachable, "retCode 10001: no"),
        ("other symbol", DataError, "asked for linear ETHUSDT, the answer is for linear DOGEUSDT"),
        ("contradiction", DataError, "two different candles open at"),
        ("wrong shape", DataError, "missing required field `category`"),
    ],
)
def test_an_answer_that_will_not_get_better_ends_at_once(
    venue: KlineServer, fault: str, error: type[Exception], expected: str
) -> None:
    venue.faults = [fault]
    with pytest.raises(error, match=expected):
        Asked(venue).candles()
    assert len(venue.queries) == 1


def test_a_timeframe_the_venue_does_not_have_is_refused(venue: KlineServer) -> None:
    with pytest.raises(DataError, match="bybit has no 8h candles"):
        next(KlineHistory(venue.url).pages("ETHUSDT", "8h", NOON_MS, NOON_MS + FIVE))
