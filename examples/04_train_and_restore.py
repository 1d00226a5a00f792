"""Train a (far too small) model on a folder of images and restore with it, from Python."""

from pathlib import Path

import agerestore

HERE = Path(__file__).parent


def main(run: Path = Path("run"), steps: int = 20) -> Path:
    """Return the path of the weights."""
    settings = (
        "network.width=4", "network.latent_dim=8", "batch_size=4", f"steps={steps}", f"robust.steps={steps}",
        "finetune.steps=0", "robust.batch_size=4", "validation=0",
    )  # fmt: skip
    weights = agerestore.train(
        HERE / "clean", out=run, preset="age-mnist", settings=settings, data_license="drawn by us, Apache-2.0",
        device="cpu",
    )  # fmt: skip

    model = agerestore.load(weights)
    print("trained on", model.header["images_seen"], "images, data:", model.header["data_license"])
    return weights


if __name__ == "__main__":
    main()
