"""The outside markets, one folder each: bytes in, events out. Venues know no strategy, and not each other."""
