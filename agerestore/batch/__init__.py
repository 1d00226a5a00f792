"""Many files through one operation: planning, resuming, atomic outputs."""
