"""What a desk notes on its tape about itself: FACT messages without a key, which no system reads."""

from typing import Final

BACK_NOTE: Final = b"desk back"
"""A process has come back to its tape, or has begun it: from here on it is another life."""
