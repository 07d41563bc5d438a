"""The account in tick mode: its configuration, fees that fall with turnover, margin at the gate and at the venue."""

from dataclasses import replace
from fractions import Fraction
from typing import Any, get_args

import pytest

from quintet.core.engine.money_rules import FeeSchedule, FeeTier, MarginRules, MarginTier
from quintet.core.engine.world import Execution, Setup, Venue, new_world
from quintet.core.errors import ConfigError
from quintet.core.orders.lifecycle import VENUE_REASON_NAMES
from quintet.core.parameters import ParameterError
from quintet.core.risk.margin import MARGIN_MODE_NAMES
from quintet.core.state import TIERS
from quintet.research.report_parts.languages import is_known
from quintet.sim.config import Margin, TickExecutionConfig
from quintet.sim.fees import DAY_NS, count_turnover, fee_rate_e9
from quintet.sim.tick_account import account_rules_of
from quintet.sim.tick_execution import tick_assumptions, tick_execution_of
from tests.desk_worlds import INVERSE_COIN, LINEAR_COIN, ONE_MINUTE, SPOT_COIN, START
from tests.tick_exchange import exchange_hears
from tests.tick_market import MILLISECOND, tick_world
from tests.twins.account_twin import MarginTable
from tests.twins.ticks_twin import Answer, Message, Request, Row, Rules

LOT = 10_000 * LINEAR_COIN.quanta_per_tick_lot
ONE_TIER = MarginRules(
    mode=1, initial_e9=10**8, tiers=(MarginTier(value_max=10**15, initial_e9=0, maintenance_e9=5_000_000),)
)


# ---- configuration ---------------------------------------------------------------------------------------------------
def test_a_configuration_becomes_the_venues_numbers() -> None:
    config = TickExecutionConfig(
        amends=True, funding_every_h=8, fee_tiers=((0, 2, 5.5), (1_000_000, -0.5, 3)), turnover_30d=250_000.5,
        margin="cross", leverage=3, margin_tiers=((300_000, 0.0066, 0.0033), (2_000_000, 0.01, 0.005)),
    )  # fmt: skip
    execution, _ = tick_execution_of(config)
    assert (execution.amends, execution.amend_keeps_place, execution.funding_every_ns) == (1, 1, 8 * 3_600 * 10**9)
    rules = account_rules_of(config, (LINEAR_COIN,))
    assert rules["fees"].tiers[1] == FeeTier(turnover=10**14, maker_e9=-50_000, taker_e9=300_000)
    assert rules["fees"].turnover_before == 25_000_050_000_000
    assert (rules["margin"].mode, rules["margin"].initial_e9) == (2, 333_333_334)
    world = new_world(Setup(instruments=(LINEAR_COIN,), execution=execution, **rules))
    # the published deduction of the second tier: 300,000 x 0.17 % = 510
    assert world.venue[0].margin.tiers[1].deduction == world.desk[0].margin.tiers[1].deduction == 510 * 10**8


def test_what_is_not_asked_for_is_not_there() -> None:
    rules = account_rules_of(TickExecutionConfig(), (LINEAR_COIN,))
    assert rules == {"fees": FeeSchedule(), "margin": MarginRules()}
    assert get_args(Margin) == MARGIN_MODE_NAMES
    assert len(VENUE_REASON_NAMES) <= tick_world().venue[0].ended.shape[0]


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ({"amends": True}, "keeps its place when it only becomes smaller"),
        ({"amends": True, "amend_keeps_place": False}, "one that is amended goes to the end"),
        ({"fee_tiers": ((0, 1, 2),), "turnover_30d": 5e6}, "before the run it was 5,000,000"),
        ({"funding_every_h": 8}, "Funding is settled every 8 h"),
        ({"margin": "isolated", "leverage": 5}, "Margin is isolated, the leverage at most 5"),
        ({"margin": "cross"}, "the last trade stands for it"),
    ],
)
def test_every_assumption_is_a_sentence(config: dict[str, Any], sentence: str) -> None:
    assert sentence in " ".join(tick_assumptions(TickExecutionConfig(**config)))
    assert sentence not in " ".join(tick_assumptions(TickExecutionConfig()))
    assert all(is_known(each) for each in tick_assumptions(TickExecutionConfig(**config)))


