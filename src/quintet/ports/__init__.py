"""What we need of the world, one sentence each: protocols only, no bodies."""
