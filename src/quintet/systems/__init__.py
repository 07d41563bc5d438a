"""The trading systems, one folder each, every one deciding from what it is shown. Pure.

A system imports `core` and `features`; it never sees a venue, the simulator, or another system.
"""
