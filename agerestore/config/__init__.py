"""Configuration as frozen data: networks, training, presets, options of inference."""
