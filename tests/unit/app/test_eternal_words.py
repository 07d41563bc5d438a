"""What a portfolio says is a sentence with units: every kind of note that an engine can write down, and every line."""

import ast
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pytest

from quintet.app.eternal_words import (
    LIMITS,
    SENTENCES,
    Units,
    fill_words,
    movement_words,
    note_words,
    order_words,
    payment_words,
    staking_words,
)
from quintet.core import state as s
from quintet.core.events import AMEND, CANCEL, PLACE
from quintet.core.instrument import Instrument
from quintet.core.orders import lifecycle
from quintet.research.eternal_conductor import Movement
from quintet.systems.eternal.cycle import Said
from quintet.systems.eternal.dates import day_of
from quintet.systems.eternal.said import Note, Transfer
from quintet.venues.bybit.listing import Listing

ROOT = Path(__file__).resolve().parents[3]
GUIDE = ROOT / "docs" / "guides" / "at-night.md"
SPEAKERS = (
    *sorted((ROOT / "src/quintet/systems/eternal").glob("*.py")),
    ROOT / "src/quintet/research/eternal_conductor.py",
)

USDT = 10**8
"""Quanta in one, as at the venue."""


def market(asset: str, kind: Any, increment: str, lot: str) -> Instrument:
    return Instrument(
        symbol=f"{asset}USDT", venue="bybit", kind=kind, base_asset=asset, quote_asset="USDT",
        price_increment=Decimal(increment), tick_size=Decimal(increment), lot_size=Decimal(lot),
    )  # fmt: skip


MARKETS = (
    market("BTC", "spot", "0.1", "0.000001"),
    market("ETH", "spot", "0.01", "0.00001"),
    market("BTC", "linear", "0.1", "0.001"),
    market("ETH", "linear", "0.01", "0.01"),
)
UNITS = Units(("BTC", "ETH", "BTC-PERP", "ETH-PERP"), Listing(MARKETS))


class Sample(NamedTuple):
    """What an engine writes down, with numbers as it counts them, and what a person reads. `market`: of the event."""

    account: str
    kind: str
    values: dict[str, Any]
    words: str
    market: str = ""


def transfer(to: str, asset: str, amount: int, rule: str) -> dict[str, Any]:
    return msgspec.structs.asdict(Transfer(to=to, asset=asset, amount=amount, rule=rule))


OFF = {"drift_BTC": 0.1034, "drift_ETH": -0.1034}

