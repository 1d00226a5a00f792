"""What all tests share."""

from hypothesis import settings

# The first example pays for imports; times are the benchmarks' business.
settings.register_profile("agerestore", deadline=None)
settings.load_profile("agerestore")
