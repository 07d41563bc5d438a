"""Glassnode: metrics of what stands on the chains, with a key. Nothing here decides anything."""
