"""A desk that is alive gets another configuration, and a desk at rest gets other code: its orders and books go on."""

import contextlib
import shutil
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from typer.testing import CliRunner

from quintet.app import desk_folder, reloading, upgrading
from quintet.app.cli import app
from quintet.app.config import load
from quintet.app.messages import Complaint
from quintet.core import events as ev
from quintet.core.engine.migration import Migration, MigrationRecord
from quintet.core.instrument import DEFAULT_SPOT
from quintet.core.row_laws import text_of
from quintet.research.desk_replay import live_through, read_desk_run, replay_desk_tape
from quintet.research.retuning import CHANGEABLE, change_rows, changes_on
from quintet.research.systems import find
from quintet.runtime.recovery import open_questions
from quintet.storage.desk_parity import read_parity
from quintet.storage.tape_files import open_tape
from quintet.storage.workspace import workspace
from tests.lived_desks import DAY_NS, HOLDER, START, VenueDesk, a_request, hours

LATER = START + DAY_NS


def configured(place: Path, text: str, name: str = "desk.toml") -> Path:
    path = place / name
    path.write_text(text)
    return path


def changed_notes(desk: VenueDesk, config: Path) -> dict[str, str]:
    wanted = a_request(workspace().desks, "live", config)
    notes = VenueDesk.identity(wanted).notes
    return {name: notes[name] for name in CHANGEABLE if notes[name] != desk.enter.notes[name]}


# ---- another configuration -----------------------------------------------------------------------------------


def verify_parity(folder: Path) -> None:
    """Whoever verifies the desk in this folder finds it equal, and what was found is written down for the stages."""
    said = CliRunner().invoke(app, ["verify", "parity", str(folder)])
    assert said.exit_code == 0, said.output
    assert "DIFFERS" not in said.output
    found = read_parity(folder)
    assert found is not None
    assert (found.rows, found.unexplained) == (open_tape(folder / desk_folder.TAPE).n_positions, 0)


def test_a_changed_configuration_holds_from_its_event_on_and_again_when_the_tape_is_lived_again(place: Path) -> None:
    request = a_request(workspace().desks, "live", configured(place, ""))
    desk = VenueDesk(request)
    desk.hear(hours(START, 5))
    limits = desk.world.desk[0].limits
    before = int(limits.max_open_orders)
    other = configured(place, "[account]\nopen_orders_max = 1\n[risk]\nday_loss_pause_frac = 0.02\n", "other.toml")
    desk.hear(change_rows(changed_notes(desk, other), START + 5 * 3_600 * 10**9))
    assert (before, int(limits.max_open_orders)) == (64, 1)
    assert (int(desk.world.desk[0].restraint.active), int(desk.world.desk[0].restraint.rules.day_loss_e9)) == (
        1,
        2 * 10**7,
    )
    desk.hear(hours(LATER, 5))
    hashes = desk.hashes
    desk.kill()

    path = request.folder / desk_folder.TAPE
    tape = open_tape(path)
    assert len(changes_on(tape.event_rows())) == 1
    replayed, world = live_through(tape, read_desk_run(tape, str(path)))
    assert replayed.difference is None
    assert (replayed.command_hash, replayed.state_hash) == hashes
    assert int(world.desk[0].limits.max_open_orders) == 1
    verify_parity(request.folder)


def test_it_comes_back_with_what_it_was_changed_to_and_refuses_what_it_was_begun_with(place: Path) -> None:
    before = a_request(workspace().desks, "live", configured(place, ""))
    desk = VenueDesk(before)
    desk.hear(hours(START, 3))
    other = configured(place, "[account]\nopen_orders_max = 1\n", "other.toml")
    desk.hear(change_rows(changed_notes(desk, other), START + 5 * 3_600 * 10**9))
    desk.stop()  # with a checkpoint behind the change
    after = a_request(workspace().desks, "live", other)
    with pytest.raises(Complaint, match="open_orders_max"):
        VenueDesk(before)
    back = VenueDesk(after)
    assert int(back.world.desk[0].limits.max_open_orders) == 1
    back.hear(hours(LATER, 2))
    back.kill()
    again = VenueDesk(after)
    again.kill()
    assert replay_desk_tape(after.folder / desk_folder.TAPE) == again.hashes[0]
    verify_parity(after.folder)  # from its checkpoints too


