"""Our orders: their life as a table, and the planner that finds the fewest commands."""
