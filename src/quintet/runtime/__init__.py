"""The shell that turns the crank: one order for all sources, the loop of a desk, lines for people."""
