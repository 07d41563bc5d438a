"""Numbers with a memory, computed from market facts: pure, and shared by live and offline use.

A feature is a record type and one compiled `..._update(state, ...)` that moves a record of it by one bar and
returns a number. There is no second implementation: a batch is a loop over the same update, and a restored
feature is a copy of the record's bytes, so streaming, batch and restored values have the same bits.

`catalogue` knows every indicator by name and draws it from whole columns; `streaming` feeds one bar by bar from Python.
`order_flow`, `profile` and `microprice` move by a trade or a book where the others move by a bar.

Prices are integer ticks (`i8`) of the instrument's price increment; what is not whole is `f8`, in ticks. A value
that does not exist yet is NaN, never zero.
"""
