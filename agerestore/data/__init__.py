"""Training and test images: sources, datasets, batches, patches, augmentation."""
