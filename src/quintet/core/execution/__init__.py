"""Execution algorithms: an amount to be done, made into orders that should be working. Pure; no kernel lives here.

An algorithm is a set of rules (`Maker`, `Bounded`, `Twap`, `Iceberg`, `Ladder`) without a memory: what it remembers is
a `Parent` or a `Position`, a tuple of numbers that the system keeps in its own record. It is shown the market and our
live orders, and says which orders should be working; the planner sends the fewest commands for that.

    state, market, our orders  ->  state, wanted orders

Never more than was asked: what is filled, what may still fill and what is newly wanted are together at most the amount.
An order that is on its way, or on its way out, still counts, so nothing takes its place before its end is known.
"""