SAMPLES = (
    # CORE
    Sample("CORE", "withdrawals_closed", {},
           "withdrawals are closed at the venue: CORE does nothing until a person resumes it"),
    Sample("CORE", "rebalancing_paused", {"BTC": -0.7104, "ETH": -0.752},
           "rebalancing pauses: BTC 71.0 %, ETH 75.2 % below the high"),
    Sample("CORE", "rebalancing_resumed", {"BTC": -0.5, "ETH": -0.6401},
           "rebalancing goes on: BTC 50.0 %, ETH 64.0 % below the high"),
    Sample("CORE", "tranche", {"number": 1, "orders": 2}, "instalment 1: 2 orders"),
    Sample("CORE", "tranche", {"number": 2, "orders": 1}, "instalment 2: 1 order"),
    Sample("CORE", "tranche", {"number": 3, "orders": 0}, "instalment 3: nothing to buy"),
    Sample("CORE", "built", {"tranches": 12}, "built up in 12 instalments: from now on it is held"),
    Sample("CORE", "rebalance", {"why": "drift", **OFF, "lots_BTC": -66_672, "lots_ETH": 555_550},
           "rebalances (weights that have drifted): sell 0.066672 BTC, buy 5.5555 ETH; "
           "off their weights by BTC +10.3, ETH -10.3 points"),
    Sample("CORE", "rebalance", {"why": "cash", "drift_BTC": -0.0, "drift_ETH": 0.0},
           "rebalances (cash that is unspent): no order today; off their weights by BTC +0.0, ETH +0.0 points"),
    Sample("CORE", "rebalanced", {"why": "quarter", "drift_BTC": 0.002, "drift_ETH": -0.002},
           "the rebalance is over (the end of a quarter); off their weights by BTC +0.2, ETH -0.2 points"),
    Sample("CORE", "rebalance_held_back", {"why": "cap", **OFF},
           "no rebalance while it pauses (a coin above its cap); off their weights by BTC +10.3, ETH -10.3 points"),
    Sample("CORE", "rebalance_skipped", {"why": "quarter", **OFF},
           "no rebalance (the end of a quarter): the last was a few days ago; "
           "off their weights by BTC +10.3, ETH -10.3 points"),
    # TREND
    Sample("TREND-1", "entered", {"market": "BTC-PERP", "lots": 125, "price": 500_040, "stop": 482_105},
           "long 0.125 BTC entered at 50,004.0, stop at 48,210.5", "BTC-PERP"),
    Sample("TREND-1", "entered", {"market": "ETH-PERP", "lots": -101, "price": 347_096, "stop": 366_610},
           "short 1.01 ETH entered at 3,470.96, stop at 3,666.10", "ETH-PERP"),
    Sample("TREND-1", "exit", {"market": "BTC-PERP", "rule": "average"},
           "the position in BTC is closed: the price has crossed its long average"),
    Sample("TREND-1", "exit", {"market": "BTC-PERP", "rule": "again"},
           "the position in BTC is closed: the exit of before was not filled"),
    Sample("TREND-1", "exit", {"market": "BTC-PERP", "rule": "time"},
           "the position in BTC is closed: its time is over"),
    Sample("TREND-1", "exit", {"market": "BTC-PERP", "rule": "funding"},
           "the position in BTC is closed: its funding is dear"),
    Sample("TREND-1", "stopped", {"gain_increments": -17_935},
           "stopped out of BTC: 1,793.5 USDT lost on each BTC, before fees", "BTC-PERP"),
    Sample("TREND-2", "trailing_stop", {"gain_increments": 20_758},
           "stopped out of ETH by the trailing stop: 207.58 USDT gained on each ETH, before fees", "ETH-PERP"),
    Sample("TREND-2", "left", {"gain_increments": 29_828},
           "position in BTC closed: 2,982.8 USDT gained on each BTC, before fees", "BTC-PERP"),
    Sample("TREND-1", "halved", {"market": "BTC-PERP", "lots": 62},
           "0.062 BTC of the position are closed: both markets move as one"),
    Sample("TREND-1", "no_trade", {"market": "BTC-PERP", "side": 1, "rule": "quiet"},
           "no long position in BTC: there was no trend for long"),
    Sample("TREND-1", "no_trade", {"market": "ETH-PERP", "side": -1, "rule": "too small"},
           "no short position in ETH: it is too small for an order"),
    Sample("TREND-1", "no_trade", {"market": "ETH-PERP", "side": -1, "rule": "risk"},
           "no short position in ETH: no new risk is taken"),
    Sample("TREND-1", "no_trade", {"market": "ETH-PERP", "side": -1, "rule": "funding"},
           "no short position in ETH: funding closed that side"),
    Sample("TREND-1", "no_trade", {"market": "ETH-PERP", "side": -1, "rule": "today"},
           "no short position in ETH: a position was left today"),
    # FUNDING
    Sample("FUNDING", "funding", {"asset": "BTC", "quanta": 142_153_000, "tactical": 71_076_500},
           "funding of BTC since the last look: 1.42 USDT received, 0.710765 of it for TACTICAL"),
    Sample("FUNDING", "funding", {"asset": "ETH", "quanta": -14_442_176, "tactical": 0},
           "funding of ETH since the last look: 0.14442176 USDT paid"),
    Sample("FUNDING", "insurance_fund", {"asset": "", "closed": 2},
           "the venue's insurance fund runs dry: 2 pairs to close"),
    Sample("FUNDING", "negative_for_long", {"asset": "BTC", "closed": 0},
           "funding of BTC has been negative for long: no pair is open"),
    Sample("FUNDING", "not_entered", {"asset": "BTC", "rule": "small"},
           "no pair in BTC, though its funding pays: it is too small for an order"),
    Sample("FUNDING", "not_entered", {"asset": "BTC", "rule": "risk"},
           "no pair in BTC, though its funding pays: no new risk is taken"),
    Sample("FUNDING", "opportunity", {"asset": "BTC", "rate_e9": 123_400, "target": 1_400_000},
           "funding of BTC will pay 0.01234 %: a pair of 0.014 BTC is being entered"),
    Sample("FUNDING", "entered", {"asset": "BTC", "long": 1_400_098, "short": 1_400_000},
           "pair entered: long 0.01400098 BTC, short 0.014 BTC"),
    Sample("FUNDING", "left", {"asset": "BTC", "rule": "negative", "rate_e9": -50_000},
           "the pair in BTC is closed: its funding is negative, or about to be, -0.005 % the last time"),
    Sample("FUNDING", "left", {"asset": "BTC", "rule": "negative", "rate_e9": None},
           "the pair in BTC is closed: its funding is negative, or about to be"),
    Sample("FUNDING", "left", {"asset": "BTC", "rule": "basis", "basis": -0.02131},
           "the pair in BTC is closed: its two prices are 2.13 % apart"),
    Sample("FUNDING", "left", {"asset": "BTC", "rule": "days"}, "the pair in BTC is closed: its days are over"),
    Sample("FUNDING", "left", {"asset": "BTC", "rule": "release"},
           "the pair in BTC is closed: its money is asked back"),
    Sample("FUNDING", "closed", {"asset": "BTC"}, "the pair in BTC is gone from both sides"),
    Sample("FUNDING", "stray", {"asset": "BTC", "long": 0, "short": 1_400_000},
           "0 BTC long and 0.014 BTC short belong to no pair, and are being closed"),
    Sample("FUNDING", "undone", {"asset": "ETH", "naked": 24_000_000, "attempts": 3},
           "0.24 ETH of a pair stood on one side alone after 3 attempts: being undone"),
    Sample("FUNDING", "transfer", transfer("TACTICAL", "USDT", 71_076_500, "funding"),
           "0.710765 USDT to move from FUNDING to TACTICAL (half of the funding received)"),
    # TACTICAL
    Sample("TACTICAL", "waits", {"trigger": "level_2"},
           "a purchase is called for (level 2) and waits: the last one is too near"),
    Sample("TACTICAL", "too_small", {"trigger": "fear"},
           "a purchase is called for (extreme fear): the money is too little for an order"),
    Sample("TACTICAL", "new_high", {"close": 701_234},
           "Bitcoin has closed at a new high, 70,123.4: levels count anew"),
    Sample("TACTICAL", "deployed",
           {"trigger": "level_1", "quanta": 1_250 * USDT, "BTC": 1_000 * USDT, "ETH": 250 * USDT, "drawdown": -0.521},
           "Bitcoin is 52.1 % below its high: 1,250.00 USDT are being spent (level 1), 1,000.00 for BTC, "
           "250.00 for ETH"),
    Sample("TACTICAL", "given_up", {"trigger": "volatility"},
           "the rest of a purchase (extreme volatility) is given up: the venue has not taken it"),
    Sample("TACTICAL", "target", {"trigger": "level_1", "cost": 1_250 * USDT, "BTC": 20_000, "ETH": 8_000},
           "what was bought for 1,250.00 USDT (level 1) has reached its target: 0.02 BTC, 0.08 ETH for CORE"),
    Sample("TACTICAL", "partial", {"trigger": "funding", "cost": 1_250 * USDT, "BTC": 20_000},
           "what was bought for 1,250.00 USDT (deeply negative funding) rose fast, a part of it leaves: "
           "0.02 BTC for CORE"),
    Sample("TACTICAL", "year", {"trigger": "level_1", "cost": 1_250 * USDT, "BTC": 20_000, "ETH": 0},
           "what was bought for 1,250.00 USDT (level 1) is a year old: 0.02 BTC for CORE"),
    Sample("TACTICAL", "transfer", transfer("CORE", "BTC", 20_000, "year"),
           "0.02 BTC to move from TACTICAL to CORE (a year is over)"),
    # the whole
    Sample("", "refused_data",
           {"problem": f"BTC-PERP, day {day_of(2026, 1, 5)}: low is 0, expected 1 increment or more"},
           "a price was refused: BTC-PERP, 2026-01-05: low is 0.0, expected 0.1 or more"),
    Sample("", "refused_data",
           {"problem": f"BTC, day {day_of(2026, 1, 5)}: found open 500040, high 500030, low 499000, close 499500; "
                       "expected low and high around the others"},
           "a price was refused: BTC, 2026-01-05: found open 50,004.0, high 50,003.0, low 49,900.0, close 49,950.0; "
           "expected low and high around the others"),
    Sample("", "refused_data",
           {"problem": f"ETH, day {day_of(2026, 1, 5)}: found a bar at or before day {day_of(2026, 1, 6)}, "
                       "expected a later one"},
           "a price was refused: ETH, 2026-01-05: found a bar at or before 2026-01-06, expected a later one"),
    Sample("", "no_data", {"what": "BTC"}, "no price of BTC for the day: the market is judged as before"),
    Sample("", "regime", {"from": "default", "to": "high_volatility"},
           "the market is high volatility now, it was default"),
    Sample("", "status", {"to": "NORMAL", "drawdown": -0.18},
           "all engines may take new risk again: the portfolio is 18.0 % below its high"),
    Sample("", "status", {"to": "REDUCE", "drawdown": -0.2614},
           "TREND and FUNDING take no new risk: the portfolio is 26.1 % below its high"),
    Sample("", "status", {"to": "HALT", "drawdown": 0.0},
           "no engine takes new risk until a person resumes; the portfolio is 0.0 % below its high"),
    Sample("", "deep_drawdown", {"drawdown": -0.41}, "look at it: the portfolio is 41.0 % below its high"),
    Sample("", "engine_paused", {"account": "FUNDING", "drawdown": -0.031},
           "FUNDING pauses until a person resumes it: it is 3.1 % below its own high"),
    Sample("TREND-1", "engine_failed", {"error": "ZeroDivisionError: division by zero"},
           "failed, and set aside until a person restarts it; its orders stay: ZeroDivisionError: division by zero"),
    Sample("CORE", "operator", {"action": "resume", "account": "CORE"}, "a person has ordered: CORE goes on"),
    Sample("", "operator", {"action": "resume", "account": ""}, "a person has ordered: the portfolio goes on"),
    Sample("", "operator", {"action": "halt", "account": ""},
           "a person has ordered: no new risk anywhere; exits and stops go on"),
    Sample("FUNDING", "operator", {"action": "halt", "account": "FUNDING"},
           "a person has ordered: no new risk of FUNDING; exits and stops go on"),
    Sample("TREND-2", "operator", {"action": "restart", "account": "TREND-2"},
           "a person has ordered: TREND-2, which failed, is asked again"),
    Sample("", "operator", {"action": "reset", "account": ""},
           "a person has looked at what stopped the desks: begin anew"),
    Sample("CORE", "operator", {"action": "reset", "account": "CORE"},
           "a person has looked at what stopped the desk of CORE: begin anew"),
    Sample("FUNDING", "refused", {"instrument": "ETH-PERP", "limit": "pair_cap"},
           "an order in ETH-PERP was not let through: the cap of one pair"),
    Sample("CORE", "cut", {"instrument": "BTC", "wanted": 1_200_000, "lots": 500_000, "limit": "participation"},
           "an order in BTC made smaller, 1.2 to 0.5 BTC: no larger part of a day's volume is taken"),
    Sample("", "move", {"from": "TREND-1", "to": "CORE", "quanta": 500 * USDT, "rule": "volatility_harvest"},
           "500.00 USDT to move from TREND-1 to CORE (TREND's surplus, 50/30/20)"),
    Sample("", "move", {"from": "CORE", "to": "TACTICAL", "quanta": 1_500 * USDT, "rule": "excess"},
           "1,500.00 USDT to move from CORE to TACTICAL (more than its share)"),
    Sample("", "deposit", {"quanta": 1_000 * USDT, "CORE": 600 * USDT, "TREND-1": 400 * USDT, "TREND-2": 0},
           "1,000.00 USDT come from outside: CORE 600.00, TREND-1 400.00"),
    Sample("", "volatility_harvest", {"excess": 1_000 * USDT},
           "TREND has outgrown its share by 1,000.00 USDT: 50 % of it for CORE, 30 % for FUNDING, 20 % for TACTICAL"),
    Sample("", "heartbeat", {"equity": 100_000 * USDT, "regime": "default"},
           "equity 100,000.00 USDT, market default"),
)  # fmt: skip

