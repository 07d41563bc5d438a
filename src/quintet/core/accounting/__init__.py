"""Money in double entry: fills, fees, positions, equity."""
