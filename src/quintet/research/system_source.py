"""The hash of a system's source: its own files, and those of the pure rooms they stand on.

Files are taken byte by byte: an edited comment makes another system, too. That counts one trial more than there was,
which raises the bar a little; one trial less would be a lie. Left out are the world a system is put into (simulator,
tapes, reports) and other people's packages.
"""

import functools
import hashlib
import inspect
import re
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any, Final

from quintet.core.kernel import fingerprint
from quintet.research.systems import KernelSystem

ROOT: Final = Path(__file__).resolve().parents[1]
PURE_ROOMS: Final = tuple(ROOT / room for room in ("core", "features", "systems"))
OTHER_PEOPLES: Final = tuple(Path(sysconfig.get_path(name)).resolve() for name in ("purelib", "platlib", "stdlib"))

_IMPORT: Final = re.compile(
    r"^[ \t]*(?:from[ \t]+(?P<dots>\.*)(?P<module>[\w.]*)[ \t]+import[ \t]*(?P<names>\([^)]*\)|[^\n#]*)"
    r"|import[ \t]+(?P<plain>[^\n#]*))",
    re.MULTILINE,
)
"""An import as it is written; a line of a text that looks like one does no harm. A tenth of the time of a parser."""
_WORD: Final = re.compile(r"[\w.]+")
_OF_PYTHON: Final = ("__module__", "__doc__", "__firstlineno__", "__static_attributes__")
"""What Python writes into a class besides its values."""
_ALIAS: Final = re.compile(r"\bas[ \t]+\w+")


def source_hash(system: KernelSystem) -> str:
    """64 hex digits over all that decides: kernel, state and parameters, what they call, and what their files import.

    What stands in no file (typed into a notebook) is told by its code and plain values instead.
    """
    return hash_of([system.decide, system.state, system.params, system.config])


def hash_of(parts: Sequence[Any]) -> str:
    """The same of functions and classes that are a system together."""
    own = {str(part.__module__).partition(".")[0] for part in parts}
    reached = list(_reached(parts, own))
    digest = hashlib.sha256(b"quintet-system-source-1\n")
    for path in sorted(_with_imports(reached, own), key=_place):
        text = path.read_bytes()
        # Place and length stand before the text, so that no two files run together into the same bytes.
        digest.update(f"{_place(path)} {len(text)}\n".encode() + text)
    for each in reached:
        if not _file_of(each).is_file():
            digest.update(f"{each.__qualname__} {_told(each)}\n".encode())
    return digest.hexdigest()


def _place(path: Path) -> str:
    """A file's name as it goes into the hash: the same wherever quintet, or a system's folder, lies."""
    return path.relative_to(ROOT.parent).as_posix() if path.is_relative_to(ROOT) else path.name


# ---- from functions to files ---------------------------------------------------------------------------------

Code = FunctionType | type


def _reached(items: Sequence[Any], own: set[str]) -> Iterator[Code]:
    """The functions and classes in `items`, and all that they can reach by a name, a cell, a member or a base."""
    waiting, seen = list(items), set()
    while waiting:
        item = _unwrapped(waiting.pop())
        if id(item) in seen:
            continue
        seen.add(id(item))
        if isinstance(item, functools.partial):
            waiting += [item.func, *item.args, *item.keywords.values()]
        elif isinstance(item, FunctionType | type) and not _is_other_peoples(_file_of(item), own):
            yield item
            waiting += _named_by(item) if isinstance(item, FunctionType) else _members(item)


def _unwrapped(item: Any) -> Any:
    """The function behind a kernel, a property, a class or static method."""
    for name in ("py_func", "fget", "__func__"):
        item = getattr(item, name, item) if not isinstance(item, type) else item
    return item


