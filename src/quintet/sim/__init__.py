"""A market made of arrays: the simulated exchange, and the loop that leads events past the step.

Pure and compiled. It knows no system: the decision kernel is handed in.
"""
