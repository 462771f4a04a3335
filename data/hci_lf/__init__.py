"""The 4D Light Field Benchmark (Honauer et al. 2016): rendered, 9x9 views."""
