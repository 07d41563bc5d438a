"""A market made of arrays: which orders fill, when, and at what price. Pure and compiled.

It sees commands and market rows, never the system that sent them.
"""
