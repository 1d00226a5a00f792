"""Images as files and arrays: reading, writing, color spaces, masks."""