def test_parameters_of_a_system_in_plain_python_change_too(place: Path) -> None:
    request = a_request(workspace().desks, "live", configured(place, ""))
    desk = VenueDesk(request)
    desk.hear(hours(START, 3))
    other = configured(
        place, "[system.daily_holder]\nlots = 2000\n".replace("daily_holder", request.system.name), "o.toml"
    )
    held = load(other, (), [], request.system)
    found = reloading.changes(request.config, held, request.system)
    assert [str(one) for one in found] == [f"system.{request.system.name}.lots: 1000 -> 2000"]
    desk.hear(change_rows(changed_notes(desk, other), START + 4 * 3_600 * 10**9))
    desk.hear(hours(LATER, 3))
    desk.kill()
    rows = open_tape(request.folder / desk_folder.TAPE).event_rows()
    sizes = rows["quantity"][rows["kind"] == ev.PLACE].tolist()
    assert (sizes[:2], sizes[-1]) == ([1_000, 1_000], 2_000)
    assert replay_desk_tape(request.folder / desk_folder.TAPE) == desk.hashes[0]
    verify_parity(request.folder)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('[execution]\ninitial_quote = "5"\n', "execution.initial_quote"),
        ('[instrument]\nlot_size = "0.1"\n', "instrument.lot_size"),
        ('[tick_execution]\nqueue_model = "fifo"\n', "tick_execution.queue_model"),
    ],
)
def test_what_makes_a_desk_this_desk_is_refused_by_name(place: Path, text: str, key: str) -> None:
    system = find("structure_mm")
    held = load(configured(place, ""))
    other = load(configured(place, text, "other.toml"))
    with pytest.raises(Complaint, match="cannot change while a desk is alive") as refused:
        reloading.changes(held, other, system)
    assert refused.value.where == key


def test_a_parameter_that_shapes_a_kernels_memory_is_refused_by_name(place: Path) -> None:
    class Params(msgspec.Struct, frozen=True):
        bars: int = 4
        threshold: float = 1.0

    system = find("structure_mm")._replace(
        config=Params,
        params=lambda params, *told: np.zeros(1, [("threshold", "f8")]),
        state=lambda params, *told: np.zeros(1, [("ring", "f8", (params.bars,))]),
    )
    held, other = (load(configured(place, "")) for _ in range(2))

    def with_params(config: Any, params: Params) -> Any:
        class Systems:
            structure_mm = params

        return type("Config", (), {"system": Systems, "execution": config.execution})

    same = with_params(other, Params(threshold=2.0))
    shape = (DEFAULT_SPOT, "5m", "5m")
    reloading.require_same_shape(with_params(held, Params()), same, system, *shape)
    with pytest.raises(Complaint, match="cannot change") as refused:
        reloading.require_same_shape(with_params(held, Params()), with_params(other, Params(bars=5)), system, *shape)
    assert refused.value.where == "system.structure_mm.bars"


# ---- other code ----------------------------------------------------------------------------------------------


@pytest.fixture
def versions(tmp_path: Path) -> tuple[str, Path]:
    """A system in a file that can be changed: its address, and the file."""
    path = tmp_path / "daily_holder.py"
    shutil.copy(HOLDER.partition(":")[0], path)
    return f"{path}:DailyHolder", path