COMPUTED = {
    "core_hodl._drift_note: kind": {"rebalance", "rebalanced", "rebalance_held_back", "rebalance_skipped"},
    "funding._watch_all: kind": {"insurance_fund", "negative_for_long"},
    "tactical._leave: rule": {"year", "target", "partial"},
    "trend._left: through[0].lower() if len(through) > 1 else 'left'": {"stopped", "trailing_stop", "left"},
}
"""Where a kind is no constant: what it may be."""

ALARMS = {
    "withdrawals_closed": "withdrawals are closed at the venue",
    "negative_for_long": "has been negative for long",
    "insurance_fund": "the venue's insurance fund runs dry",
    "stray": "belong to no pair, and are being closed",
    "undone": "of a pair stood on one side alone",
    "deployed": "are being spent",
    "given_up": "is given up: the venue has not taken it",
    "refused_data": "a price was refused",
    "status": "take no new risk: the portfolio is",
    "deep_drawdown": "look at it: the portfolio is",
    "engine_paused": "pauses until a person resumes it",
    "engine_failed": "failed, and set aside until a person restarts it",
}
"""Kinds that may wake a person, and the piece of their sentence by which the guide for the night knows them."""


def said(sample: Sample) -> str:
    note = Note(kind=sample.kind, values=sample.values)
    return note_words(Said(stage="engines", account=sample.account, note=note), UNITS, sample.market)