@pytest.mark.parametrize(
    ("config", "key", "said"),
    [
        ({"fee_tiers": ((5, 1, 2),)}, "fee_tiers", "from 0"),
        ({"fee_tiers": ((0, 1, 2), (0, 1, 2))}, "fee_tiers", "above 0"),
        ({"fee_tiers": ((0, 1, 2), (5, 1, 3))}, "fee_tiers", "fall with turnover"),
        ({"fee_tiers": ((0, -200, 2),)}, "fee_tiers", "-100 to 1000 bp"),
        ({"fee_tiers": ((0, 1, -1),)}, "fee_tiers", "0 to 1000 bp"),
        ({"fee_tiers": tuple((n, 1, 1) for n in range(TIERS + 1))}, "fee_tiers", f"0 to {TIERS}"),
        ({"turnover_30d": 5.0}, "turnover_30d", "0 where there are no fee_tiers"),
        ({"margin": "cross", "margin_tiers": ()}, "margin_tiers", f"1 to {TIERS}"),
        ({"margin": "cross", "margin_tiers": ((1e6, 0.01, 0.2),)}, "margin_tiers", "below what opening binds"),
        ({"margin": "cross", "margin_tiers": ((1e6, 1.5, 0.2),)}, "margin_tiers", "a fraction of 0 to 1"),
        ({"margin": "cross", "margin_tiers": ((2e6, 0.1, 0.01), (1e6, 0.1, 0.02))}, "margin_tiers", "above 2e+06"),
        ({"margin": "cross", "margin_tiers": ((1e6, 0.1, 0.02), (2e6, 0.1, 0.02))}, "margin_tiers", "above 0.02"),
    ],
)
def test_a_table_that_no_venue_could_mean_is_refused(config: dict[str, Any], key: str, said: str) -> None:
    with pytest.raises(ParameterError, match=said.replace("+", r"\+")) as refused:
        TickExecutionConfig(**config)
    assert refused.value.key == key


