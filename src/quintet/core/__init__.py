"""What is true, and what follows from it: exact numbers, events, orders, books, risk, the step.

Nothing here reads a clock, a socket, a file, a logger or unseeded dice.
"""
