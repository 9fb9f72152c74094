"""Any agency's files become one learner register; every row is kept or counted."""
