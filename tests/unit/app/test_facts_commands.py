"""`quintet facts`: an archive becomes a tape, sources are asked, and no key is ever shown."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from quintet.app.cli import app
from quintet.app.fact_recording import FactRecordRequest, record_facts
from quintet.core.facts import MISSING, RESTATED, observations_on
from quintet.ports.key_store import Credential, Secret
from quintet.storage.tape_files import open_tape
from quintet.venues.fact_line import LinePatience
from tests.fakes import fact_server

FEAR = "alternative.me/fear_greed"
DAY_S = 86_400
KEY = "sesame-0815"
CSV = "date,timestamp,value\n2018-02-01,1517443200,30.0\n2018-02-02,1517529600,15.0\n2018-02-04,1517702400,24.0\n"


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("QUINTET_WORKSPACE", str(tmp_path / "workspace"))
    monkeypatch.setattr("sys.argv", ["quintet"])
    return tmp_path / "workspace"


def typed(*words: str, says: str = "") -> Any:
    return CliRunner().invoke(app, list(words), input=says)


def refused(*words: str) -> str:

    said = typed(*words)
    assert said.exit_code != 0
    return str(said.exception) if said.exception and not said.stderr else said.stderr


@pytest.mark.req("E-103")
def test_an_archive_becomes_a_tape(tmp_path: Path) -> None:
    (tmp_path / "fng.csv").write_text(CSV)
    said = typed("facts", "import", str(tmp_path / "fng.csv"), "--fact", FEAR, "--json")
    assert said.exit_code == 0, said.output
    told = json.loads(said.stdout)
    assert (told["values"], told["missing"]) == (3, 1)
    assert "known 3600 s after the time that each value is of" in told["notes"]
    tape = open_tape(told["path"])
    assert tape.meta.use == "market"
    assert tape.hash == told["hash"]
    assert [(each.value, each.quality == MISSING) for each in observations_on(tape)] == [
        (30, False), (15, False), (0, True), (24, False),
    ]  # fmt: skip


def test_it_is_merged_with_candles_like_any_tape(tmp_path: Path) -> None:
    from quintet.storage.tape_files import write_tape
    from tests.fact_markets import fearful_market
    from tests.own_market import market

    plain = market(days=2)
    first_s = plain.census.first_ns // 1_000_000_000 // DAY_S * DAY_S
    (tmp_path / "fng.csv").write_text(f"timestamp,value\n{first_s},30\n{first_s + DAY_S},15\n")
    write_tape(
        tmp_path / "bars.tape", plain.meta.__class__(synthetic=True, created_ns=0, tool_version=""), plain.event_rows()
    )
    out = tmp_path / "fng.tape"
    assert typed("facts", "import", str(tmp_path / "fng.csv"), "--fact", FEAR, "-o", str(out)).exit_code == 0
    both = tmp_path / "both.tape"
    assert typed("tape", "merge", str(tmp_path / "bars.tape"), str(out), "-o", str(both)).exit_code == 0
    merged = open_tape(both)
    assert merged.census.kinds["FACT"] == 2
    assert [each.value for each in observations_on(merged)] == [30, 15]
    assert fearful_market().census.kinds["FACT"] == 6


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--fact", "fear"), "the name of a fact"),
        (("--fact", FEAR, "--map", "value=price"), "column 'price' for value"),
        (("--fact", FEAR, "--decimals", "19"), "decimals that cannot be"),
        (("--fact", FEAR, "--known-after", "soon"), "not a length of time"),
        (("--fact", FEAR, "--time-unit", "days"), "unknown unit of time"),
        (("--fact", "a/b", "--within", "3h"), "when, but not how often"),
        (("--fact", FEAR, "--where", "date"), "not a pair"),
    ],
)
def test_flags_that_cannot_be_meant_are_refused(tmp_path: Path, words: tuple[str, ...], expected: str) -> None:
    (tmp_path / "fng.csv").write_text(CSV)
    assert expected in refused("facts", "import", str(tmp_path / "fng.csv"), *words)
    assert not list((tmp_path / "workspace").rglob("*.tape"))


def test_a_tape_that_is_there_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "fng.csv").write_text(CSV)
    words = ("facts", "import", str(tmp_path / "fng.csv"), "--fact", FEAR)
    assert typed(*words).exit_code == 0
    assert "a file of that name exists" in refused(*words)
    assert typed(*words, "--replace").exit_code == 0


def test_recorded_answers_are_read_by_their_sources_shape(tmp_path: Path) -> None:
    answers = {
        "a/earn.json": (
            "bybit/earn_yield/ETH",
            fact_server.bybit({"list": [fact_server.product("ETH", "2.8%")]}, 10**12),
        ),
        "a/pay.json": (
            "bybit/deposit/USDT",
            fact_server.bybit(
                {"rows": [fact_server.deposit("USDT", "2000", 10**12, "0xa")], "nextPageCursor": ""}, 10**12
            ),
        ),
        "a/mvrv.json": ("glassnode/mvrv/BTC", fact_server.glassnode({999_993_600: 1.5})),
        "a/fng.json": (FEAR, fact_server.fear_greed({1_517_443_200: "30"})),
        "a/moon.json": ("lunarcrush/sentiment/BTC", fact_server.lunarcrush({999_993_600: (1, 79)})),
        "a/next.json": (
            "bybit/predicted_funding/BTCUSDT",
            fact_server.bybit(fact_server.ticker("BTCUSDT", "0.0001", 10**12), 10**12 - 5),
        ),
    }
    (tmp_path / "a").mkdir()
    values = {}
    for name, (fact, answer) in answers.items():
        (tmp_path / name).write_text(json.dumps(answer))
        out = tmp_path / f"{Path(name).stem}.tape"
        said = typed("facts", "import", str(tmp_path / name), "--fact", fact, "-o", str(out))
        assert said.exit_code == 0, said.output
        [each] = observations_on(open_tape(out))
        values[fact] = each.value
    assert values == {
        "bybit/earn_yield/ETH": 28_000_000, "bybit/deposit/USDT": 2_000_000_000_000,
        "glassnode/mvrv/BTC": 1_500_000_000, FEAR: 30,
        "lunarcrush/sentiment/BTC": 790_000, "bybit/predicted_funding/BTCUSDT": 100_000,
    }  # fmt: skip
    (tmp_path / "bad.json").write_text('{"data": 5}')
    assert "bad.json" in refused("facts", "import", str(tmp_path / "bad.json"), "--fact", FEAR)
    assert "a fact whose answers are not known" in refused(
        "facts", "import", str(tmp_path / "bad.json"), "--fact", "a/b"
    )


def test_the_facts_that_are_known_are_listed() -> None:
    told = {row["fact"]: row for row in json.loads(typed("facts", "list", "--json").stdout)["facts"]}
    assert told[FEAR]["every_s"] == DAY_S
    assert told["glassnode/mvrv/ASSET"]["from"] == "asked, with a key"
    assert told["binance/funding_rate/SYMBOL"]["from"] == "files"
    assert FEAR in typed("facts", "list").stdout


# ---- asking --------------------------------------------------------------------------------------------------------


@contextmanager
def served(answers: dict[str, Any]) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """A source that serves an answer for each beginning of a path; an int is a status."""
    headers: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            headers.append({name.lower(): value for name, value in self.headers.items()} | {"path": self.path})
            answer = next((each for path, each in answers.items() if self.path.startswith(path)), 404)
            body = json.dumps(answer).encode()
            self.send_response(answer if isinstance(answer, int) else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", headers
    finally:
        server.shutdown()
        server.server_close()


def test_a_source_is_asked_once_and_a_second_time_only_news_is_kept(tmp_path: Path) -> None:
    today_s = int(time.time()) // DAY_S * DAY_S
    days = {today_s: "30", today_s - DAY_S: "40"}
    out = tmp_path / "facts.tape"
    with served({"/fng/": fact_server.fear_greed(days)}) as (url, _):
        words = ("facts", "record", FEAR, "--once", "-o", str(out), "--venue-url", f"alternative.me={url}")
        assert typed(*words).exit_code == 0
        assert typed(*words).exit_code == 0
    assert [each.value for each in observations_on(open_tape(out))] == [40, 30]
    with served({"/fng/": fact_server.fear_greed(days | {today_s: "18"})}) as (url, _):
        words = ("facts", "record", FEAR, "--once", "-o", str(out), "--venue-url", f"alternative.me={url}", "--json")
        assert json.loads(typed(*words).stdout)["observations"] == 1
    last = observations_on(open_tape(out))[-1]
    assert (last.value, last.revision, last.quality) == (18, 1, RESTATED)


def test_a_source_without_an_answer_is_told_and_no_tape_is_kept(tmp_path: Path) -> None:
    out = tmp_path / "facts.tape"
    with served({}) as (url, _):
        said = typed("facts", "record", FEAR, "--once", "-o", str(out), "--venue-url", f"alternative.me={url}")
    assert said.exit_code == 1
    assert "alternative.me /fng/: HTTP 404, expected 200" in said.stderr
    assert not out.exists()


@pytest.mark.req("E-104")
def test_keys_reach_their_source_and_nothing_else(tmp_path: Path) -> None:
    now_s = int(time.time()) // DAY_S * DAY_S - 2 * DAY_S
    answers = {
        "/v1/metrics": fact_server.glassnode({now_s: 1.5}),
        "/api4": fact_server.lunarcrush({now_s: (50, 79)}),
    }
    out = tmp_path / "facts.tape"
    with served(answers) as (url, headers):
        keys = {
            source: Credential("mine", source, url, Secret(KEY), Secret(KEY)) for source in ("glassnode", "lunarcrush")
        }
        names = ("glassnode/mvrv/BTC", "lunarcrush/galaxy_score/BTC", "lunarcrush/sentiment/BTC")
        recorded = record_facts(FactRecordRequest(names, out, keys, seconds=0, patience=LinePatience(answer_s=5)))
    assert recorded.observations == 3
    assert recorded.unanswered == 0
    # the two figures of one asset are one question
    assert len(headers) == 2
    assert [each.get("x-api-key", each.get("authorization")) for each in headers] == [KEY, f"Bearer {KEY}"]
    assert all(KEY not in each["path"] for each in headers)
    assert KEY.encode() not in out.read_bytes()


def test_a_refused_key_is_told_without_it(tmp_path: Path) -> None:
    with served({"/v1": 401}) as (url, _):
        keys = {"glassnode": Credential("mine", "glassnode", url, Secret(KEY), Secret(KEY))}
        recorded = record_facts(FactRecordRequest(("glassnode/mvrv/BTC",), tmp_path / "x.tape", keys, seconds=0))
    assert recorded.latest == "glassnode /v1/metrics/market/mvrv: HTTP 401: the key is refused"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("glassnode/mvrv/BTC",), "glassnode answers nobody without a key"),
        (("bybit/deposit/USDT",), "bybit answers nobody without a key"),
        (("binance/funding_rate/BTCUSDT",), "a fact that no source is asked for"),
        (("somebody/something",), "a fact that no source is asked for"),
        ((FEAR, "--once", "--for", "1h"), "once, or for a time"),
    ],
)
def test_what_cannot_be_asked_is_refused(words: tuple[str, ...], expected: str) -> None:
    assert expected in refused("facts", "record", *words)
