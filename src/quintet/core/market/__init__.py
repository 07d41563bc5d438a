"""What the market is: bars and books as data."""
