"""The only room that knows everyone: command line, configuration, and which real thing fills which place.

Decisions about trading never live here.
"""