class Written(NamedTuple):
    """A note in the sources: its kinds, the names of its values (None: they are computed), does it alert?"""

    where: str
    kinds: frozenset[str]
    names: frozenset[str] | None
    alerts: bool


def written() -> Iterator[Written]:
    for path in SPEAKERS:
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(function, ast.FunctionDef):
                for call in ast.walk(function):
                    if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "Note":
                        yield _written(f"{path.stem}.{function.name}", call)


def _written(where: str, call: ast.Call) -> Written:
    parts = {word.arg: word.value for word in call.keywords}
    kind, values, alert = parts["kind"], parts.get("values", ast.Dict([], [])), parts.get("alert")
    if isinstance(kind, ast.Constant):
        kinds = {str(kind.value)}
    else:
        kinds = COMPUTED[f"{where}: {ast.unparse(kind)}"]
    plain = isinstance(values, ast.Dict) and all(isinstance(key, ast.Constant) for key in values.keys)
    names = frozenset(str(key.value) for key in values.keys) if plain else None  # type: ignore[attr-defined]
    return Written(where, frozenset(kinds), names, alert is not None and ast.unparse(alert) != "False")


WRITTEN = tuple(written())
KINDS = frozenset(kind for one in WRITTEN for kind in one.kinds)


def test_every_kind_of_note_in_the_sources_has_a_sentence_and_a_sample() -> None:
    assert len(WRITTEN) > 40
    assert set(SENTENCES) == KINDS
    assert {sample.kind for sample in SAMPLES} == KINDS


