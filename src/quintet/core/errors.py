"""The error tree.

    QuintetError
    ├── DefinitionError     our own code is wrong: a field name, a table, a missing registration
    ├── InputError          somebody's input is wrong; says where, what was found, what was expected
    │   ├── ConfigError     a config file, a parameter, a command-line value
    │   ├── DataError       a data file: names file, row, column
    │   └── NotExact        a value that is not a whole number of ticks, lots or quanta
    ├── TapeError           a tape cannot be read as it is
    │   ├── Damaged         something that was durable has changed; opening is refused
    │   └── NotATape        the file never was one, or is of a newer format
    ├── CheckpointError     a whole checkpoint that does not fit: other code, config or layout
    └── InvariantError      the impossible happened; stop and keep the evidence

Expected outcomes (a refused intent, a rejected order, a timeout) are values and events, never exceptions.
"""


class QuintetError(Exception):
    """Anything quintet raises on purpose."""


class DefinitionError(QuintetError):
    """Our own code is wrong; no input can cause or cure it."""


class InputError(QuintetError):
    """Somebody's input is wrong. The message says where, what was found and what was expected."""


class ConfigError(InputError):
    """A config file, parameter or command-line value."""


class DataError(InputError):
    """A data file; the message names file, row and column."""


class NotExact(InputError):
    """A value that is not a whole number of ticks, lots or quanta."""


class TapeError(QuintetError):
    """A tape cannot be read as it is."""


class Damaged(TapeError):
    """Something that was durable has changed; names segment and block. Opening is refused."""


class NotATape(TapeError):
    """The file never was a tape, or is of a format this version does not know."""


class CheckpointError(QuintetError):
    """A whole checkpoint that does not fit this code, configuration or layout. The message names what differs."""


class InvariantError(QuintetError):
    """The impossible happened: a broken invariant, never bad input."""
