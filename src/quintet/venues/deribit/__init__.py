"""Deribit: public market streams as they are sent, and what they say."""
