"""The parts of a run's report: words for numbers, the verdict's rules, what the system did, pictures.

Nothing here decides or computes a run; a part reads a finished result and says it to a person.
"""