@pytest.mark.parametrize(
    ("setup", "said"),
    [
        ({"margin": ONE_TIER, "instruments": (INVERSE_COIN,)}, "COINUSD is inverse, expected linear or spot"),
        ({"margin": ONE_TIER, "execution": Execution(fill_timeframe=ONE_MINUTE)}, "expected none when bars are filled"),
        ({"execution": Execution(fill_timeframe=ONE_MINUTE, amends=1)}, "expected 0 when bars are filled"),
        ({"margin": replace(ONE_TIER, tiers=())}, "margin tiers: found 0"),
        ({"margin": replace(ONE_TIER, initial_e9=0)}, "initial_e9 is 0"),
        ({"margin": replace(ONE_TIER, initial_e9=4_000_000)}, "maintenance_e9 of tier 1 is 5000000"),
        ({"margin": replace(ONE_TIER, tiers=ONE_TIER.tiers * 2)}, "value_max of tier 2"),
        ({"fees": FeeSchedule(tiers=(FeeTier(turnover=1, maker_e9=0, taker_e9=0),))}, "a turnover of 1, expected 0"),
        (
            {
                "fees": FeeSchedule(tiers=(FeeTier(turnover=0, maker_e9=0, taker_e9=0),)),
                "instruments": (INVERSE_COIN,),
            },
            "expected spot or linear ones",
        ),
    ],
)
def test_a_world_that_cannot_be_is_refused(setup: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        new_world(Setup(**{"instruments": (LINEAR_COIN,), **setup}))


def test_margin_on_an_inverse_contract_is_refused_by_its_name() -> None:
    with pytest.raises(ConfigError, match="margin is cross, found the inverse contract COINUSD"):
        account_rules_of(TickExecutionConfig(margin="cross"), (LINEAR_COIN, INVERSE_COIN))


# ---- fees by turnover ------------------------------------------------------------------------------------------------
def test_a_tier_is_reached_the_day_after_and_kept_for_thirty() -> None:
    # given a second tier from a turnover of 100
    tiers = (FeeTier(turnover=0, maker_e9=200, taker_e9=500), FeeTier(turnover=100, maker_e9=-10, taker_e9=300))
    venue = tick_world(fees=FeeSchedule(tiers=tiers)).venue[0]
    day = START // DAY_NS

    def rate(days: int) -> int:
        return int(fee_rate_e9(venue, venue.instruments[0], 0, (day + days) * DAY_NS))

    assert rate(0) == 500
    count_turnover(venue, 100)
    assert rate(0) == 500  # not on the day itself
    assert [rate(n) for n in (1, 2, 29, 30)] == [300] * 4
    assert rate(31) == 500
    count_turnover(venue, 99)
    assert rate(32) == 500
    count_turnover(venue, 1)
    assert (rate(33), rate(61), rate(62), rate(500)) == (300, 300, 500, 500)


def test_turnover_before_the_run_leaves_the_window_day_by_day() -> None:
    tiers = (FeeTier(turnover=0, maker_e9=200, taker_e9=500), FeeTier(turnover=20, maker_e9=-10, taker_e9=300))
    venue = tick_world(fees=FeeSchedule(tiers=tiers, turnover_before=31)).venue[0]
    rates = [int(fee_rate_e9(venue, venue.instruments[0], 1, START + n * DAY_NS)) for n in range(13)]
    # 31 at first; 29 after the oldest day with its 2; then one a day: 20 on the eleventh day, 19 on the twelfth
    assert rates == [-10] * 11 + [200] * 2


def test_the_desk_reckons_with_the_highest_fee() -> None:
    tiers = (FeeTier(turnover=0, maker_e9=200, taker_e9=500), FeeTier(turnover=100, maker_e9=-10, taker_e9=300))
    inst = tick_world(fees=FeeSchedule(tiers=tiers)).desk[0].shown.instruments[0]
    assert (inst.maker_fee_e9, inst.taker_fee_e9) == (200, 500)


# ---- margin at the venue ---------------------------------------------------------------------------------------------
BOOK: list[Row] = [("bid", 9_999, 500), ("ask", 10_001, 500), ("mark", 10_000, 0)]


def at(ms: int, *rows: Row) -> Message:
    return Message(START + ms * MILLISECOND, START + ms * MILLISECOND, rows)


def market(ms: int, number: int, side: int, lots: int) -> Request:
    return Request(START + ms * MILLISECOND, number, side, "market", 0, lots)


def answers_of(mode: Any, balance_lots: int, messages: list[Message], *requests: Request) -> list[Answer]:
    """What we are told where a tenth of a position is bound and a hundredth kept; money in lots at 100.00."""
    rules = Rules(
        partial=True, amends=True, worth=LINEAR_COIN.quanta_per_tick_lot, balance=balance_lots * LOT,
        margin=MarginTable(mode, Fraction(1, 10), [(10**15, Fraction(0), Fraction(1, 100))]),
    )  # fmt: skip
    heard, world = exchange_hears([at(0, *BOOK), *messages, at(90, ("bid", 9_000, 1))], list(requests), rules)
    assert (world.desk[0].ledger == world.venue[0].ledger).all()
    return [a for a in heard if isinstance(a, Answer)]


def told(mode: Any, balance_lots: int, messages: list[Message], *requests: Request) -> list[tuple]:
    """The same, without money."""
    return [(a.kind, a.number, a.lots, a.reason) for a in answers_of(mode, balance_lots, messages, *requests)]


@pytest.mark.parametrize(("side", "mark", "price", "left"), [(1, 9_000, 9_001, 1_000), (-1, 11_100, 10_998, 9_000)])
def test_the_bankruptcy_price_is_the_last_one_that_the_margin_pays_for(
    side: int, mark: int, price: int, left: int
) -> None:
    # given ten lots at 100.01 or 99.99, of which a tenth is bound, and no fees: long 9,000.9, short 10,998.9
    last = answers_of("isolated", 10, [at(5, ("mark", mark, 0))], market(1, 256, side, 10))[-1]
    assert (last.kind, last.price) == ("liquidation", price)
    assert last.fee == left  # what whole increments leave of the margin


def test_an_order_beyond_the_margin_is_refused_and_one_that_closes_never() -> None:
    # given money for about 100 lots at ten times
    answers = told("isolated", 10, [], market(1, 256, 1, 101), market(2, 257, 1, 99), market(3, 258, -1, 99))
    assert answers == [
        ("rejected", 256, 0, "margin is short"), ("fill", 257, 99, "none"), ("fill", 258, 99, "none"),
    ]  # fmt: skip


def test_profit_pays_for_more_in_cross_margin_only() -> None:
    more = [market(1, 256, 1, 90), market(10, 257, 1, 30)]
    rise = [at(5, ("mark", 10_800, 0))]
    assert told("cross", 10, rise, *more)[-1] == ("fill", 257, 30, "none")
    assert told("isolated", 10, rise, *more)[-1] == ("rejected", 257, 0, "margin is short")


def test_isolated_a_position_is_lost_with_its_own_margin_and_cross_with_the_account() -> None:
    # given a position of ten lots in an account of ten lots' worth, and a fall by a tenth
    fall = [at(5, ("mark", 9_080, 0))]
    lost = told("isolated", 10, fall, market(1, 256, 1, 10))
    assert lost[-1] == ("liquidation", 0, 10, "none")
    assert told("cross", 10, fall, market(1, 256, 1, 10))[-1] == ("fill", 256, 10, "none")


def test_before_a_liquidation_every_order_of_the_instrument_is_cancelled() -> None:
    fall = [at(5, ("mark", 9_000, 0))]
    resting = Request(START + 2 * MILLISECOND, 257, 1, "post-only", 9_998, 3)
    stop = Request(START + 2 * MILLISECOND, 258, -1, "stop", 9_000, 3)
    answers = told("isolated", 10, fall, market(1, 256, 1, 10), resting, stop)
    assert answers[-3:] == [
        ("canceled", 257, 0, "position liquidated"), ("canceled", 258, 0, "position liquidated"),
        ("liquidation", 0, 10, "none"),
    ]  # fmt: skip


def test_on_spot_there_is_no_margin_and_no_funding() -> None:
    world = new_world(Setup(instruments=(SPOT_COIN,), margin=ONE_TIER, capital={"USDT": 10**10}))
    assert world.venue[0].margin.mode == 1
    assert not world.desk[0].shown.account[0].lots


def test_margin_at_two_trading_venues_is_refused() -> None:
    far = Venue(execution=Execution(entry_ns=5))
    with pytest.raises(ConfigError, match="found a second trading venue, test, expected one"):
        new_world(Setup(instruments=(LINEAR_COIN,), venues={"test": far}, margin=ONE_TIER))
