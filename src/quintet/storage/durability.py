"""What it takes besides writing for a file to survive a power cut."""

import os
from pathlib import Path


def sync_folder(folder: Path) -> None:
    """Make a rename inside `folder` durable; raises OSError when it cannot be."""
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
