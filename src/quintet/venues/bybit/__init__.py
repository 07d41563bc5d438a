"""Bybit V5: its shapes exactly as sent, what they mean as rows, and the public candle history."""
