"""Measurements: `python -m benchmarks.<name> [--quick] [--json FILE]`."""
