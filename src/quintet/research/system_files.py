"""A system of your own, named by the file it stands in: `path/to/file.py:MySystem`.

The file is run like any Python program, once for each content it has; what it defines is looked at, never changed.
Another file beside it is not on the path: what decides stands in one file, and that file's hash is its name.
"""

import difflib
import hashlib
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, Final, NamedTuple

from quintet.systems.own.refusal import RefusedSystem
from quintet.systems.own.system import System

SUFFIX: Final = ".py"
_PACKAGE: Final = "quintet_own_"


class Loaded(NamedTuple):
    """What stands under a name in a file. `origin`: as it was asked for; `sha256`: of the file's bytes."""

    thing: Any
    origin: str
    sha256: str


def names_a_file(written: str) -> bool:
    """True for `file.py:Name`, and for `file.py` alone, which is answered with the names to choose from."""
    return SUFFIX in written or ":" in written


def load(written: str) -> Loaded:
    """What `file.py:Name` names; raises RefusedSystem for a file or name that is not there, or code that fails."""
    place, _, name = written.rpartition(":")
    if not place.endswith(SUFFIX):
        place, name = written, ""
    path = Path(place)
    if not path.is_file() or path.suffix != SUFFIX:
        raise RefusedSystem(
            "no such file", where="SYSTEM", found=place, expected="a Python file with a system in it, file.py:MySystem"
        )
    text = path.read_bytes()
    digest = hashlib.sha256(text).hexdigest()
    module = _module(path, text, digest)
    offered = list(_offered(module))
    thing = getattr(module, name, None) if name else None
    if thing is None:
        near = difflib.get_close_matches(name, offered, n=1, cutoff=0.6)
        raise RefusedSystem(
            "no such system in the file" if name else "which system of the file?",
            where=place,
            found=name or "no name",
            expected=f"{place}:NAME, with {', '.join(offered) or 'a class made from quintet.System'} for NAME",
            hint=f"did you mean {near[0]}?" if near else "",
        )
    return Loaded(thing, written, digest)


def origin_of(kind: type) -> tuple[str, str]:
    """Where a class stands, `file.py:MySystem`, and the hash of its file.

    A class that was typed in, or stands inside a function, has no such place: the hash is that of its own text, or of
    its code where no text is known.
    """
    try:
        path = Path(inspect.getsourcefile(kind) or "")
        if path.is_file() and "." not in kind.__qualname__:
            here = Path.cwd()
            place = path.relative_to(here) if path.is_absolute() and path.is_relative_to(here) else path
            return f"{place}:{kind.__qualname__}", hashlib.sha256(path.read_bytes()).hexdigest()
        return "", hashlib.sha256(inspect.getsource(kind).encode()).hexdigest()
    except (OSError, TypeError):
        return "", hashlib.sha256(_code_of(kind)).hexdigest()


def _code_of(kind: type) -> bytes:
    """The code of a class's functions and its plain values, in order of their names."""
    parts = [kind.__qualname__]
    for name, value in sorted(vars(kind).items()):
        if isinstance(value, FunctionType):
            code = value.__code__
            parts += [name, code.co_code.hex(), repr(code.co_consts), repr(code.co_names)]
        elif isinstance(value, type):
            parts += [
                name,
                repr(getattr(value, "__annotations__", "")),
                repr(getattr(value, "__struct_defaults__", "")),
            ]
        elif isinstance(value, int | float | str | tuple):
            parts += [name, repr(value)]
    return "\n".join(parts).encode()


def _module(path: Path, text: bytes, digest: str) -> ModuleType:
    """The file as a module, run once for each content."""
    name = f"{_PACKAGE}{path.stem}_{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:8]}_{digest[:8]}"
    if name in sys.modules:
        return sys.modules[name]
    module = ModuleType(name, None)
    module.__file__ = str(path)
    # Types written as text are looked up in the module of their class, so it must be known before it runs.
    sys.modules[name] = module
    try:
        exec(compile(text, str(path), "exec"), module.__dict__)
    except BaseException as error:
        del sys.modules[name]
        if not isinstance(error, Exception):
            raise
        raise RefusedSystem(
            "a file that does not run",
            where=f"{path}, line {_line(error, str(path))}",
            found=f"{type(error).__name__}: {error}",
            expected="Python code that runs from its first line to its last",
        ) from error
    return module


def _line(error: Exception, path: str) -> int:
    """The last line of the file that was running, or that could not be read."""
    if isinstance(error, SyntaxError):
        return error.lineno or 0
    line, place = 0, error.__traceback__
    while place is not None:
        if place.tb_frame.f_code.co_filename == path:
            line = place.tb_lineno
        place = place.tb_next
    return line


def _offered(module: ModuleType) -> Iterator[str]:
    """Names of the systems that the file defines itself."""
    for name, value in vars(module).items():
        own = isinstance(value, type) and issubclass(value, System) and value.__module__ == module.__name__
        if own or type(value).__name__ == "KernelSystem":
            yield name
