"""Objectives of the compared systems: AAE, AAAE, ALI, VAE, DCGAN."""
