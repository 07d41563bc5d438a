"""Market making on spot after a confirmed break of structure and a pullback; nothing else arms it."""

from quintet.systems.structure_mm.config import StructureMmConfig
from quintet.systems.structure_mm.figures import statistics
from quintet.systems.structure_mm.notes import NOTE_NAMES, explain_note, note_kind
from quintet.systems.structure_mm.records import CAPITAL_QUOTE, PARAMS, STATE, new_state, params_record
from quintet.systems.structure_mm.system import WAKES, decide

__all__ = [
    "CAPITAL_QUOTE",
    "NOTE_NAMES",
    "PARAMS",
    "STATE",
    "WAKES",
    "StructureMmConfig",
    "decide",
    "explain_note",
    "new_state",
    "note_kind",
    "params_record",
    "statistics",
]
