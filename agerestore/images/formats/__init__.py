"""File formats: decoding, encoding and the metadata that each can hold."""
