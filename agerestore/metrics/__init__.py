"""Image quality, distances between distributions, validation of trained networks."""