def _members(kind: type) -> list[Any]:
    """Bases and what stands in the class itself; a method that the library behind a record type wrote is no source."""
    members = [_unwrapped(each) for each in vars(kind).values()]
    written = [each for each in members if getattr(getattr(each, "__code__", None), "co_filename", "") != "<string>"]
    bases = [each for each in kind.__bases__ if each.__module__ != "builtins"]
    return [*bases, *(each for each in written if isinstance(each, FunctionType | type))]


def _file_of(code: Code) -> Path:
    """Where it stands; the name of no file for what was typed in."""
    if isinstance(code, FunctionType):
        return Path(code.__code__.co_filename)
    return Path(getattr(sys.modules.get(code.__module__), "__file__", None) or "<typed in>")


def _told(code: Code) -> str:
    """A function by its code, a class by its plain values: of its methods each is told by itself."""
    if isinstance(code, FunctionType):
        return fingerprint(code)
    plain = {name: each for name, each in vars(code).items() if isinstance(each, int | float | str | tuple)}
    plain |= {"defaults": repr(getattr(code, "__struct_defaults__", ()))}
    return repr(sorted((name, each) for name, each in plain.items() if name not in _OF_PYTHON))


def _named_by(function: FunctionType) -> list[Any]:
    """The values that a function's code names: globals, also those of functions inside it, and its cells."""
    names: set[str] = set()
    codes = [function.__code__]
    while codes:
        code = codes.pop()
        names.update(code.co_names)
        codes += [each for each in code.co_consts if isinstance(each, CodeType)]
    called = [function.__globals__[name] for name in sorted(names) if name in function.__globals__]
    return called + list(inspect.getclosurevars(function).nonlocals.values())


def _is_other_peoples(path: Path, own: set[str]) -> bool:
    """True for a file of the standard library, and of an installed package that is not one of `own`."""
    for place in OTHER_PEOPLES:
        if path.is_relative_to(place) and not path.is_relative_to(ROOT):
            return path.relative_to(place).parts[0].removesuffix(".py") not in own
    return False


# ---- from files to what they import --------------------------------------------------------------------------


def _with_imports(reached: Sequence[Code], own: set[str]) -> set[Path]:
    """The files in which they stand, and every file that one of those imports, directly or not."""
    found: set[Path] = set()
    waiting = [path.resolve() for path in {_file_of(each) for each in reached}]
    while waiting:
        path = waiting.pop()
        if path in found or not path.is_file() or not _belongs(path, own):
            continue
        found.add(path)
        stat = path.stat()
        waiting += _imports(path, stat.st_mtime_ns, stat.st_size)
    return found


def _belongs(path: Path, own: set[str]) -> bool:
    """True for a file of the pure rooms, and for one that is neither quintet's nor another package's."""
    if path.is_relative_to(ROOT):
        return any(path.is_relative_to(room) for room in PURE_ROOMS)
    return not _is_other_peoples(path, own)


@functools.cache
def _imports(path: Path, changed_ns: int, size: int) -> tuple[Path, ...]:
    """The files behind the imports of one file, in its text as it was at that time."""
    del changed_ns, size  # they only tell an edited file from the one that was read before
    found: list[Path] = []
    for match in _IMPORT.finditer(path.read_text(encoding="utf-8").replace("\\\n", " ")):
        dots, module, names, plain = match.group("dots", "module", "names", "plain")
        for name in _WORD.findall(_ALIAS.sub("", plain or names)):
            inside = [] if plain else _module(path, len(dots), ".".join(part for part in (module, name) if part))
            found += inside or _module(path, len(dots or ""), name if plain else module)
    return tuple(found)


def _module(importer: Path, level: int, name: str) -> list[Path]:
    """The file of a module, looked for in quintet, else beside the importer; none when it is not there."""
    is_ours = level == 0 and name.partition(".")[0] == ROOT.name
    folder = ROOT.parent if is_ours else importer.parents[max(level - 1, 0)]
    path = folder.joinpath(*name.split(".")) if name else folder
    return [file.resolve() for file in (path.with_name(f"{path.name}.py"), path / "__init__.py") if file.is_file()][:1]
