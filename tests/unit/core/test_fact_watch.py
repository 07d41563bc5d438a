"""What is news of a fact: each value once, restated with both values, late after it was called missing."""

from hypothesis import given
from hypothesis import strategies as st

from quintet.core.facts import LATE, MISSING, OK, RESTATED, Observation, Said
from quintet.core.market.fact_families import FAMILIES, family_of, subject_of
from quintet.core.market.fact_watch import REMEMBERED, FactWatch, Rhythm

HOUR = 3_600_000_000_000
DAY = 24 * HOUR
DAILY = Rhythm(DAY, 3 * HOUR)
NAME = "alternative.me/fear_greed"


def a_watch(rhythm: Rhythm = DAILY, begin_ns: int = 10 * DAY) -> FactWatch:
    return FactWatch(NAME, rhythm, 0, begin_ns)


def hear(watch: FactWatch, about_ns: int, known_ns: int, value: int, reference: str = "") -> list[Observation]:
    """All that becomes of one thing said, with what was overdue by then."""
    found = list(watch.overdue(known_ns))
    news = watch.hear(Said(NAME, about_ns, value, 0, reference), known_ns)
    return found + ([news] if news is not None else [])


def told(observations: list[Observation]) -> list[tuple[int, int, int]]:
    return [(each.value, each.revision, each.quality) for each in observations]


def test_what_was_said_before_is_no_news() -> None:
    watch = a_watch()
    assert told(hear(watch, 10 * DAY, 10 * DAY + HOUR, 30)) == [(30, 0, OK)]
    assert hear(watch, 10 * DAY, 10 * DAY + 2 * HOUR, 30) == []


def test_another_value_of_the_same_time_restates_it() -> None:
    watch = a_watch()
    hear(watch, 10 * DAY, 10 * DAY + HOUR, 30)
    assert told(hear(watch, 10 * DAY, 10 * DAY + 2 * HOUR, 18)) == [(18, 1, RESTATED)]
    # and back again is a third one
    assert told(hear(watch, 10 * DAY, 12 * DAY, 30))[-1] == (30, 2, RESTATED)


def test_what_does_not_come_is_missing_at_its_moment_and_late_when_it_comes() -> None:
    watch = a_watch()
    assert list(watch.overdue(10 * DAY + 3 * HOUR)) == []
    [missing] = watch.overdue(10 * DAY + 9 * HOUR)
    assert (missing.quality, missing.about_ns, missing.known_ns) == (MISSING, 10 * DAY, 10 * DAY + 3 * HOUR + 1)
    assert told(hear(watch, 10 * DAY, 10 * DAY + 10 * HOUR, 30)) == [(30, 0, LATE)]
    # once it was said, another value restates it
    assert told(hear(watch, 10 * DAY, 10 * DAY + 11 * HOUR, 31)) == [(31, 1, RESTATED)]


def test_a_long_silence_is_told_day_by_day() -> None:
    found = list(a_watch().overdue(15 * DAY))
    assert [each.about_ns // DAY for each in found] == [10, 11, 12, 13, 14]
    assert [each.known_ns for each in found] == sorted(each.known_ns for each in found)


def test_what_was_said_before_the_watch_began_is_only_known_late_to_us() -> None:
    assert told(hear(a_watch(), 8 * DAY, 10 * DAY + HOUR, 55)) == [(55, 0, OK)]


def test_a_value_that_comes_before_its_span_is_over_is_not_missed() -> None:
    watch = a_watch()
    hear(watch, 11 * DAY, 10 * DAY + HOUR, 5)
    assert [each.about_ns // DAY for each in watch.overdue(12 * DAY)] == [10]


def test_a_forecast_is_made_anew_and_not_restated() -> None:
    watch = a_watch(Rhythm(HOUR, 2 * HOUR, forecast=True))
    settles = 10 * DAY + 8 * HOUR
    assert told(hear(watch, settles, 10 * DAY + 1, 100)) == [(100, 0, OK)]
    assert told(hear(watch, settles, 10 * DAY + HOUR, 120)) == [(120, 1, OK)]
    # the same forecast again is no news, and no silence either
    assert hear(watch, settles, 10 * DAY + 2 * HOUR, 120) == []
    assert list(watch.overdue(10 * DAY + 4 * HOUR)) == []
    # after it nothing is said: each hour without a forecast is missing
    assert len(list(watch.overdue(10 * DAY + 6 * HOUR + 1))) == 2


def test_what_has_no_rhythm_is_never_missing() -> None:
    watch = a_watch(Rhythm())
    assert list(watch.overdue(10**19)) == []
    assert told(hear(watch, 7, 10 * DAY, 100, "0xa")) == [(100, 0, OK)]
    # two deposits of one moment are two
    assert told(hear(watch, 7, 10 * DAY, 200, "0xb")) == [(200, 0, OK)]


def test_what_a_tape_has_already_is_no_news() -> None:
    first = a_watch()
    [said] = hear(first, 10 * DAY, 10 * DAY + HOUR, 30)
    second = a_watch()
    second.recall(said)
    assert hear(second, 10 * DAY, 10 * DAY + 2 * HOUR, 30) == []
    assert told(hear(second, 10 * DAY, 10 * DAY + 2 * HOUR, 29)) == [(29, 1, RESTATED)]


def test_memory_stays_bounded() -> None:
    watch = a_watch(Rhythm())
    for n in range(REMEMBERED + 10):
        hear(watch, n, 20 * DAY, n)
    assert len(watch._said) == REMEMBERED


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 5), st.integers(0, 30)), max_size=40))
def test_the_newest_of_each_time_is_the_last_that_was_said(answers: list[tuple[int, int, int]]) -> None:
    """However it comes: revisions count without holes, every span is told, times of knowing do not go back."""
    watch = a_watch(begin_ns=0)
    known_ns, found, last = 0, [], {}
    for day, value, hours in answers:
        known_ns += hours * HOUR
        found += hear(watch, day * DAY, known_ns, value)
        last[day] = value
    found += list(watch.overdue(20 * DAY))
    said = [each for each in found if each.quality != MISSING]
    for day, value in last.items():
        of_day = [each for each in said if each.about_ns == day * DAY]
        assert [each.revision for each in of_day] == list(range(len(of_day)))
        assert of_day[-1].value == value
    missing = {each.about_ns // DAY for each in found if each.quality == MISSING}
    late = {each.about_ns // DAY for each in said if each.quality == LATE}
    assert late == missing & set(last)
    assert set(range(19)) <= missing | set(last)
    assert [each.known_ns for each in found] == sorted(each.known_ns for each in found)


def test_facts_are_known_by_their_families() -> None:
    assert family_of("glassnode/mvrv/BTC") is not None
    assert family_of("glassnode/mvrv") is None
    assert family_of("alternative.me/fear_greed/BTC") is None
    assert family_of("somebody/something") is None
    assert (subject_of("glassnode/mvrv/BTC"), subject_of("alternative.me/fear_greed")) == ("BTC", "")
    for family in FAMILIES:
        # an archive never makes each value late, for it believes that it was known in time
        assert family.known_after_ns <= family.rhythm.within_ns or family.rhythm.every_ns == 0
