"""Market making on spot after a confirmed break of structure and a pullback; nothing else arms it."""
