"""Bitstamp: order-level market data, and what it says."""
