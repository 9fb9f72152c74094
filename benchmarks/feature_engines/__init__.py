"""The invented register of `benchmarks.features` and the other engines it is measured beside, one module each."""