@pytest.mark.parametrize("one", [one for one in WRITTEN if one.names is not None], ids=lambda one: one.where)
def test_samples_have_the_values_that_the_sources_give_a_note(one: Written) -> None:
    given = [frozenset(sample.values) for sample in SAMPLES if sample.kind in one.kinds]
    assert one.names in given


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: f"{sample.account}-{sample.kind}")
def test_a_note_is_a_sentence_with_units(sample: Sample) -> None:
    assert said(sample) == sample.words


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: f"{sample.account}-{sample.kind}")
def test_no_number_is_told_as_an_engine_counts_it(sample: Sample) -> None:
    told = {token.strip(".,") for token in re.findall(r"[\d.,]+", said(sample))}
    raw = {abs(value) for value in sample.values.values() if isinstance(value, int) and abs(value) > 1_000}
    assert not told & {form for value in raw for form in (str(value), f"{value:,}")}
    assert not any(word in said(sample) for word in ("_", "quanta", "lots", "increment", "e9"))


def test_the_samples_know_every_limit_of_the_risk_manager() -> None:
    text = (ROOT / "src/quintet/systems/eternal/risk.py").read_text(encoding="utf-8")
    assert [limit for limit in LIMITS if f'"{limit}"' not in text] == []
    written_down = {
        str(word.value.value)
        for call in ast.walk(ast.parse(text))
        if isinstance(call, ast.Call)
        for word in call.keywords
        if word.arg == "limit" and isinstance(word.value, ast.Constant)
    }
    assert written_down <= set(LIMITS) and len(written_down) >= 3


def test_whatever_wakes_a_person_stands_in_the_guide_for_the_night() -> None:
    guide = GUIDE.read_text(encoding="utf-8")
    assert {kind for one in WRITTEN if one.alerts for kind in one.kinds} == set(ALARMS)
    for kind, piece in ALARMS.items():
        assert any(piece in sample.words for sample in SAMPLES if sample.kind == kind), kind
        assert piece in guide, kind


