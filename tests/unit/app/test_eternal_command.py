"""`quintet backtest eternal`: the files it reads, what it writes, what it refuses."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from quintet.app.eternal_command import read_file, refuse, run
from quintet.app.messages import Complaint
from quintet.storage.workspace import Workspace

NOW = datetime(2026, 1, 1, tzinfo=UTC)
EXAMPLE = Path("config/eternal.toml")


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    root = tmp_path_factory.mktemp("work")
    return run((), None, "2020-01-01", "2020-03-31", None, True, Workspace(root), NOW)


def test_the_example_is_read():
    told = read_file(EXAMPLE)
    assert set(told.assets) == {"BTC", "ETH"}
    assert told.assets["ETH"].rates_utc_offset_h == 3


def test_a_run_leaves_a_folder_with_figures_and_a_page(outcome):
    folder = Path(outcome["folder"])
    assert {path.name for path in folder.iterdir()} == {
        "manifest.json",
        "metrics.json",
        "report.html",
        "curves.parquet",
    }
    said = json.loads((folder / "metrics.json").read_text())
    assert said["conservation"] == 0 and said["synthetic"] is True
    assert set(said["benchmarks"]) == {"hold_btc", "hold_two_thirds", "sixty_forty"}
    assert said["trials"]["total"] >= 1
    assert said["periods"]["whole"]["2018"] is None  # no data, never 0


@pytest.mark.req("E-106")
def test_a_point_of_the_curve_is_stored_for_every_day(outcome):
    curve = pl.read_parquet(Path(outcome["folder"]) / "curves.parquet")
    assert curve.columns == ["day", "whole", "hold_btc", "hold_two_thirds", "sixty_forty"]
    assert curve["day"].diff().drop_nulls().unique().to_list() == [1]
    assert len(curve) == 90  # the first day of 91 is where it begins


def test_the_page_says_everything_in_both_languages_and_fetches_nothing(outcome):
    page = Path(outcome["report"]).read_text()
    assert "SYNTHETIC" in page and "no data" in page and "нет данных" in page
    assert page.count('<span lang="en">') == page.count('<span lang="ru">')
    assert not re.search(r'(?:src|href)="(?:https?:)?//', page)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("capital = 5", "unknown key: {path}: found capital, expected one of capital_usdt"),
        ("capital_usdt = 5", "found Expected `int` >= 1000 - at `$.capital_usdt`"),
        ("[parameters.trend_1]\nfast_days = 300", "fast_days is 300, expected below slow_days"),
        ("[assets.BTC]\nearlier = 'x'", "missing required field `days`"),
        ("capital_usdt =", "not TOML: {path}"),
    ],
)
def test_a_configuration_that_cannot_be_is_refused_by_key(tmp_path, text, what):
    path = tmp_path / "eternal.toml"
    path.write_text(text)
    with pytest.raises(Complaint) as refused:
        read_file(path)
    assert what.format(path=path) in str(refused.value)


def test_a_key_that_is_set_wins_over_the_file():
    told = read_file(EXAMPLE, ["parameters.trend_1.adx_min=30.5", "end=2019-12-31"])
    assert told.parameters.trend_1.adx_min == 30.5 and told.parameters.trend_2.adx_min == 25.0
    assert (told.start, told.end) == ("2017-11-09", "2019-12-31")


@pytest.mark.parametrize(
    ("word", "what"),
    [
        ("parameters.trend_1.adx=30", "[parameters.trend_1]: found adx, expected one of fast_days"),
        ("parameters.trend_1.adx_min=300", "expected keys of eternal"),
        ("parameters.core=1", "expected [parameters.core] with keys btc_parts"),
        ("parameters", "expected section.key=value"),
    ],
)
def test_a_key_that_cannot_be_set_is_refused_by_name(word, what):
    with pytest.raises(Complaint) as refused:
        read_file(None, [word])
    assert "--set" in refused.value.where and what in str(refused.value)


def test_flags_that_mean_nothing_here_are_refused():
    with pytest.raises(Complaint) as refused:
        refuse({"--symbol": "BTCUSDT", "--tape": None}, "--data FOLDER")
    assert refused.value.found == "--symbol"


def test_a_folder_without_a_configuration_is_refused(tmp_path):
    with pytest.raises(Complaint) as refused:
        run((tmp_path,), None, "", "", None, True, Workspace(tmp_path), NOW)
    assert "config/eternal.toml" in refused.value.hint


@pytest.mark.parametrize(("start", "end"), [("2020-02-30", ""), ("x", ""), ("2020-01-01", "2020-01-05")])
def test_a_span_that_cannot_be_is_refused(tmp_path, start, end):
    with pytest.raises(Complaint):
        run((), None, start, end, None, True, Workspace(tmp_path), NOW)
