"""From a score to who acts, when, and what came of it."""
