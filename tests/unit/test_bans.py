"""The linter's bans hold in the pure rooms, and only there."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RUFF = Path(sys.executable).with_name("ruff")

BANNED = {
    "a clock": "from time import monotonic\n\nNOW = monotonic()\n",
    "the wall clock": "from datetime import UTC, datetime\n\nNOW = datetime.now(UTC)\n",
    "dice": "import random\n\nX = random.random()\n",
    "NumPy's dice": "import numpy as np\n\nX = np.random.default_rng(1)\n",
    "an id that is drawn": "from uuid import uuid4\n\nX = uuid4()\n",
    "the environment": "import os\n\nX = os.environ\n",
    "a file": "from pathlib import Path\n\nX = Path()\n",
    "a mapped file": "import numpy as np\n\nX = np.memmap\n",
    "a socket": "import socket\n\nX = socket.socket\n",
    "a log": "import logging\n\nX = logging.root\n",
    "exp of the machine": "import math\n\nX = math.exp(1.0)\n",
    "log of NumPy": "import numpy as np\n\nX = np.log(2.0)\n",
}


def is_banned(text: str, path: str) -> bool:
    """True when a text that lies at `path` breaks a ban."""
    command = [str(RUFF), "check", "--select", "TID251", "--output-format", "concise", "--stdin-filename", path, "-"]
    done = subprocess.run(command, cwd=ROOT, input=text, capture_output=True, text=True, check=False)
    return "TID251" in done.stdout


@pytest.mark.parametrize("room", ["core", "features", "systems/structure_mm", "sim"])
@pytest.mark.parametrize("what", BANNED)
def test_a_pure_room_may_not_use(what: str, room: str):
    assert is_banned(BANNED[what], f"src/quintet/{room}/planted.py")


@pytest.mark.parametrize("place", ["src/quintet/storage", "src/quintet/app", "src/quintet/research", "tests", "tools"])
def test_everybody_else_is_excused(place: str):
    assert not is_banned(BANNED["a file"], f"{place}/planted.py")
