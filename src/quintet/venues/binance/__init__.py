"""Binance spot, USD-M and COIN-M futures: public market streams as they are sent, and what they say."""
