"""Two languages: the same keys, the same places, whole sentences, plural forms by rule, every sentence known."""

import re
from pathlib import Path

import pytest

import quintet.research as research
from quintet.core.errors import DefinitionError
from quintet.core.instrument import DEFAULT_SPOT
from quintet.core.risk.config import RiskConfig
from quintet.research.backtest import BacktestResult
from quintet.research.backtest_options import BacktestOptions
from quintet.research.report_parts.languages import LANGUAGES, both, is_known, plural, said, say, texts
from quintet.research.synthetic import SYNTHETIC_LABEL
from quintet.sim.config import ExecutionConfig

FOLDER = Path(research.__file__).parent
CYRILLIC = re.compile("[а-яё]", re.IGNORECASE)


def places(text: str | dict[str, str]) -> set[str]:
    forms = [text] if isinstance(text, str) else list(text.values())
    return {name for form in forms for name in re.findall(r"\{(\w+)\}", form)}


def test_both_languages_have_the_same_keys():
    english, russian = (texts(language) for language in LANGUAGES)
    assert set(english) == set(russian)


@pytest.mark.parametrize("key", sorted(texts("en")))
def test_a_text_fills_in_the_same_things_in_both_languages(key: str):
    english, russian = texts("en")[key], texts("ru")[key]
    assert isinstance(english, str) == isinstance(russian, str)
    if isinstance(english, str):
        assert places(english) == places(str(russian))
    else:
        # A form for one may leave out what it does not need.
        assert set(english) == {"one", "many"}
        assert set(russian) == {"one", "few", "many"}
        assert places(dict(english)) | {"count"} == places(dict(russian)) | {"count"}


def test_russian_is_russian():
    names = {
        "script.months",
        "script.months_of_days",
        "script.other_language",
        "script.other_language_name",
        "script.time",
        "read.time",
    }
    plain = {
        key for key, text in texts("ru").items()
        if not CYRILLIC.search(text if isinstance(text, str) else text["many"]) and key not in names
    }  # fmt: skip
    assert plain == {
        "doings.defensive", "interval.expectancy", "interval.profit_factor", "interval.win_rate", "strip.says",
        "trades.number",
    }  # fmt: skip


MADE = re.compile(
    r"\w+\.title|verdict\.(met|missed|unknown|(plain|testing)\.(between|at))|episodes\.(median|worst|best)|"
    r"attribution\.(spread|inventory|exit_cost|maker_fees|taker_fees|funding|net)|reproduce\.(tape|commands|state)|"
    r"months\.(quiet|middle|wild|rising|falling)|picture\.(cash_zero|states|policies)|"
    r"maker\.(joined|ahead)|split\.(spread|adverse|taken|inventory|fees|funding|net)|"
    r"executions\.name\.(maker|bounded|twap|iceberg|ladder)|"
    r"eternal\.(period|regime|breaker|variant|note|deed|event|trigger|why|unheard|assumed_path)_\w+|"
    r"eternal\.(hold_btc|hold_two_thirds|sixty_forty)|"
    r"eternal\.(whole|money|storms|deeds|shares|breakers|effect|paths|luck|happened|assumed)(_note)?"
)
"""Keys that a template puts together from a name."""


def test_every_text_is_used():
    text = "\n".join(path.read_text() for path in FOLDER.rglob("*") if path.suffix in (".py", ".j2", ".js"))

    def is_used(key: str) -> bool:
        section, _, name = key.partition(".")
        if section == "script":
            return f'"{name}"' in text or f'data-label="{name.removeprefix("label.")}"' in text
        return f'"{key}"' in text or MADE.fullmatch(key) is not None

    assert [key for key in texts("en") if not is_used(key)] == []


@pytest.mark.parametrize(
    ("language", "counts"),
    [
        ("en", {"one": [1], "many": [0, 2, 5, 21, 101]}),
        ("ru", {"one": [1, 21, 101, 1001], "few": [2, 3, 4, 22, 104], "many": [0, 5, 11, 12, 14, 20, 111, 112]}),
    ],
)
def test_plural_forms_follow_the_rule(language: str, counts: dict[str, list[int]]):
    for form, numbers in counts.items():
        assert {plural(language, number) for number in numbers} == {form}


def test_a_count_chooses_its_form():
    assert both("trades.episodes", count=1) == ("1 episode", "1 эпизод")
    assert both("trades.episodes", count=3).ru == "3 эпизода"
    # and a large one is not broken at its thousands
    assert both("trades.episodes", count=1200).ru == '<span class="nw">1\u2009200</span> эпизодов'


def test_a_key_or_a_place_that_is_not_there_is_refused():
    with pytest.raises(DefinitionError, match=r"nothing\.here"):
        both("nothing.here")
    with pytest.raises(DefinitionError, match="policy"):
        both("interval.note", count=4)


def test_what_is_filled_in_is_escaped():
    assert "&lt;b&gt;" in say("interval.of", start="<b>")


def test_alike_in_both_languages_stands_once():
    assert str(say("read.time")) == "UTC"


# ---- sentences of other rooms --------------------------------------------------------------------------------


def assumptions() -> list[str]:
    """Whatever the simulated exchange may assume."""
    found = []
    for execution in (ExecutionConfig(), ExecutionConfig(touch_fill_frac=0.3)):
        options = BacktestOptions(DEFAULT_SPOT, execution, RiskConfig(), "5m", "5m")
        found += BacktestResult(None, None, None, options, ()).assumptions  # type: ignore[arg-type]
    return found


@pytest.mark.parametrize(
    "sentence",
    [
        *assumptions(),
        SYNTHETIC_LABEL,
        "testing form, not money: run without fees, spread",
        "candles of a derivative stand in for spot: its prices are close, not equal",
        "eth.csv: columns: time=date, open=open",
        "structure on 5m, execution on 1m",
        "the tape's clocks measure no latency: clock skew: 7 of 9 messages were received before they happened; the "
        "recorder's clock is 1,173 to 1,272 ms behind the venue's or more, a latency cannot be measured",
        "8640 5m bars resampled from 1m; 2 cut at the edges, 0 incomplete and left out",
        "latency 750 ms (x3)",
        "its days redrawn, 10,000 paths, 5 % to 95 %",
        "214: 37 on this data",
        "214: 2 on this data, 212 before the ledger",
        "deflated 0.170 / 0.950",
    ],
)
def test_a_sentence_of_another_room_has_its_russian(sentence: str):
    assert is_known(sentence)
    assert CYRILLIC.search(said(sentence).ru)
    assert said(sentence).en.replace("&#39;", "'") == sentence


def test_words_that_fill_a_sentence_are_translated_too():
    assert said("testing form, not money: run without fees, latency").ru.endswith("без комиссий, задержки")


def test_a_sentence_nobody_has_translated_stays_as_it_is():
    assert said("a <new> sentence") == ("a &lt;new&gt; sentence", "a &lt;new&gt; sentence")
