"""The step: one event in, fewest commands out; what the engine remembers, and how it is hashed."""
