"""Measurements of a single image: noise, JPEG quality, blur, scratches, color mode, documents."""
