"""The page of a run: what stands on it, in which order, and what never does."""

import re

import pytest

from quintet.core.instrument import DEFAULT_SPOT
from quintet.core.market.bars import bar_rows
from quintet.core.risk.config import RiskConfig
from quintet.core.tape import memory_tape
from quintet.research.backtest import run_backtest
from quintet.research.backtest_options import BacktestOptions
from quintet.research.report import render_report, verify_command
from quintet.research.report_parts.languages import texts
from quintet.research.report_parts.wording import MINUS, THIN
from quintet.research.synthetic import synthesize
from quintet.sim.config import ExecutionConfig
from quintet.systems.structure_mm import StructureMmConfig
from tests.fakes.backtest_result import HandMadeResult, hand_made_manifest
from tests.page_words import words_of

NETS = {"pessimistic": -150_000_000_000, "optimistic": 80_000_000_000}


PROMISE = re.compile(
    r"guarante\w*|risk[- ]free(?! rate)|\bprofits?\b(?! factor)|profitab\w*|\b(?:will|shall) (?:earn|make|win|gain)\b|"
    r"гарант\w*|безриск\w*|без риска|прибыл\w*|заработа\w*|обеспечит доход",
    re.IGNORECASE,
)
"""Words by which a page would promise a result; `profit factor` is the name of a figure."""

DENIAL = re.compile(r"no profit|profit on it means nothing", re.IGNORECASE)


def promises_in(words: str) -> list[str]:
    """Every promise among these words."""
    return PROMISE.findall(DENIAL.sub("", words))


def the_page(result: HandMadeResult | None = None, *assumptions: str, synthetic: bool = False) -> str:
    result = result or HandMadeResult(NETS)
    return render_report(result, hand_made_manifest(result, *assumptions, synthetic=synthetic))


def first_screen(page: str) -> str:
    """Everything before the first section."""
    return words_of(page[: page.index("<section>")])


@pytest.fixture(scope="module")
def page() -> str:
    return the_page(None, "a resting order fills only when the price trades through it")


def test_the_page_needs_nothing_but_itself(page: str):
    for reaching_out in (
        "http://",
        "https://",
        "//cdn",
        "src=",
        "href=",
        "url(",
        "@import",
        "<link",
        "import(",
        "fetch(",
    ):
        assert reaching_out not in page
    # and a browser is told to keep it so
    assert "default-src 'none'" in page


def test_the_verdict_comes_before_any_other_sentence_on_the_result(page: str):
    words = words_of(page)
    assert words.index("Not proven. Do not trade it yet.") < words.index("It ended between")


def test_the_interval_is_on_the_first_screen_worst_end_first(page: str):
    assert f"between {MINUS}15.00 % and +8.00 %" in first_screen(page)
    assert "we count the worst (pessimistic)" in first_screen(page)


def test_every_policy_stands_beside_its_result(page: str):
    assert f"Net result of each fill policy: pessimistic {MINUS}15.00{THIN}%, optimistic +8.00{THIN}%" in page


def test_every_assumption_is_printed():
    lines = ("orders reach the venue 250 ms after the decision", "there is no queue: candles do not show one")
    words = words_of(the_page(None, *lines))
    assert all(line in words for line in lines)


@pytest.mark.req("S-48")
def test_a_run_without_costs_is_called_a_testing_form_before_its_first_figure():
    # given a run without fees
    words = words_of(the_page(None, "testing form, not money: run without fees"))
    # then headline and label come before any figure of the result, and the missing queue is named
    assert words.index("Testing form, not money.") < words.index("%")
    assert "Not money: run without fees. Candles show no queue either." in words[: words.index("%")]


@pytest.mark.req("S-48")
def test_no_section_of_a_testing_form_stands_without_the_label():
    page = the_page(None, "testing form, not money: run without fees")
    sections = page.split("<section>")[1:]
    assert sections and all("testing form, not money" in section for section in sections)


def test_the_missing_queue_of_candles_is_said_on_the_first_screen(page: str):
    assert "Candles show no queue and no book" in first_screen(page)


def test_a_synthetic_market_is_stamped_across_the_page_and_said_on_top():
    page = the_page(synthetic=True)
    assert '<div class="stamp" aria-hidden="true" data-stamp="SYNTHETIC" data-stamp-ru="СИНТЕТИКА"></div>' in page
    assert "Nothing below says anything about a real market." in first_screen(page)


def test_a_recorded_market_bears_no_stamp(page: str):
    assert "SYNTHETIC" not in words_of(page)


def test_candles_of_a_derivative_are_named_on_the_first_screen():
    said = "candles of a derivative stand in for spot: its prices are close, not equal"
    assert said[1:] in first_screen(the_page(None, said))


@pytest.mark.req("S-50", "S-51", "S-52")
def test_the_statistics_of_the_specification_are_shown(page: str):
    words = words_of(page)
    for said in (
        "BOS, potential 414",
        "BOS, confirmed 521",
        "Episodes 2 3 armed",
        "Bars in MM 149",
        "Time in Disabled 51.0 % 11 entries",
        "Defensive 10.7 % 9 entries",
    ):
        assert said in words, said


@pytest.mark.req("S-05")
def test_the_share_of_capital_in_the_quote_asset_is_shown_beside_its_floor(page: str):
    assert "Mostly in the quote asset, weighted by time 96.0 % / 50 %" in first_screen(page)


def test_what_is_needed_to_run_it_again_is_on_the_page(page: str):
    words = words_of(page)
    for needed in (
        "quintet backtest structure_mm --data eth_5m.csv",
        "a" * 64,
        "b" * 64,
        "c" * 64,
        "sha256 " + "d" * 64,
        "python 3.11.9",
        "latency_ms = 250",
        "2026-01-01T00:00:00.000000000Z",
    ):
        assert needed in words, needed


