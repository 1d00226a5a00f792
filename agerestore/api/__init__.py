"""The public functions: the verbs of the command, with its options, names and defaults.

An image is a NumPy array, a Pillow image, a torch tensor, an `agerestore.images.photo.Photo` or the path of a file; it
comes back in the type, dtype and size it had (of a path as a NumPy array). `agerestore.images.arrays.open_image` says
which arrays are understood. A model is the name of a shipped one, the path of a file, or what `agerestore.load` gives.
"""
