"""Models measured beside classical baselines."""
