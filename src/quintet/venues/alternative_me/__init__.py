"""alternative.me: the crypto fear and greed index, public and without a key. Never a wallet, never an order."""
