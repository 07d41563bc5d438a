"""What the sources of facts answer, as observations; another shape is refused by its field, never half taken."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from quintet.core.errors import DataError
from quintet.core.facts import Said
from quintet.ports.fact_source import FactUnanswered
from quintet.ports.key_store import Secret
from quintet.venues.alternative_me import fear_greed
from quintet.venues.bybit import outside_facts as bybit
from quintet.venues.bybit.klines import VenueUnreachable
from quintet.venues.glassnode import metrics
from quintet.venues.lunarcrush import coins
from tests.fakes import fact_server
from tests.fakes.fact_server import Asked, serving
from tests.fakes.virtual_time import run

DAY_S = 86_400
MONDAY_S = 1_700_438_400  # 2023-11-20 00:00 UTC
S_NS = 1_000_000_000
DAY_NS = DAY_S * S_NS
MONDAY_NS = MONDAY_S * S_NS


def body(answer: Any) -> bytes:
    return json.dumps(answer).encode()


# ---- alternative.me ------------------------------------------------------------------------------------------------


@pytest.mark.req("E-103")
def test_the_index_comes_oldest_first_and_of_whole_days() -> None:
    # the documented example is stamped in the middle of a day
    answer = fact_server.fear_greed({MONDAY_S + 18_000: "19", MONDAY_S - DAY_S + 18_000: "40"})
    assert fear_greed.decode(body(answer)) == [
        Said(fear_greed.FACT, MONDAY_NS - DAY_NS, 40, 0),
        Said(fear_greed.FACT, MONDAY_NS, 19, 0),
    ]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"value": 40}, "Expected `str`, got `int`"),
        ({"value": "101"}, r"data\[0\].value: found 101, expected 0 to 100"),
        ({"value": "-1"}, "expected 0 to 100"),
        ({"value": "4.5"}, "whole multiple"),
        ({"value": ""}, "expected a decimal number"),
        ({"timestamp": "02-26-2019"}, r"data\[0\].timestamp: found '02-26-2019', expected seconds"),
        ({"timestamp": "1700438400000"}, "before the year 2200"),
    ],
)
def test_an_index_that_cannot_be_is_refused_by_its_field(change: dict[str, Any], words: str) -> None:
    answer = fact_server.fear_greed({MONDAY_S: "40"})
    answer["data"][0] |= change
    with pytest.raises(DataError, match=words):
        fear_greed.decode(body(answer))


def test_the_sources_own_error_is_told() -> None:
    with pytest.raises(DataError, match="found the error 'Invalid limit', expected days"):
        fear_greed.decode(body({"data": None, "metadata": {"error": "Invalid limit"}}))


# ---- glassnode and lunarcrush --------------------------------------------------------------------------------------


@pytest.mark.req("E-104")
def test_a_metric_is_told_of_days_that_are_over() -> None:
    answer = fact_server.glassnode({MONDAY_S: 1.7753330412345678, MONDAY_S + DAY_S: None, MONDAY_S + 2 * DAY_S: 2.0})
    fact = "glassnode/mvrv/BTC"
    # the third day still runs, the second has nothing: null is no 0
    assert metrics.decode(body(answer), MONDAY_NS + 3 * DAY_NS - 1, fact) == [Said(fact, MONDAY_NS, 1_775_333_041, 9)]
    later = metrics.decode(body(answer), MONDAY_NS + 3 * DAY_NS, fact)
    assert [each.value for each in later] == [1_775_333_041, 2_000_000_000]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ([{"t": MONDAY_S, "v": "1.5"}], r"\[0\].v: found \"1.5\", expected a number"),
        ([{"t": MONDAY_S, "o": {"a": 1}}], "^$"),
        ([{"t": "x", "v": 1}], r"Expected `int`, got `str` - at `\$\[0\].t`"),
        ([{"v": 1}], "missing required field `t`"),
        ({"error": "no"}, "Expected `array`, got `object`"),
        ([{"t": MONDAY_S * 1000, "v": 1}], "before the year 2200"),
    ],
)
def test_a_metric_of_another_shape_is_refused(answer: Any, words: str) -> None:
    if words == "^$":  # a value under another name is no value
        assert metrics.decode(body(answer), MONDAY_NS + 5 * DAY_NS, "glassnode/mvrv/BTC") == []
        return
    with pytest.raises(DataError, match=words):
        metrics.decode(body(answer), MONDAY_NS + 5 * DAY_NS, "glassnode/mvrv/BTC")


@pytest.mark.req("E-104")
def test_both_social_figures_are_told_and_the_running_day_is_not() -> None:
    answer = fact_server.lunarcrush({MONDAY_S: (56.5, 79), MONDAY_S + DAY_S: (None, 80), MONDAY_S + 2 * DAY_S: (1, 1)})
    assert coins.decode(body(answer), MONDAY_NS + 2 * DAY_NS + 1, "BTC") == [
        Said("lunarcrush/galaxy_score/BTC", MONDAY_NS, 565_000, 4),
        Said("lunarcrush/sentiment/BTC", MONDAY_NS, 790_000, 4),
        Said("lunarcrush/sentiment/BTC", MONDAY_NS + DAY_NS, 800_000, 4),
    ]
    answer["data"][0]["sentiment"] = "high"
    with pytest.raises(DataError, match=r'data\[0\].sentiment: found "high"'):
        coins.decode(body(answer), MONDAY_NS + 9 * DAY_NS, "BTC")


def test_keys_go_where_each_source_wants_them() -> None:
    async def headers() -> list[dict[str, str]]:
        async with serving(lambda asked: [] if "metrics" in asked.path else {"data": []}) as server:
            glassnode, lunarcrush = metrics.line(Secret("g-key"), server.url), coins.line(Secret("l-key"), server.url)
            await metrics.source(glassnode, "mvrv", "BTC", MONDAY_NS).ask(MONDAY_NS)
            await coins.source(lunarcrush, "BTC").ask(MONDAY_NS)
            await glassnode.close()
            await lunarcrush.close()
            assert all("key" not in each.target for each in server.asked)
            assert server.asked[0].query == {"a": "BTC", "i": "24h", "s": str(MONDAY_S - 10 * DAY_S)}
            return [each.headers for each in server.asked]

    first, second = run(headers())
    assert first["x-api-key"] == "g-key"
    assert second["authorization"] == "Bearer l-key"


# ---- bybit ---------------------------------------------------------------------------------------------------------

NEXT_MS = 1_673_280_000_000


@pytest.mark.req("E-102")
def test_predicted_funding_is_about_the_settlement_it_is_for() -> None:
    answer = fact_server.bybit(fact_server.ticker("BTCUSDT", "-0.000212", NEXT_MS), NEXT_MS - 1000)
    assert bybit.decode_predicted(body(answer), 0, "BTCUSDT") == [
        Said("bybit/predicted_funding/BTCUSDT", NEXT_MS * 1_000_000, -212_000, 9)
    ]


def test_a_recorded_ticker_is_read(shared_data: Path) -> None:
    row = json.loads((shared_data / "api" / "bybit" / "ws_ticker_linear.json").read_text())["data"]
    answer = fact_server.bybit({"category": "linear", "list": [row]}, NEXT_MS)
    [said] = bybit.decode_predicted(body(answer), 0, "BTCUSDT")
    assert (said.value, said.about_ns) == (-212_000, NEXT_MS * 1_000_000)


@pytest.mark.parametrize(
    ("rate", "next_ms", "words"),
    [
        ("", NEXT_MS, r"list\[0\].fundingRate: expected a decimal number"),
        ("0.0000000001", NEXT_MS, "fundingRate: expected a whole multiple"),
        ("0.01", "soon", r"nextFundingTime: found 'soon'"),
    ],
)
def test_a_ticker_without_funding_is_refused(rate: str, next_ms: Any, words: str) -> None:
    answer = fact_server.bybit(fact_server.ticker("BTCUSDT", rate, next_ms), NEXT_MS)
    with pytest.raises(DataError, match=words):
        bybit.decode_predicted(body(answer), 0, "BTCUSDT")


def test_another_symbol_and_a_refusal_are_refused() -> None:
    answer = fact_server.bybit(fact_server.ticker("ETHUSDT", "0.1", NEXT_MS), NEXT_MS)
    with pytest.raises(DataError, match="found ETHUSDT, expected BTCUSDT"):
        bybit.decode_predicted(body(answer), 0, "BTCUSDT")
    with pytest.raises(DataError, match=r"found retCode 10001 \(params error\), expected 0"):
        bybit.decode_predicted(body(fact_server.bybit({}, NEXT_MS, 10001, "params error")), 0, "BTCUSDT")


def test_the_yield_is_the_best_that_is_open_and_of_its_hour() -> None:
    products = [
        fact_server.product("ETH", "2.8%"), fact_server.product("ETH", "9.9%", "NotAvailable"),
        fact_server.product("ETH", "3.25%"), fact_server.product("BTC", "50%"),
        fact_server.product("ETH", "7%", category="OnChain"),
    ]  # fmt: skip
    answer = fact_server.bybit({"list": products}, MONDAY_S * 1000 + 5_000_000)
    hour_ns = MONDAY_NS + 3600 * S_NS
    assert bybit.decode_yield(body(answer), 0, "earn_yield", "ETH") == [
        Said("bybit/earn_yield/ETH", hour_ns, 32_500_000, 9)
    ]
    assert bybit.decode_yield(body(answer), 0, "onchain_yield", "ETH")[0].value == 70_000_000
    # where nothing is open there is no yield, which is not a yield of 0
    assert bybit.decode_yield(body(answer), 0, "earn_yield", "SOL") == []
    answer["result"]["list"][0]["estimateApr"] = "2.8"
    with pytest.raises(DataError, match=r"list\[0\].estimateApr: found '2.8', expected such as 4.25%"):
        bybit.decode_yield(body(answer), 0, "earn_yield", "ETH")


class _Pages:
    """Stands where the signed questions are asked."""

    def __init__(self, *pages: Any) -> None:
        self.pages = list(pages)
        self.queries: list[Any] = []

    async def ask(self, path: str, query: Any = None) -> Any:
        self.queries.append(query)
        page = self.pages.pop(0)
        if isinstance(page, Exception):
            raise page
        return msgspec.defstruct("Answer", [("result", msgspec.Raw)])(msgspec.Raw(body(page)))


def coin_info(*chains: str, coin: str = "BTC") -> bytes:
    listed = [{"chain": f"C{n}", "chainType": "x", "chainDeposit": "0", "chainWithdraw": one}
              for n, one in enumerate(chains)]  # fmt: skip
    return body({"rows": [{"name": "A", "coin": "A", "chains": []}, {"name": coin, "coin": coin, "chains": listed}]})


@pytest.mark.req("E-27")
@pytest.mark.parametrize(
    ("chains", "is_open"), [(("1",), True), (("0", "1", "0"), True), (("0",), False), (("0", "0"), False), ((), None)]
)
def test_a_coin_is_closed_when_no_chain_lets_it_out_and_one_without_a_chain_says_nothing(
    chains: tuple[str, ...], is_open: bool | None
) -> None:
    assert bybit.decode_withdrawals(coin_info(*chains), "BTC") is is_open
    assert bybit.decode_withdrawals(coin_info(*chains), "ETH") is None


@pytest.mark.parametrize(
    ("result", "words"),
    [
        (coin_info("1", ""), r"rows\[1\].chainWithdraw: found '', expected one of 1, 0"),
        (coin_info("true"), "found 'true'"),
        (body({"rows": [{"coin": "BTC", "chains": [{"chain": "C"}]}]}), "chainWithdraw"),
        (body({}), "coin info: .*rows"),
    ],
)
def test_a_coin_of_another_shape_is_refused_by_its_field(result: bytes, words: str) -> None:
    with pytest.raises(DataError, match=words):
        bybit.decode_withdrawals(result, "BTC")


def pools(*rows: tuple[str, str, str], code: int = 0) -> bytes:
    listed = [{"coin": coin, "symbols": symbols, "balance": balance, "value": "1"} for coin, symbols, balance in rows]
    result = {"updatedTime": "1714003200000", "list": listed}
    return body({"retCode": code, "retMsg": "said", "result": result, "time": 1})


@pytest.mark.req("E-66")
def test_the_pool_behind_each_contract_is_read_of_its_own_coin_and_below_zero_too() -> None:
    found = bybit.decode_insurance(
        pools(
            ("USDT", "MERLUSDT,BTCUSDT,SOLUSDT", "902178.57602476"), ("USDT", "ETHUSDT", "-14.25"),
            ("BTC", "BTCUSDT", "3"), ("USDT", "XBTCUSDT", "7"),
        ),
        "USDT", ("BTCUSDT", "ETHUSDT", "DOGEUSDT"),
    )  # fmt: skip
    assert found == {"BTCUSDT": Decimal("902178.57602476"), "ETHUSDT": Decimal("-14.25")}


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (pools(("USDT", "BTCUSDT", "")), r"list\[0\].balance: found nothing, expected a number"),
        (pools(("USDT", "BTCUSDT", "much")), r"list\[0\].balance: found 'much'"),
        (pools(code=10006), "retCode 10006"),
        (body({"retCode": 0, "retMsg": "", "result": {}, "time": 1}), "insurance: .*list"),
    ],
)
def test_a_pool_of_another_shape_is_refused_and_is_never_empty(answer: bytes, words: str) -> None:
    with pytest.raises(DataError, match=words):
        bybit.decode_insurance(answer, "USDT", ("BTCUSDT",))


def test_credited_deposits_are_told_page_by_page() -> None:
    first = [
        fact_server.deposit("USDT", "2000", 1_000_000_002_000, "0xb"),
        fact_server.deposit("USDT", "1", 1, "0xc", 2),
    ]
    second = [fact_server.deposit("USDT", "12.5", 1_000_000_001_000, "0xa"), fact_server.deposit("BTC", "1", 5, "0xd")]
    pages = _Pages({"rows": first, "nextPageCursor": "n1"}, {"rows": second, "nextPageCursor": ""})
    source = bybit.DepositSource(pages, ["USDT"])  # type: ignore[arg-type]
    found = run(_asked(source))
    assert found == [
        Said("bybit/deposit/USDT", 1_000_000_001_000_000_000, 12_500_000_000, 9, "0xa.4"),
        Said("bybit/deposit/USDT", 1_000_000_002_000_000_000, 2_000_000_000_000, 9, "0xb.4"),
    ]
    assert pages.queries == [{"limit": 50}, {"limit": 50, "cursor": "n1"}]


@pytest.mark.parametrize(
    ("page", "words"),
    [
        (VenueUnreachable("bybit: HTTP 500"), "HTTP 500"),
        ({"rows": [fact_server.deposit("USDT", "a lot", 5, "0xa")]}, r"rows\[0\].amount"),
        ({"rows": "none"}, "Expected `array`"),
    ],
)
def test_a_deposit_question_that_fails_is_no_answer(page: Any, words: str) -> None:
    with pytest.raises(FactUnanswered, match=words):
        run(_asked(bybit.DepositSource(_Pages(page), ["USDT"])))  # type: ignore[arg-type]


async def _asked(source: bybit.DepositSource) -> list[Said]:
    return list(await source.ask(0))


# ---- every source, misbehaving ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["alternative.me", "glassnode", "lunarcrush", "predicted", "yield"])
@pytest.mark.parametrize("fault", ["wrong types", "html", "half", "500"])
def test_no_misbehaviour_becomes_an_observation(name: str, fault: str) -> None:
    def answer(asked: Asked) -> Any:
        return {}

    async def work() -> None:
        async with serving(answer, *[fault] * 4) as server:
            line = {
                "alternative.me": lambda: fear_greed.line(server.url),
                "glassnode": lambda: metrics.line(Secret("k"), server.url),
                "lunarcrush": lambda: coins.line(Secret("k"), server.url),
            }.get(name, lambda: bybit.line(server.url))()
            source = {
                "alternative.me": lambda: fear_greed.source(line),
                "glassnode": lambda: metrics.source(line, "mvrv", "BTC", MONDAY_NS),
                "lunarcrush": lambda: coins.source(line, "BTC"),
                "predicted": lambda: bybit.predicted_source(line, "BTCUSDT"),
                "yield": lambda: bybit.yield_source(line, "earn_yield", "ETH"),
            }[name]()
            try:
                with pytest.raises(FactUnanswered):
                    await source.ask(MONDAY_NS)
            finally:
                await line.close()

    run(work())
