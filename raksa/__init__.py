"""Raksa (รักษา, to keep): from what schools already record to a short list of children who need someone."""

__version__ = "0.1.0"
