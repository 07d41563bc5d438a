"""What a stage is proven for: the code that decides, and the parameters it decides with. Change one, prove again."""

import hashlib
import json
from typing import NamedTuple

import msgspec

from quintet._kernel_cache import cache_key
from quintet.app.config import Config
from quintet.app.config_text import as_tree


class StageIdentity(NamedTuple):
    """Hashes in hex. `code`: of every source that can change a decision, with the versions below it."""

    code: str
    config: str


def identity_of(config: Config, system: str) -> StageIdentity:
    """The identity of a system with this configuration: its own parameters, and the limits that hold for it."""
    tree = as_tree(config)
    risk = msgspec.to_builtins(config.limits, str_keys=True)
    decides = {"system": system, "parameters": tree["system"].get(system, {}), "risk": risk}
    return StageIdentity(cache_key(), hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest())
