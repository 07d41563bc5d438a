"""A run's folder appears whole or not at all, is never mixed with another, and is found again."""

import json
from pathlib import Path

import polars as pl
import pytest

from quintet.core.errors import DataError
from quintet.storage.run_folders import (
    check_free,
    find_run,
    free_folder,
    list_runs,
    run_id,
    write_json,
    write_run,
    write_table,
)


def a_run(runs: Path, name: str) -> Path:
    return write_run(
        runs / name,
        name,
        {"system": "structure_mm"},
        {
            "metrics.json": lambda path: write_json(path, {"metrics": {"fills": 3}}),
            "fills.parquet": lambda path: write_table(path, {"price": [1, 2]}),
        },
    )


def test_a_run_holds_its_files_and_a_manifest_that_counts_them(tmp_path: Path) -> None:
    folder = a_run(tmp_path / "runs", "20260101T000000Z-00000001")
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["system"] == "structure_mm"
    assert manifest["run"] == folder.name
    assert set(manifest["files"]) == {"metrics.json", "fills.parquet"}
    assert pl.read_parquet(folder / "fills.parquet")["price"].to_list() == [1, 2]


def test_a_writer_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    def fails(path: Path) -> None:
        path.write_text("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_run(tmp_path / "run", "run", {}, {"metrics.json": fails})
    assert list(tmp_path.iterdir()) == []


def test_an_empty_folder_is_taken_and_a_filled_one_is_not(tmp_path: Path) -> None:
    # given an empty folder, as a person makes it
    (tmp_path / "mine").mkdir()
    a_run(tmp_path, "mine")
    # when the same name is asked for again, nothing is overwritten
    with pytest.raises(DataError, match="never mixed"):
        a_run(tmp_path, "mine")
    with pytest.raises(DataError, match="never mixed"):
        check_free(tmp_path / "mine" / "manifest.json")


def test_an_equal_id_gets_a_number(tmp_path: Path) -> None:
    a_run(tmp_path, "x")
    assert free_folder(tmp_path, "x") == tmp_path / "x-2"
    a_run(tmp_path, "x-2")
    assert free_folder(tmp_path, "x") == tmp_path / "x-3"


def test_an_id_is_the_stamp_and_a_hash_of_what_was_run() -> None:
    one, other = run_id("20260101T000000Z", "a", "b"), run_id("20260101T000000Z", "a", "c")
    assert one.startswith("20260101T000000Z-")
    assert len(one) == len("20260101T000000Z") + 9
    assert one != other
    assert one == run_id("20260101T000000Z", "a", "b")


def test_runs_are_listed_newest_first_and_a_broken_one_says_why(tmp_path: Path) -> None:
    for name in ("20260101T000000Z-a", "20260102T000000Z-b", "20260103T000000Z-c"):
        a_run(tmp_path, name)
    (tmp_path / "20260103T000000Z-c" / "manifest.json").write_text("{half")
    listed = list_runs(tmp_path)
    assert [run.run[-1] for run in listed] == ["c", "b", "a"]
    assert "manifest.json" in listed[0].problem
    assert listed[1].problem == ""
    # and the latest is the newest that can be read
    assert find_run(tmp_path, "latest").run.endswith("b")


def test_a_run_is_found_by_a_part_that_fits_only_one(tmp_path: Path) -> None:
    a_run(tmp_path, "20260101T000000Z-aa")
    a_run(tmp_path, "20260101T000000Z-ab")
    assert find_run(tmp_path, "-ab").run == "20260101T000000Z-ab"
    with pytest.raises(DataError, match="fits 2 runs"):
        find_run(tmp_path, "2026")
    with pytest.raises(DataError, match="no run named zz"):
        find_run(tmp_path, "zz")


def test_no_folder_is_no_run(tmp_path: Path) -> None:
    assert list_runs(tmp_path / "nowhere") == []


def test_numbers_that_are_none_are_refused_in_metrics(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "metrics.json", {"sharpe": float("nan")})
