"""A source that misbehaves is asked again, waited for, or given up; its key is shown to it alone."""

import asyncio
from typing import Any

import pytest

from quintet.core.errors import DataError
from quintet.ports.fact_source import FactUnanswered
from quintet.ports.key_store import Secret
from quintet.venues.fact_line import BODY_BYTES_MAX, FactLine, LinePatience, nearest_value, number_text, seconds_ns
from quintet.venues.pacing import SECOND_NS, Limit
from tests.fakes import fact_server
from tests.fakes.fact_server import FactServer, serving
from tests.fakes.virtual_time import run

KEY = "sesame-4711"


def asked_with(
    *faults: str, answer: Any = None, path: str = "/v1/thing"
) -> tuple[bytes | Exception, FactServer, float]:
    """What one question through a line gives, from a server with these faults, and how long it took in seconds."""

    async def work() -> tuple[bytes | Exception, FactServer, float]:
        async with serving(lambda _: answer or {"ok": 1}, *faults) as server:
            line = FactLine(
                "somebody", server.url, Limit(100, SECOND_NS), {"X-Api-Key": Secret(KEY)}, LinePatience(answer_s=5.0)
            )
            began = asyncio.get_running_loop().time()
            try:
                found: bytes | Exception = await line.ask(path, {"a": "BTC"})
            except FactUnanswered as error:
                found = error
            await line.close()
            return found, server, asyncio.get_running_loop().time() - began

    return run(work())


def test_a_whole_answer_comes_as_it_is_and_the_key_goes_in_its_header() -> None:
    found, server, _ = asked_with()
    assert found == b'{"ok": 1}'
    assert server.asked[0].headers["x-api-key"] == KEY
    assert KEY not in server.asked[0].target


@pytest.mark.parametrize("fault", ["429", "500", "503", "half", "html", "hang up", "cut off", "silence"])
def test_what_may_be_better_next_time_is_asked_again(fault: str) -> None:
    found, server, took_s = asked_with(fault)
    assert found == b'{"ok": 1}'
    assert len(server.asked) == 2
    assert took_s >= 1.0


def test_pauses_grow_and_the_sources_own_wish_counts() -> None:
    assert asked_with("500", "500", "500")[2] >= 1 + 2 + 4
    assert 7 <= asked_with("wait 7")[2] < 9
    # a wish beyond all patience is cut
    assert 60 <= asked_with("wait 99999")[2] < 63


@pytest.mark.parametrize("faults", [("500",) * 4, ("silence",) * 4, ("half",) * 4, ("429",) * 4])
def test_after_the_last_attempt_it_is_given_up(faults: tuple[str, ...]) -> None:
    found, server, _ = asked_with(*faults)
    assert isinstance(found, FactUnanswered)
    assert "somebody /v1/thing: no usable answer after 4 attempts" in str(found)
    assert len(server.asked) == 4


@pytest.mark.parametrize(
    ("fault", "words"),
    [("401", "the key is refused"), ("403", "the key is refused"), ("404", "HTTP 404"), ("redirect", "HTTP 302")],
)
def test_a_refusal_is_told_at_once_and_nothing_is_followed(fault: str, words: str) -> None:
    found, server, _ = asked_with(fault)
    assert isinstance(found, FactUnanswered)
    assert words in str(found)
    assert [each.path for each in server.asked] == ["/v1/thing"]


@pytest.mark.parametrize("faults", [("500",) * 4, ("401",), ("404",), ("silence",) * 4, ("hang up",) * 4])
def test_no_error_shows_the_key_or_the_question(faults: tuple[str, ...]) -> None:
    found, _, _ = asked_with(*faults)
    assert isinstance(found, FactUnanswered)
    chain: BaseException | None = found
    while chain is not None:
        assert KEY not in f"{chain!s}{chain!r}"
        assert "a=BTC" not in str(chain)
        chain = chain.__cause__


def test_a_body_without_an_end_is_not_read_to_it() -> None:
    found, _, _ = asked_with(answer="x" * (BODY_BYTES_MAX + 10))
    assert isinstance(found, FactUnanswered)
    assert f"more than {BODY_BYTES_MAX} bytes" in str(found)


def test_questions_keep_to_the_limit() -> None:
    async def work() -> float:
        async with serving(lambda _: {}) as server:
            line = FactLine("somebody", server.url, Limit(2, 60 * SECOND_NS))
            await asyncio.gather(*(line.ask("/x") for _ in range(5)))
            await line.close()
            return asyncio.get_running_loop().time()

    assert run(work()) >= 120


def test_numbers_are_taken_from_their_text() -> None:
    assert number_text(b" 1.5e-3 ", "x") == "1.5e-3"
    for wrong in (b'"1.5"', b"null", b"[1]", b"true", b"1" * 50):
        with pytest.raises(DataError, match="^x: found .*expected a number"):
            number_text(wrong, "x")
    # binary floats to the nearest, halves to the even one
    assert nearest_value("1.7753330412345678", 9, "x") == 1_775_333_041
    assert nearest_value("0.00005", 4, "x") == 0
    assert nearest_value("0.00015", 4, "x") == 2
    with pytest.raises(DataError, match="beyond 2"):
        nearest_value("1e12", 9, "x")


def test_a_time_in_another_unit_is_no_time() -> None:
    assert seconds_ns(1_700_000_000, "t") == 1_700_000_000 * SECOND_NS
    for wrong in (0, -5, 1_700_000_000_000):
        with pytest.raises(DataError, match="^t: found .*expected seconds"):
            seconds_ns(wrong, "t")


def test_the_fakes_shapes_are_served_as_json() -> None:
    found, _, _ = asked_with(answer=fact_server.glassnode({1_700_000_000: 1.5}))
    assert found == b'[{"t": 1700000000, "v": 1.5}]'
