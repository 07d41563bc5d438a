"""An exchange of our own, for trying things against: a price-time matching engine that speaks a venue's protocol."""
