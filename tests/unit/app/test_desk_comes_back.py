"""A desk comes back by the seal of its tape: as it was, soon, and never over damage."""

import os
from pathlib import Path

import pytest

from quintet.app import desk_folder
from quintet.app.messages import Complaint
from quintet.core.errors import Damaged
from quintet.core.orders import lifecycle
from quintet.storage import tape_files
from quintet.storage.tape_files import durable_path, verified_path, verify_tape
from quintet.storage.tape_seals import read_seal, seal_path
from tests.lived_desks import DAY_NS, START, VenueDesk, a_request, hours


@pytest.fixture
def lived(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> VenueDesk:
    """A desk that was killed some events behind a checkpoint."""
    monkeypatch.setattr(desk_folder, "CHECKPOINT_EVERY", 60)
    desk = VenueDesk(a_request(tmp_path, "live"))
    for n in range(50):
        desk.hear(hours(START + n * 3_600 * 10**9, 1))
        desk.tape.sync()
    desk.kill()
    return desk


def tape_of(desk: VenueDesk) -> Path:
    return desk.request.folder / desk_folder.TAPE


def sealed_bytes(desk: VenueDesk) -> int:
    seal = read_seal(tape_of(desk))
    assert seal is not None
    return seal.length_bytes


def flip(path: Path, byte: int) -> None:
    data = bytearray(path.read_bytes())
    data[byte] ^= 1
    path.write_bytes(data)


def test_it_is_sealed_up_to_a_checkpoint_and_comes_back_without_a_walk(
    lived: VenueDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a seal that ends before the tape does, as the newest checkpoint
    newest = desk_folder.newest_checkpoint(lived.request.folder, 10**9)
    assert newest is not None
    seal = read_seal(tape_of(lived))
    assert seal is not None
    assert 0 < seal.positions <= newest.place.tape_rows < lived.tape.position
    # when it comes back, then no tape is walked from its first block, and it is what it was
    walks: list[str] = []
    real = tape_files.read_tape
    monkeypatch.setattr(tape_files, "read_tape", lambda *args: walks.append(args[1]) or real(*args))
    again = VenueDesk(lived.request)
    assert walks == []
    assert again.relived.events > 0
    assert again.hashes[0] == lived.hashes[0]
    again.hear(hours(START + 5 * DAY_NS, 5))
    again.stop()
    assert verify_tape(tape_of(lived)).torn_bytes == 0


def test_with_a_seal_or_without_one_it_is_the_same_desk(lived: VenueDesk) -> None:
    by_seal = VenueDesk(lived.request)
    hashes = by_seal.hashes
    by_seal.tape.abandon()
    for path in lived.request.folder.rglob("*.checkpoint"):
        path.unlink()
    for path in (seal_path(tape_of(lived)), verified_path(tape_of(lived))):
        path.unlink(missing_ok=True)
    walked = VenueDesk(lived.request)
    assert walked.relived.events > by_seal.relived.events
    live = [int(order.status) for order in walked.world.desk[0].orders if int(order.status) != lifecycle.FREE]
    assert live == [int(o.status) for o in by_seal.world.desk[0].orders if int(o.status) != lifecycle.FREE]
    assert walked.hashes[0] == hashes[0]


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_a_byte_that_changed_before_the_checkpoint_is_found_at_the_start(lived: VenueDesk, share: float) -> None:
    flip(tape_of(lived), int(sealed_bytes(lived) * share))
    with pytest.raises(Damaged, match=r"block \d+ \(byte \d+, position \d+\)"):
        VenueDesk(lived.request)


def test_a_byte_that_changed_behind_the_checkpoint_is_found_at_the_start(lived: VenueDesk) -> None:
    flip(tape_of(lived), sealed_bytes(lived) + 100)
    with pytest.raises(Damaged, match=r"block \d+ \(byte \d+, position \d+\)"):
        VenueDesk(lived.request)


def test_a_tape_cut_before_or_behind_its_checkpoint_is_found_at_the_start(lived: VenueDesk) -> None:
    whole = tape_of(lived).read_bytes()
    for length in (sealed_bytes(lived) + 64, sealed_bytes(lived) - 64):
        tape_of(lived).write_bytes(whole[:length])
        with pytest.raises(Damaged, match="is lost from block"):
            VenueDesk(lived.request)


def test_the_tape_of_another_desk_under_a_seal_is_found_at_the_start(lived: VenueDesk, tmp_path: Path) -> None:
    other = VenueDesk(a_request(tmp_path, "live", desk="other"))
    other.hear(hours(START, 50))
    other.kill()
    for side in (tape_of, lambda desk: durable_path(tape_of(desk))):
        side(lived).write_bytes(side(other).read_bytes())
    os.utime(tape_of(lived))
    with pytest.raises(Complaint, match="another desk"):
        VenueDesk(lived.request)