@pytest.mark.parametrize(
    ("note", "words"),
    [
        (Note(kind="eclipse", values={"depth": 3, "of": "sun"}), "eclipse: depth 3, of sun"),
        (Note(kind="eclipse"), "eclipse"),
        (Note(kind="heartbeat", values={"pulse": 60}), "heartbeat: pulse 60"),
        (Note(kind="stopped", values={"gain_increments": 5}), "stopped: gain_increments 5"),
    ],
)
def test_a_note_without_words_is_told_as_it_is_written_down(note: Note, words: str) -> None:
    assert note_words(Said(stage="", account="", note=note), UNITS) == words


def a_row(dtype: Any, **values: int) -> Any:
    row = np.zeros(1, dtype)[0]
    for name, value in values.items():
        row[name] = value
    return row


def test_a_fill_names_its_fee_in_the_asset_that_it_was_taken_in() -> None:
    spot = a_row(s.FILL_RECORD, instrument=0, side=1, price=499_960, lots=66_672, maker=1, fee=6_668, fee_asset=1)
    assert fill_words(spot, UNITS) == "bought 0.066672 BTC at 49,996.0, maker, fee 0.00006668 BTC"
    short = a_row(s.FILL_RECORD, instrument=2, side=-1, price=512_582, lots=14, fee=39_468_814, fee_asset=0)
    assert fill_words(short, UNITS, simulated=True) == (
        "sold 0.014 BTC-PERP at 51,258.2, taker, fee 0.39468814 USDT, simulated"
    )
    paid = a_row(s.FILL_RECORD, instrument=3, side=-1, price=347_096, lots=101, maker=1, fee=-166_100_000, fee_asset=0)
    assert fill_words(paid, UNITS) == "sold 1.01 ETH-PERP at 3,470.96, maker, rebate 1.66 USDT"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"kind": PLACE, "style": lifecycle.POST_ONLY, "price": 499_960}, "buy 0.0666 BTC at 49,996.0, post-only"),
        ({"kind": PLACE, "style": lifecycle.MARKET}, "buy 0.0666 BTC, market"),
        ({"kind": PLACE, "style": lifecycle.MARKET, "price": 538_156}, "buy 0.0666 BTC at 53,815.6 or better, market"),
        ({"kind": CANCEL, "style": lifecycle.STOP, "price": 482_105}, "cancel: buy 0.0666 BTC at 48,210.5, stop"),
        ({"kind": AMEND, "style": lifecycle.LIMIT, "price": 1}, "amend to: buy 0.0666 BTC at 0.1, limit"),
    ],
)
def test_an_order_is_told_as_it_was_decided(values: dict[str, int], words: str) -> None:
    assert order_words(a_row(s.COMMAND, instrument=0, side=1, lots=66_600, **values), UNITS) == words


def test_a_payment_of_funding_is_paid_above_zero_and_received_below() -> None:
    assert payment_words(2, 142_153_000, 0, UNITS) == "paid 1.42 USDT for BTC-PERP"
    assert payment_words(3, -14_442_176, 0, UNITS) == "received 0.14442176 USDT for ETH-PERP"


def test_what_the_venue_refused_to_move_is_named_with_its_amount() -> None:
    assert movement_words(Movement("transfer 7", "TREND-1", "CORE", "USDT", 500 * USDT), UNITS) == (
        "500.00 USDT from TREND-1 to CORE"
    )
    assert movement_words(Movement("opening CORE", "", "CORE", "USDT", 500 * USDT), UNITS) == (
        "500.00 USDT from the main account to CORE"
    )
    assert movement_words(Movement("transfer 8", "TACTICAL", "CORE", "BTC", 2_000_000), UNITS) == (
        "0.02 BTC from TACTICAL to CORE"
    )
    assert staking_words("ETH", 150_000, UNITS) == "1.5 ETH to the Earn product"
    assert staking_words("ETH", -150_000, UNITS) == "1.5 ETH back from the Earn product"


@pytest.mark.parametrize(
    ("quanta", "words"),
    [(0, "0.00"), (1, "0.00000001"), (50_000_000, "0.50"), (12_345_600, "0.123456"), (-1, "-0.00000001"),
     (10**8, "1.00"), (123_456_789_100, "1,234.57"), (10**13, "100,000.00")],
)  # fmt: skip
def test_money_is_told_to_the_cent_and_below_one_to_its_last_digit(quanta: int, words: str) -> None:
    assert UNITS.money(quanta) == f"{words} USDT"
