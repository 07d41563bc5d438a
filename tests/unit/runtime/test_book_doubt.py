"""A book beside which trades are printed, and which says nothing, is lost."""

import numpy as np
import pytest

from quintet.core import events as ev
from quintet.runtime.book_doubt import UNSAID_NS, BookDoubt

S = 10**9
STALE_MS = 2_000


class Heard:
    """A doubt, and what it has lost."""

    def __init__(self, stale_after_ms: int = STALE_MS) -> None:
        self.lost: list[tuple[int, str]] = []
        self.doubt = BookDoubt(stale_after_ms, lambda now_ns, why: self.lost.append((now_ns, why)))

    def hear(self, kind: int, at_ns: int) -> None:
        self.doubt.hear(np.array([(at_ns, at_ns, 1, 100, 0, kind, 1)], ev.ROW), at_ns)


def test_a_book_that_is_silent_beside_its_trades_is_lost_once() -> None:
    # given a book, and a trade after it
    heard = Heard()
    heard.hear(ev.BID_LEVEL, 10 * S)
    heard.hear(ev.TRADE_SELL, 11 * S)
    # when three quarters of what the limits allow are over
    heard.doubt.look(11 * S + S // 2)
    assert not heard.lost
    heard.doubt.look(11 * S + S // 2 + 1)
    heard.hear(ev.TRADE_SELL, 12 * S)
    heard.doubt.look(13 * S)
    # then it is lost, once, in words
    assert heard.lost == [(11_500_000_001, "the book has said nothing for 1.5 s while trades were printed")]


@pytest.mark.parametrize("kind", (ev.TRADE_BUY, ev.TRADE_SELL))
def test_a_book_that_answers_its_trades_is_not_doubted(kind: int) -> None:
    heard = Heard()
    for second in range(1, 60):
        heard.hear(kind, second * S)
        heard.hear(ev.ASK_LEVEL, second * S + S // 10)
        heard.doubt.look(second * S + S // 2)
    assert not heard.lost


def test_a_quiet_market_is_no_reason_to_doubt() -> None:
    # given a book, and no trade for an hour
    heard = Heard()
    heard.hear(ev.BID_LEVEL, S)
    heard.doubt.look(3_600 * S)
    assert not heard.lost


@pytest.mark.parametrize("kind", (ev.BOOK_CLEAR, ev.FEED_GAP))
def test_a_book_that_is_unknown_cannot_be_lost_again(kind: int) -> None:
    heard = Heard()
    heard.hear(ev.BID_LEVEL, S)
    heard.hear(kind, 2 * S)
    heard.hear(ev.TRADE_BUY, 3 * S)
    heard.doubt.look(60 * S)
    assert not heard.lost


def test_where_no_limit_says_how_old_a_market_may_be_it_is_five_seconds() -> None:
    heard = Heard(stale_after_ms=0)
    heard.hear(ev.BID_LEVEL, S)
    heard.hear(ev.TRADE_BUY, 2 * S)
    heard.doubt.look(S + UNSAID_NS)
    assert not heard.lost
    heard.doubt.look(S + UNSAID_NS + 1)
    assert len(heard.lost) == 1
