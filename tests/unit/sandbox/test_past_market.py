"""The past of a synthetic market: drawn once, whole, and ending where the market begins."""

from quintet.sandbox.candle_series import MINUTE_MS, Candle
from quintet.sandbox.commands import BeginAfter, Done
from quintet.sandbox.exchange import Exchange
from quintet.sandbox.instruments import default_catalogue
from quintet.sandbox.money import quanta
from quintet.sandbox.past_market import past_minutes
from quintet.sandbox.refusal import Refusal

NOW_MS = 1_750_000_000_000
BEGIN = BeginAfter(category="linear", symbol="BTCUSDT", seed=7, price=quanta("50000"), minutes=3000)


def test_a_past_is_whole_and_ends_at_the_price() -> None:
    for instrument in default_catalogue():
        price = quanta({"BTC": "50000", "ETH": "3000", "SOL": "150"}[instrument.base])
        minutes = [Candle(*fields) for fields in past_minutes(instrument, 1, price, NOW_MS, 2000)]
        assert minutes[-1].close == price
        assert [each.start_ms for each in minutes] == [
            NOW_MS - NOW_MS % MINUTE_MS - n * MINUTE_MS for n in range(2000, 0, -1)
        ]
        for before, after in zip(minutes, minutes[1:], strict=False):
            assert before.close == after.open
        for each in minutes:
            assert 0 < each.low <= min(each.open, each.close) <= max(each.open, each.close) <= each.high
            assert each.lots > 0 and not any(p % instrument.tick for p in (each.open, each.high, each.low))
        assert 0.9 * price < min(each.low for each in minutes) < max(each.high for each in minutes) < 1.1 * price


def test_an_exchange_takes_a_past_once() -> None:
    exchange = Exchange()
    assert isinstance(exchange.do(NOW_MS, BEGIN), Done)
    market = exchange.state.markets["linear:BTCUSDT"]
    before = market.candles.all()
    assert (len(before), market.last, len(market.fundings)) == (3000, quanta("50000"), 6)
    assert len(market.mark_candles.all()) == 3000
    other = BeginAfter(category="linear", symbol="BTCUSDT", seed=8, price=quanta("60000"), minutes=10)
    assert isinstance(exchange.do(NOW_MS, other), Done)
    assert market.candles.all() == before
    assert Exchange.of(exchange.image()).state.markets["linear:BTCUSDT"].candles == market.candles


def test_a_past_that_cannot_be_is_refused() -> None:
    exchange = Exchange()
    for minutes, price in ((0, 10**13), (10**6, 10**13), (10, 0)):
        wrong = BeginAfter(category="linear", symbol="BTCUSDT", seed=1, price=price, minutes=minutes)
        assert isinstance(exchange.do(NOW_MS, wrong), Refusal)
