"""Image quality, distances between distributions, and measurements of networks."""
