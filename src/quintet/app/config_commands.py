"""`quintet config show | schema | validate`: what a run would be told, and what may be told."""

from pathlib import Path
from typing import Annotated

import typer

from quintet.app.messages import CalmGroup, Complaint, say, say_json

config_app = typer.Typer(cls=CalmGroup, help="Read the configuration.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]


@config_app.command()
def show(
    config: Annotated[Path | None, typer.Option("--config", metavar="TOML", help="Configuration file.")] = None,
    sets: Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override one key.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show every key with its value, unit, bounds and reason: defaults, then the file, then --set."""
    from quintet.app.config import load
    from quintet.app.config_text import as_toml, as_tree

    if config is not None:
        _require_file(config)
    loaded = load(config, sets or ())
    if as_json:
        say_json(as_tree(loaded))
    else:
        say(as_toml(loaded))


@config_app.command()
def schema(as_json: AsJson = False) -> None:
    """Print the JSON Schema of a configuration file; it is JSON with or without --json."""
    from quintet.app.config_text import schema as make_schema

    say_json(make_schema())


@config_app.command()
def validate(
    files: Annotated[list[Path], typer.Argument(metavar="TOML...", help="Configuration files.")],
    as_json: AsJson = False,
) -> None:
    """Check configuration files: keys, types, bounds, and the instrument they name."""
    from quintet.app.config import load
    from quintet.app.instruments import define
    from quintet.systems.structure_mm.config import require_spot

    for path in files:
        _require_file(path)
        require_spot(define(load(path).instrument, str(path)))
    if as_json:
        say_json({"ok": True, "files": [str(path) for path in files]})
    else:
        for path in files:
            say(f"{path}: well")


def _require_file(path: Path) -> None:
    if not path.is_file():
        raise Complaint("no such configuration", where=str(path), found="no file", expected="a TOML file")
