"""The register of stages: what was written is read, what was changed is named, half a line is never left."""

import fcntl
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quintet.core.errors import DataError
from quintet.storage import stage_register
from quintet.storage.stage_register import (
    FIRST,
    Damage,
    StageRecord,
    append_record,
    changed_files,
    file_digests,
    read_register,
    register_path,
)


def a_record(run: str, stage: str = "form") -> StageRecord:
    hashes = {"tape": "a" * 64, "commands": "b" * 32, "state": "c" * 64}
    files = dict.fromkeys(stage_register.EVIDENCE_FILES, "d" * 64)
    return StageRecord(stage, "structure_mm", run, hashes, files, "2026-01-01T00:00:00+00:00")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A register of three lines."""
    path = register_path(tmp_path / "workspace")
    for run in ("one", "two", "three"):
        append_record(path, a_record(run))
    return path


def test_no_register_has_no_records(tmp_path: Path) -> None:
    assert read_register(register_path(tmp_path)) == []


@pytest.mark.req("S-71")
def test_records_are_read_in_order_each_sealed_to_the_one_before(path: Path) -> None:
    records = read_register(path)
    assert [record.run for record in records] == ["one", "two", "three"]
    assert [record.previous for record in records] == [FIRST, records[0].seal, records[1].seal]
    assert len({record.seal for record in records}) == 3


def test_a_record_only_adds_to_the_end(path: Path) -> None:
    before = path.read_bytes()
    written = append_record(path, a_record("four"))
    assert path.read_bytes().startswith(before)
    assert read_register(path)[-1] == written


@pytest.mark.req("S-71")
@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_changed_line_is_named(path: Path, number: int) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    lines[number - 1] = lines[number - 1].replace(b'"stage":"form"', b'"stage":"scale"')
    path.write_bytes(b"".join(lines))
    with pytest.raises(Damage, match=f"line {number}: .*seal"):
        read_register(path)


@pytest.mark.parametrize(
    ("order", "number"), [((1, 2), 1), ((0, 2), 2), ((1, 0, 2), 1), ((0, 2, 1), 2), ((0, 0, 1, 2), 2)]
)
def test_a_line_taken_out_moved_or_doubled_is_named(path: Path, order: tuple[int, ...], number: int) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[n] for n in order))
    with pytest.raises(Damage, match=f"line {number}: .*taken out or moved"):
        read_register(path)


def test_the_same_fact_in_another_spelling_is_not_what_was_written(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b'"stage":"form"', b'"stage": "form"', 1))
    with pytest.raises(Damage, match="line 1"):
        read_register(path)


def test_a_line_that_was_cut_off_is_named_and_nothing_is_added_behind_it(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])
    before = path.read_bytes()
    with pytest.raises(Damage, match="line 3: found a line without its end"):
        append_record(path, a_record("four"))
    assert path.read_bytes() == before


@settings(max_examples=40)
@given(data=st.data())
def test_any_changed_bit_is_found(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    path = tmp_path_factory.mktemp("register") / "stages.jsonl"
    for run in ("one", "two"):
        append_record(path, a_record(run))
    whole = bytearray(path.read_bytes())
    whole[data.draw(st.integers(0, len(whole) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(whole)
    with pytest.raises(Damage, match="line [123]: found"):
        read_register(path)


@pytest.mark.parametrize("run", ["../elsewhere", "/absolute", "..", ".hidden", "", "a/b"])
def test_a_record_can_name_nothing_outside_the_folder_of_runs(path: Path, run: str) -> None:
    with pytest.raises(Damage, match="line 4"):
        append_record(path, a_record(run))
    # and the register is as it was
    assert len(read_register(path)) == 3


def test_a_full_disk_leaves_no_half_line(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = path.read_bytes()

    def half(file: object, line: bytes) -> None:
        file.write(line[:20])
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(stage_register, "_write_line", half)
    with pytest.raises(OSError, match="No space"):
        append_record(path, a_record("four"))
    assert path.read_bytes() == before


def test_two_writers_do_not_mix(path: Path) -> None:
    with path.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(DataError, match="another writer"):
            append_record(path, a_record("four"))
    assert len(read_register(path)) == 3


def test_digests_tell_which_file_changed_and_which_is_gone(tmp_path: Path) -> None:
    for name in stage_register.EVIDENCE_FILES:
        (tmp_path / name).write_bytes(name.encode())
    before = file_digests(tmp_path)
    assert list(changed_files(before, file_digests(tmp_path))) == []
    (tmp_path / "metrics.json").write_bytes(b"other")
    (tmp_path / "desk.tape").unlink()
    changed = list(changed_files(before, file_digests(tmp_path)))
    assert changed == ["metrics.json has changed", "desk.tape is gone"]
