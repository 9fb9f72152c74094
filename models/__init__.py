"""Learn from the past, score today, and say how well."""
