"""What somebody who compared a desk with its replay and its simulation has found, beside the desk's tape.

    desks/paper-main/parity.json     {"rows": 81234, "unexplained": 0, "residual_bps": 0.4, "inside_band": true}

`quintet verify parity` writes it; the run of a desk repeats it. It is true of the tape as it was then, and holds while
the tape has no more rows than that.
"""

from pathlib import Path
from typing import Final

import msgspec

from quintet.core.errors import DataError
from quintet.storage.workspace import write_whole

PARITY: Final = "parity.json"


class Parity(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`rows`: of the desk tape, so many were compared; `unexplained`: differences without a cause; `residual_bps`:
    realised cost beyond the simulated one, of traded value, None: not known; `inside_band`: whether the result lies in
    the 5 to 95 % band of the replay's bootstrap, None: nobody looked.
    """

    rows: int
    unexplained: int
    residual_bps: float | None = None
    inside_band: bool | None = None


def read_parity(folder: Path) -> Parity | None:
    """What was found of the desk in a folder, None where nobody looked; raises DataError for an unreadable file."""
    path = folder / PARITY
    try:
        return msgspec.json.decode(path.read_bytes(), type=Parity)
    except FileNotFoundError:
        return None
    except (msgspec.MsgspecError, OSError) as error:
        raise DataError(f"{path}: {error}, expected what verify parity has written") from None


def write_parity(folder: Path, parity: Parity) -> Path:
    """Write it down, whole."""
    path = folder / PARITY
    write_whole(path, msgspec.json.format(msgspec.json.encode(parity), indent=2) + b"\n")
    return path
