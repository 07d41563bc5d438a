"""Memory that outlives the process: tape files, candle files, run folders.

Only the tape decides anything; everything else here can be rebuilt from it.
"""