def test_parts_that_do_not_sum_to_the_result_are_said_to_be_off(page: str):
    # given a result made by hand, whose fills do not explain its equity
    words = words_of(page)
    # then the page does not hide it
    assert "The parts are off by" in words
    assert "to the last quantum" not in words[words.index("Where it came from") : words.index("What it did")]


def test_cash_and_holding_stand_beside_the_system(page: str):
    words = words_of(page)
    assert words.index("structure_mm, worst (pessimistic)") < words.index("cash, no interest")
    assert "holding ETH" in words


def test_an_episode_is_told_with_its_prices_and_its_end(page: str):
    assert "1 2026-01-01 00:25 2026-01-01 00:45 completed 4 2 0.01000 3 000.00 3 010.00 +1.23" in words_of(page)


def test_every_row_of_a_long_table_is_on_the_page():
    # given more episodes than anyone would print
    many = 107
    page = the_page(HandMadeResult(NETS, episodes=many, bars=12 * many))
    # then each of them and each fill has its row
    assert page.count("<tr data-episode=") == 2 * many
    assert page.count("maker</td>") == 2 * many


@pytest.mark.parametrize("language", ["en", "ru"])
def test_nothing_on_the_page_promises_anything(page: str, language: str):
    assert promises_in(words_of(page, language)) == []


@pytest.mark.parametrize("language", ["en", "ru"])
def test_no_text_that_may_come_onto_a_page_promises_anything(language: str):
    for key, text in texts(language).items():
        for form in [text] if isinstance(text, str) else text.values():
            assert promises_in(form) == [], key


@pytest.mark.parametrize(
    "sentence",
    [
        "a guaranteed income", "risk-free returns", "it will earn 5 %", "profits are certain", "profitable anywhere",
        "you will make money", "гарантированный доход", "гарантируем результат", "без риска", "безрисковая прибыль",
        "прибыльная стратегия", "вы заработаете", "приносит прибыль",
    ],
)  # fmt: skip
def test_a_promise_would_be_found(sentence: str):
    assert promises_in(f"Net return. {sentence}. Done.")


@pytest.mark.parametrize("sentence", ["Profit Factor 1.08", "no profit is claimed", "profit on it means nothing"])
def test_the_name_of_a_figure_and_a_denial_are_no_promise(sentence: str):
    assert promises_in(sentence) == []


def test_words_from_outside_cannot_become_markup():
    result = HandMadeResult(NETS)
    manifest = hand_made_manifest(result, "<script>alert(1)</script>")
    manifest["config"]["report"]["title"] = "<b>mine</b>"
    page = render_report(result, manifest)
    assert "<script>alert" not in page
    assert "<b>mine</b>" not in page


def test_one_fill_policy_alone_is_called_no_interval():
    words = words_of(the_page(HandMadeResult({"pessimistic": -1_000_000_000})))
    assert "It lost. Do not trade it." in words
    assert f"ended at {MINUS}0.10 % under the one fill policy that was run (pessimistic)" in words


def test_a_run_that_did_not_trade_has_a_page_too():
    words = words_of(the_page(HandMadeResult({"pessimistic": 0}, episodes=0)))
    assert "Nothing to judge. It did not trade." in words
    assert "no episode ended" in words


def test_a_run_of_a_single_bar_has_a_page_too():
    assert "Nothing to judge." in words_of(the_page(HandMadeResult({"pessimistic": 0}, episodes=0, bars=1)))


def test_books_that_do_not_balance_are_the_verdict():
    result = HandMadeResult(NETS)
    result.conservation = 3
    words = words_of(the_page(result))
    assert "Not valid. The books do not balance." in words
    assert "are off by 3 quanta" in words


def test_a_system_whose_log_is_unknown_is_reported_without_states_and_episodes():
    words = words_of(the_page(HandMadeResult(NETS, system="my_system")))
    assert "my_system on ETHUSDT" in words
    assert "The log of this system is not known here." in words
    assert "How episodes ended" not in words


def test_ten_months_of_bars_make_a_small_page():
    page = the_page(HandMadeResult(NETS, episodes=300, bars=86_400))
    assert len(page.encode()) < 6_000_000


def test_the_verifying_command_asks_for_the_same_market_and_leaves_no_folder():
    assert verify_command("quintet backtest structure_mm --data 'my eth.csv' --out runs/a --json --set a.b=c") == (
        "quintet verify determinism structure_mm --data 'my eth.csv' --set a.b=c"
    )


@pytest.mark.timeout(600)  # where the engine is not compiled yet, this test compiles it
def test_a_run_of_the_engine_itself_has_a_page():
    # given twelve days of a synthetic market, really run
    bars = synthesize(11, days=12, timeframe="5m")
    tape = memory_tape(bar_rows(bars), [DEFAULT_SPOT])
    options = BacktestOptions(DEFAULT_SPOT, ExecutionConfig(), RiskConfig(), "5m", "5m")
    result = run_backtest(tape, "structure_mm", StructureMmConfig(atr_slow_n=48), options)
    manifest = hand_made_manifest(HandMadeResult(NETS), *result.assumptions, synthetic=True)
    manifest["market"] |= {"first_ns": tape.census.first_ns, "last_ns": tape.census.last_ns}
    # when its page is made
    words = words_of(render_report(result, manifest))
    # then its own figures and assumptions stand on it
    assert f"Episodes {result.metrics['episodes']} {result.metrics['armed']} armed" in words
    assert all(" ".join(line.split()) in words for line in result.assumptions)
