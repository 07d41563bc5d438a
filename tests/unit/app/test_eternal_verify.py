"""`quintet verify` and the eternal engine: what is tried, what is found, what is refused."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from quintet.app import eternal_verify
from quintet.research import eternal_run
from tests.fakes.command_line import Quintet

SPAN = ("--start", "2020-01-01", "--end", "2020-02-15")
HASHES = {"tape": "a" * 64, "CORE": "b" * 32}
EQUAL = {"hashes": HASHES, "figures": {"whole": {"return_frac": 0.1}}, "conservation": 0, "path": "low_first"}


class Children:
    """Backtests in other processes, told what to answer."""

    def __init__(self, differs_with: tuple[str, str] | None = None) -> None:
        self.tried: list[tuple[list[str], Mapping[str, str]]] = []
        self.differs_with = differs_with

    def __call__(self, words: Sequence[str], out: Path, settings: Mapping[str, str], more: Sequence[str]) -> Any:
        self.tried.append(([*words, *more], settings))
        return EQUAL | ({"figures": {}} if self.differs_with in settings.items() else {})


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch) -> Children:
    made = Children()
    monkeypatch.setattr(eternal_verify, "child", made)
    monkeypatch.setattr(eternal_run.EternalRun, "hashes", HASHES)
    return made


@pytest.mark.req("E-03")
def test_seeds_memory_in_bytes_and_compilation_are_all_tried(quintet: Quintet, children: Children) -> None:
    said = quintet("verify", "determinism", "eternal", *SPAN, "--set", "capital_usdt=50_000", "--json")
    assert said.code == 0, said.err
    assert [check["ok"] for check in said.json["checks"]] == [True, True, True]
    settings = [each for _, each in children.tried]
    assert settings[0] != settings[1] and {"NUMBA_DISABLE_JIT": "1"} in settings
    words = " ".join(children.tried[0][0])
    assert words == "backtest eternal --start 2020-01-01 --end 2020-02-15 --set capital_usdt=50_000 --bars 1"
    assert "--end 2020-01-31" in " ".join(children.tried[2][0])  # the slice without compilation is a month


@pytest.mark.parametrize("setting", [("PYTHONHASHSEED", "4242"), ("NUMBA_DISABLE_JIT", "1")])
def test_a_difference_is_found_and_is_no_success(quintet: Quintet, children: Children, setting: Any) -> None:
    children.differs_with = setting
    said = quintet("verify", "determinism", "eternal", *SPAN)
    assert said.code == 1 and said.out.count("DIFFERS") == 1


def test_a_memory_that_does_not_come_back_from_bytes_is_found(
    quintet: Quintet, children: Children, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(eternal_run.EternalRun, "hashes", HASHES | {"CORE": "c" * 32})
    said = quintet("verify", "determinism", "eternal", *SPAN)
    assert said.code == 1 and "DIFFERS  all that it remembers" in said.out


@pytest.mark.req("E-03")
def test_no_future_reaches_back(quintet: Quintet) -> None:
    said = quintet("verify", "lookahead", "eternal", *SPAN, "--cuts", 2, "--json")
    assert said.code == 0, said.err
    assert said.json["ok"] and said.json["synthetic"] and len(said.json["cuts"]) == 2
    names = [check["name"] for check in said.json["checks"]]
    assert "the files cut, the future removed" in names and "the files cut, the future replaced by noise" in names


@pytest.mark.parametrize("command", ["determinism", "lookahead"])
@pytest.mark.parametrize("flag", [("--symbol", "BTCUSDT"), ("--bars", 5), ("--tape", "x.tape")])
def test_flags_of_candles_are_refused(quintet: Quintet, command: str, flag: tuple[str, Any]) -> None:
    said = quintet("verify", command, "eternal", *flag)
    assert said.code == 2 and flag[0] in said.err and "--data FOLDER" in said.err


def test_a_run_on_days_is_listed_compared_and_has_no_desk_tape(quintet: Quintet) -> None:
    words = ("backtest", "eternal", "--start", "2020-01-01", "--end", "2020-01-31", "--bars", 1, "--json", "--set")
    runs = [quintet(*words, f"parameters.trend_1.adx_min={adx}").json["run"] for adx in (25, 20)]
    assert "generated, 2020-01-01 to 2020-01-31" in quintet("runs", "list", "--json").out
    compared = quintet("runs", "compare", *runs, "--json").json
    assert [pair["name"] for pair in compared["config"]] == ["parameters.trend_1.adx_min"]
    assert {pair["name"] for pair in compared["hashes"]} >= {"tape", "CORE", "TREND-1"}
    parity = quintet("verify", "parity", runs[0])
    assert parity.code == 2 and "a run without a desk tape" in parity.err
    report = quintet("report", runs[0])
    assert report.code == 2 and "written with the run" in report.err
