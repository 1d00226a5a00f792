"""Training and test images: reading, sets, batches, patches, augmentation, seeds."""
