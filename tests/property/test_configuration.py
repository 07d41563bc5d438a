"""Laws of the configuration: whatever is typed is taken or refused in words, and what is shown can be read again."""

import tomllib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from quintet.app.config import Config, ReportConfig, load
from quintet.app.config_text import as_toml
from quintet.core.errors import ConfigError
from quintet.core.parameters import describe
from quintet.systems.structure_mm.config import StructureMmConfig

SECTIONS = ["instrument", "execution", "risk", "system.structure_mm", "data", "report", "system", "", "stranger"]
KEYS = [field for part in (Config().execution, Config().risk, Config().data) for field in part.__struct_fields__]

words = st.one_of(
    st.text(max_size=12),
    st.integers().map(str),
    st.floats().map(str),
    st.sampled_from(["true", "nan", "[]", "{}", "[1]", '"x"', "2026-01-01", "1e400", "-0", "12:00:00", "{a=1}"]),
)
overrides = st.builds("{}.{}={}".format, st.sampled_from(SECTIONS), st.sampled_from([*KEYS, "symbol", "atr_n"]), words)


@settings(max_examples=300, deadline=None)
@given(st.one_of(overrides, st.text(max_size=20)))
def test_an_override_is_taken_or_refused_in_words(override: str) -> None:
    try:
        config = load(None, [override])
    except ConfigError as refusal:
        assert str(refusal)
    else:
        assert isinstance(config, Config)


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="[]=.\"'#\n ab1-{},", max_size=60))
def test_any_text_is_a_configuration_or_refused_in_words(text: str) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "run.toml"
        path.write_text(text)
        try:
            load(path)
        except ConfigError as refusal:
            assert "run.toml" in str(refusal)


def values_of(name: str) -> st.SearchStrategy[Any]:
    """Values within the bounds of one parameter of structure_mm."""
    entry = next(each for each in describe(StructureMmConfig) if each.name == name)
    if isinstance(entry.default, bool):
        return st.booleans()
    return st.integers(1, 40) if isinstance(entry.default, int) else st.floats(0.0, 2.0)


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.sampled_from(StructureMmConfig.__struct_fields__), st.none(), max_size=4), st.data())
def test_what_is_shown_is_read_as_the_same(names: dict[str, None], data: st.DataObject) -> None:
    # given any parameters that are accepted
    given_values = {name: data.draw(values_of(name)) for name in names}
    try:
        config = load(
            None, [f"system.structure_mm.{name}={str(value).lower()}" for name, value in given_values.items()]
        )
    except ConfigError:
        return
    # then the shown text is TOML and gives the same configuration
    text = as_toml(config)
    tree = tomllib.loads(text)
    assert msgspec.convert(tree["system"]["structure_mm"], StructureMmConfig) == config.system.structure_mm


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=20))
def test_any_title_survives_being_shown(title: str) -> None:
    config = Config(report=ReportConfig(title=title))
    assert tomllib.loads(as_toml(config))["report"]["title"] == title
