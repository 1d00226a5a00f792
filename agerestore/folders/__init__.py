"""Many files: which pictures there are, what their masks and sets are called, and where results go."""
