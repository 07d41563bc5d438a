"""What a sandbox keeps on disk brings everything back, and damage is named."""

from pathlib import Path

import pytest

from quintet.core.errors import ConfigError, Damaged, DataError
from quintet.sandbox.clock import Clock
from quintet.sandbox.commands import Place
from quintet.sandbox.exchange import Exchange
from quintet.sandbox.journal import Folder
from quintet.sandbox.keys import KeyRing
from quintet.sandbox.service import DEFAULT_UID, Service
from tests.sandbox_client import fill_books

BTC = {"category": "linear", "symbol": "BTCUSDT", "uid": DEFAULT_UID}
START_MS = 1_750_000_000_000


def begin(folder: Folder) -> Service:
    clock = Clock(max(START_MS, folder.exchange.state.now_ms), speed=0)
    service = Service(folder.exchange, clock, KeyRing(folder.path / "keys.json"), folder)
    service.default_key()
    return service


def trade(service: Service, number: int) -> None:
    service.clock.advance(1500)
    service.do(Place(side="Buy", order_type="Limit", quantity="0.01", price="49000", link_id=f"n{number}", **BTC))
    service.do(Place(side="Buy", order_type="Market", quantity="0.01", **BTC))


def test_a_restart_goes_on_where_it_was(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "state")
    service = begin(folder)
    fill_books(service)
    for number in range(5):
        trade(service, number)
    key = service.default_key()
    image = service.exchange.image()
    folder.close()  # as abrupt as kill -9: nothing is written at the end

    again = Folder(tmp_path / "state")
    assert again.exchange.image() == image
    service = begin(again)
    assert service.default_key() == key
    trade(service, 5)
    again.snapshot()
    trade(service, 6)
    image = service.exchange.image()
    again.close()
    assert sorted(path.name for path in (tmp_path / "state").glob("*-*")) == ["journal-000001", "snapshot-000001"]
    last = Folder(tmp_path / "state")
    assert last.exchange.image() == image
    last.close()


def test_a_torn_last_line_is_cut_off_and_told(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    fill_books(begin(folder))
    image = folder.exchange.image()
    folder.close()
    with (tmp_path / "journal-000000").open("ab") as file:
        file.write(b'00000000 [1750000000000,{"do":"pa')
    again = Folder(tmp_path)
    assert again.told == ["journal-000000: 33 bytes of a torn last line were cut off"]
    assert again.exchange.image() == image
    again.close()


def test_damage_before_the_end_is_refused(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    fill_books(begin(folder))
    folder.close()
    path = tmp_path / "journal-000000"
    data = bytearray(path.read_bytes())
    data[40] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(Damaged, match="journal-000000: line 1: expected its checksum"):
        Folder(tmp_path)


def test_a_damaged_snapshot_is_refused(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    fill_books(begin(folder))
    folder.snapshot()
    folder.close()
    path = tmp_path / "snapshot-000001"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(Damaged, match="snapshot-000001: expected a whole snapshot"):
        Folder(tmp_path)


def test_a_folder_is_held_by_one_process(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    with pytest.raises(ConfigError, match="found one that a running sandbox holds"):
        Folder(tmp_path)
    folder.close()


def test_keys_are_for_their_owner_only_and_a_wrong_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    made = KeyRing(path).create(7, START_MS)
    assert path.stat().st_mode & 0o077 == 0
    assert made.secret not in repr(made)
    assert KeyRing(path).keys[made.key] == made
    path.write_text("{}")
    with pytest.raises(DataError, match="keys.json: expected the key file"):
        KeyRing(path)


def test_a_clock_runs_at_its_speed() -> None:
    now = [1_000_000]
    clock = Clock(start_ms=5_000_000, speed=10, wall=lambda: now[0])
    now[0] += 500
    assert clock.now_ms() == 5_005_000
    clock.advance(1000)
    assert clock.now_ms() == 5_006_000
    with pytest.raises(ConfigError, match="speed: expected 0"):
        Clock(speed=1001)


def test_time_that_only_passed_need_not_be_journalled(tmp_path: Path) -> None:
    one, two = Exchange(), Exchange()
    from quintet.sandbox.commands import Pass

    for exchange in (one, two):
        fill_books(Service(exchange, Clock(START_MS, 0), KeyRing()))
    for seconds in range(0, 1200, 7):
        one.do(START_MS + seconds * 1000 + 13, Pass())
    for exchange in (one, two):
        exchange.do(START_MS + 1_300_000, Pass())
    assert one.image() == two.image()
