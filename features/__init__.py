"""From the register to what was known about each learner strictly before a date."""