def rewrite(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_new_code_goes_on_with_working_orders_and_gives_no_number_twice(
    place: Path, versions: tuple[str, Path]
) -> None:
    address, file = versions
    old = VenueDesk(a_request(workspace().desks, "live", system_file=address))
    old.hear(hours(START, 5))
    asked = open_questions(old.world, old.ids)
    assert asked
    position, bars = int(old.world.desk[0].position), int(old.world.state["bars"][0])
    old_hash = old.hashes[0]
    old.stop()

    rewrite(file, "view.bid - 20 * view.tick", "view.bid - 10 * view.tick")
    request = a_request(workspace().desks, "live", system_file=address)
    new = VenueDesk(request)
    assert open_questions(new.world, new.ids) == asked
    assert new.ids == old.ids
    assert int(new.world.desk[0].position) > position
    assert int(new.world.state["bars"][0]) == bars
    new.hear(hours(LATER, 5))
    assert new.venue.sent
    assert not set(new.venue.sent) & set(old.venue.sent)
    hashes = new.hashes
    new.kill()  # and it comes back on the new tape alone, without a checkpoint

    back = VenueDesk(request)
    back.kill()
    path = request.folder / desk_folder.TAPE
    rows = open_tape(path).event_rows()
    migrations = np.flatnonzero(rows["kind"] == ev.MIGRATION)
    told = msgspec.json.decode(_text(rows, int(migrations[0])), type=MigrationRecord)
    assert (len(migrations), told.name) == (1, "same layout")
    assert (told.from_code, told.to_code) == (old.who.code, new.who.code)
    assert replay_desk_tape(path) == back.hashes[0]
    verify_parity(request.folder)
    assert hashes[0] != old_hash
    # the earlier part stands as it was, and verifies with the version it was recorded with
    earlier = request.folder / "earlier" / "1" / desk_folder.TAPE
    with pytest.raises(Exception, match="sha256"):
        replay_desk_tape(earlier)
    rewrite(file, "view.bid - 10 * view.tick", "view.bid - 20 * view.tick")
    assert replay_desk_tape(earlier) == old_hash


def _text(rows: Any, at: int) -> bytes:
    end = at + 1
    while int(rows["kind"][end]) == ev.TEXT:
        end += 1
    return text_of(rows[at + 1 : end])


def test_a_memory_that_no_migration_knows_is_refused_by_name(place: Path, versions: tuple[str, Path]) -> None:
    address, file = versions
    old = VenueDesk(a_request(workspace().desks, "live", system_file=address))
    old.hear(hours(START, 2))
    old.stop()
    rewrite(file, "        bars: int = 0\n", "        bars: int = 0\n        fills: int = 0\n")
    with pytest.raises(Complaint, match="a memory that this version does not know") as refused:
        VenueDesk(a_request(workspace().desks, "live", system_file=address))
    assert "state.fills" in str(refused.value.found)
    rewrite(file, "        fills: int = 0\n", "")
    VenueDesk(a_request(workspace().desks, "live", system_file=address)).kill()  # nothing was touched


def test_a_migration_that_knows_the_new_field_carries_the_desk_over(
    place: Path, versions: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, file = versions
    old = VenueDesk(a_request(workspace().desks, "live", system_file=address))
    old.hear(hours(START, 2))
    bars = int(old.world.state["bars"][0])
    old.stop()
    rewrite(file, "        bars: int = 0\n", "        bars: int = 0\n        fills: int = 0\n")
    known = Migration(name="fills are counted", from_code="", to_code="", added={"state.fills": 7})
    monkeypatch.setattr(upgrading, "MIGRATIONS", (known,))
    new = VenueDesk(a_request(workspace().desks, "live", system_file=address))
    assert (int(new.world.state["bars"][0]), int(new.world.state["fills"][0])) == (bars, 7)
    new.kill()
    rows = open_tape(new.request.folder / desk_folder.TAPE).event_rows()
    at = int(np.flatnonzero(rows["kind"] == ev.MIGRATION)[0])
    assert msgspec.json.decode(_text(rows, at), type=MigrationRecord).name == "fills are counted"


def test_a_desk_that_was_killed_is_brought_to_rest_by_its_own_version_first(
    place: Path, versions: tuple[str, Path]
) -> None:
    address, file = versions
    old = VenueDesk(a_request(workspace().desks, "live", system_file=address))
    old.hear(hours(START, 2))
    old.kill()
    rewrite(file, "20 * view.tick", "10 * view.tick")
    with pytest.raises(Complaint, match="another version") as refused:
        VenueDesk(a_request(workspace().desks, "live", system_file=address))
    assert "start it once more with that version" in refused.value.hint


@pytest.mark.parametrize("moved", range(6))
def test_an_upgrade_that_was_interrupted_is_finished_at_the_next_start(
    place: Path, versions: tuple[str, Path], moved: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, file = versions
    old = VenueDesk(a_request(workspace().desks, "live", system_file=address))
    old.hear(hours(START, 2))
    old.stop()
    rewrite(file, "20 * view.tick", "10 * view.tick")
    request = a_request(workspace().desks, "live", system_file=address)
    left = [moved]
    rename = Path.rename

    def dies(self: Path, target: Path) -> Path:
        if "earlier" in str(target) or "next" in self.parts:
            left[0] -= 1
            if left[0] < 0:
                raise KeyboardInterrupt
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", dies)
    with contextlib.suppress(KeyboardInterrupt):
        VenueDesk(request).kill()
    monkeypatch.setattr(Path, "rename", rename)
    back = VenueDesk(request)
    assert int(back.world.state["bars"][0]) > 0
    back.kill()
    assert (request.folder / "earlier" / "1" / desk_folder.TAPE).exists()
    assert replay_desk_tape(request.folder / desk_folder.TAPE) == back.hashes[0]
