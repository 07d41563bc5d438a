"""`quintet data record`: the public stream of a venue onto a tape, until it is told to stop.

What arrives is on the disk a second later. Ctrl-C and SIGTERM end the recording as `--for` does: the tape is sealed. A
process that is killed leaves a tape that ends with the last whole block.
"""

from pathlib import Path
from typing import Annotated, Final

import typer

from quintet.app.messages import note, say, say_json

Venue = Annotated[str, typer.Option(metavar="NAME", help="bybit or binance.")]
Symbols = Annotated[
    list[str], typer.Option("--symbol", help="Symbol as the venue writes it; several are given one by one.")
]
Category = Annotated[str, typer.Option(metavar="NAME", help="spot, linear or, of Bybit, inverse.")]
Depth = Annotated[int | None, typer.Option(metavar="LEVELS", help="Bybit: 50, 200 or 1000 levels a side; else 200.")]
For = Annotated[str, typer.Option("--for", metavar="TIME", help="How long: 90s, 30m, 1h ...; else until Ctrl-C.")]
Out = Annotated[Path | None, typer.Option("--out", "-o", metavar="FILE", help="The tape; else in the workspace.")]
VenueUrl = Annotated[
    str | None,
    typer.Option("--venue-url", metavar="URL", help="Another host that speaks for the venue, http or https."),
]
ConfigFile = Annotated[
    Path | None, typer.Option("--config", metavar="TOML", help="Configuration that defines the instrument.")
]
Sets = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="Override a fact of the instrument, e.g. instrument.tick_size=0.1."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]

SHOWN_UNREAD: Final = 200


def record(
    symbols: Symbols,
    venue: Venue = "bybit",
    category: Category = "spot",
    depth: Depth = None,
    how_long: For = "",
    out: Out = None,
    venue_url: VenueUrl = None,
    config: ConfigFile = None,
    sets: Sets = None,
    as_json: AsJson = False,
) -> None:
    """Record depth and trades of a venue's public stream to a tape, through gaps and lost connections."""
    from quintet.app.flags import duration_s
    from quintet.app.recording import RecordRequest, record_stream
    from quintet.app.tick_commands import request_of

    seconds = duration_s(how_long, "--for") if how_long else None
    only = symbols[0] if len(symbols) == 1 else None
    given = request_of([], "auto", only, config, sets).instrument
    request = RecordRequest(venue, category, tuple(symbols), depth, seconds, out, venue_url, given)
    recorded = record_stream(request)
    if as_json:
        say_json(recorded.facts())
        return
    for line in recorded.notes:
        note(line)
    say(recorded.sentence)
