"""Configuration: what counts over what, how values are read, and that every example loads."""

import json
import tomllib
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from quintet.app.config import Config, Given, load
from quintet.app.config_text import as_toml, as_tree, schema
from quintet.app.eternal_command import read_file
from quintet.app.expectations import expected_text
from quintet.app.instruments import KNOWN, InstrumentConfig, capital_quanta, define
from quintet.app.messages import Complaint
from quintet.core.instrument import DEFAULT_SPOT
from tests.fakes.command_line import Quintet
from tools.configuration_page import page, schema_text

ROOT = Path(__file__).resolve().parents[3]
PORTFOLIO = ROOT / "config" / "eternal.toml"
EXAMPLES = sorted({*(ROOT / "config").glob("*.toml")} - {PORTFOLIO})


def written(folder: Path, text: str) -> Path:
    path = folder / "run.toml"
    path.write_text(text)
    return path


def test_the_example_of_a_portfolio_is_loaded_by_its_own_reader() -> None:
    assert {*read_file(PORTFOLIO).assets} >= {"BTC", "ETH"}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_every_example_is_loaded_and_names_an_instrument(example: Path) -> None:
    config = load(example)
    assert define(config.instrument, str(example)).kind == "spot"


def test_flags_win_over_sets_which_win_over_the_file_which_wins_over_defaults(tmp_path: Path) -> None:
    # given a file with three keys
    path = written(tmp_path, "[execution]\nlatency_ms = 1\nspread_bps = 1.5\nslippage_bps = 1.5\n")
    # when one of them is set, and one is also given as a flag
    flag = Given("execution.slippage_bps", 4, "--slippage")
    config = load(path, ["execution.spread_bps=3", "execution.slippage_bps=3"], [flag])
    # then each is the last one given, and the rest is as by default
    assert config.execution.latency_ms == 1
    assert config.execution.spread_bps == 3.0
    assert config.execution.slippage_bps == 4.0
    assert config.execution.participation_frac == 0.10


def test_exact_numbers_stay_exact_however_they_are_written(tmp_path: Path) -> None:
    path = written(tmp_path, '[instrument]\ntick_size = 0.01\nlot_size = "0.00001"\n')
    section = load(path).instrument
    assert section.tick_size == Decimal("0.01")
    assert section.lot_size == Decimal("0.00001")


def test_dates_and_plain_numbers_are_read_as_the_text_they_look_like(tmp_path: Path) -> None:
    path = written(tmp_path, "[data]\nstart = 2026-01-01\nend = 2026-02-01T12:00:00Z\ninterval = 5\n")
    data = load(path, ["data.htf_interval=15"]).data
    assert (data.start, data.end, data.interval) == ("2026-01-01", "2026-02-01T12:00:00+00:00", "5")
    assert data.htf_interval == "15"


def test_paths_in_a_file_are_relative_to_that_file(tmp_path: Path) -> None:
    path = written(tmp_path, '[data]\nfiles = ["candles/a.csv", "/elsewhere/b.csv"]\n')
    assert load(path).data.files == (str(tmp_path / "candles/a.csv"), "/elsewhere/b.csv")


def test_a_list_may_be_set_with_commas() -> None:
    assert load(None, ["execution.fill_policies=ohlc,olhc"]).execution.fill_policies == ("ohlc", "olhc")
    assert load(None, ['execution.fill_policies=["ohlc"]']).execution.fill_policies == ("ohlc",)


def test_what_is_shown_can_be_read_again(tmp_path: Path) -> None:
    config = load(None, ["execution.latency_ms=7", "instrument.tick_size=0.05", 'report.title="a \\"title\\""'])
    assert load(written(tmp_path, as_toml(config))) == config


def test_an_empty_section_is_no_stranger(tmp_path: Path) -> None:
    assert load(written(tmp_path, "[risk]\n[system]\n[system.structure_mm]\n")) == Config()


def test_a_complaint_names_file_key_found_and_expected(tmp_path: Path) -> None:
    path = written(tmp_path, "[system.structure_mm]\natr_n = 1\n")
    with pytest.raises(Complaint) as refused:
        load(path)
    assert refused.value.where == f"{path}, [system.structure_mm] atr_n"
    assert refused.value.found == "1"
    assert refused.value.expected == "a whole number >= 2 and <= 10000, in bars"


def test_contradicting_values_are_traced_to_the_one_that_was_given(tmp_path: Path) -> None:
    # given a file that only raises the soft band above the hard one
    path = written(tmp_path, "[system.structure_mm]\nw_soft = 0.45\n")
    with pytest.raises(Complaint, match="below w_hard") as refused:
        load(path)
    assert "w_soft" in refused.value.where


def test_expectations_are_told_in_words() -> None:
    hints = {"policies": tuple[str, ...], "flag": bool}
    assert expected_text(hints["policies"]) == "a list of text"
    assert expected_text(hints["flag"]) == "true or false"


def test_known_instruments_are_whole_and_hold_ten_thousand() -> None:
    for symbol, known in KNOWN.items():
        assert define(InstrumentConfig(symbol=symbol), "test") == known
        assert capital_quanta(Decimal(10_000), known, "test") == 10_000 * 10**8
    assert KNOWN["ETHUSDT"] == DEFAULT_SPOT


def test_fees_are_written_in_basis_points_and_kept_exactly() -> None:
    section = InstrumentConfig(maker_fee_bps=Decimal("-0.5"), taker_fee_bps=Decimal("6.75"))
    instrument = define(section, "test")
    assert (instrument.maker_fee_e9, instrument.taker_fee_e9) == (-50_000, 675_000)


def test_another_pair_under_a_known_name_needs_its_own_facts() -> None:
    with pytest.raises(Complaint, match="needs its facts"):
        define(InstrumentConfig(symbol="ETHUSDT", quote_asset="USDC"), "test")


def test_the_tree_of_a_configuration_is_plain() -> None:
    tree = as_tree(load())
    assert json.loads(json.dumps(tree)) == tree
    assert "tick_size" not in tree["instrument"]


def test_the_schema_covers_every_key_and_admits_plain_numbers() -> None:
    made = schema()
    mm = made["$defs"]["StructureMmConfig"]["properties"]
    assert mm["atr_n"]["minimum"] == 2
    assert mm["atr_n"]["x-unit"] == "bars"
    assert made["$defs"]["StructureMmConfig"]["additionalProperties"] is False
    assert "number" in json.dumps(made["$defs"]["ExecutionConfig"]["properties"]["initial_quote"])


def test_the_reference_lists_every_key() -> None:
    text = page()
    for name in (*msgspec.structs.asdict(Config().execution), *msgspec.structs.asdict(Config().system.structure_mm)):
        assert f"| `{name}` |" in text
    assert json.loads(schema_text()) == schema()


def test_show_and_schema_and_validate_speak_json(quintet: Quintet, place: Path) -> None:
    assert quintet("config", "show", "--json").json["execution"]["latency_ms"] == 250
    assert tomllib.loads(quintet("config", "show").out)["execution"]["latency_ms"] == 250
    assert quintet("config", "schema").json["title"] == "quintet configuration"
    path = written(place, "[report]\nhtml = false\n")
    assert quintet("config", "validate", path, "--json").json == {"ok": True, "files": [str(path)]}
    assert quintet("config", "validate", path).out == f"{path}: well\n"
