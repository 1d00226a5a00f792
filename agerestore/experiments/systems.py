"""All systems on the same networks and as many pictures (the AGE paper's comparisons, section 3)."""

import torch
from torch import Tensor

from agerestore import checkpoint
from agerestore.budget import flops_per_iteration, seconds_per_iteration
from agerestore.classifier import DigitClassifier
from agerestore.config import TrainConfig, parse
from agerestore.data import ImageSet
from agerestore.evaluate import evaluate
from agerestore.experiments.setting import EQUAL, Outcome, Setting, digit_classifier, draws, pair
from agerestore.latent import one_hot
from agerestore.metrics import class_score, frechet_distance, psnr, quantize, ssim
from agerestore.monitor import CHUNK, latent_distance

DAMAGES = ("noise:sigma=128:clip=1", "saltpepper:amount=0.3", "hole:size=14", "missing:fraction=0.5")


def systems(setting: Setting) -> Outcome:
    """All systems on the same networks and as many pictures: reconstruction, samples, restoration and what it costs."""
    classifier, rows = digit_classifier(setting), []
    truth = setting.test.images.float() / 255
    rows.append(truth[:16])
    count = min(2000, len(truth) // 2)
    figures = {"test pictures": _of_samples(classifier, truth[count : 2 * count], truth)}
    for name in ("age", "vae", "ali", "aae", "aaae", "dcgan"):
        model = setting.model(f"{name}-mnist", *(EQUAL if setting.full else ()))
        networks = pair(model)
        with torch.no_grad():
            drawn = networks.generate(networks.codes_of(draws(networks, count)))
        config = parse(TrainConfig, model.header["training"], name)
        figures[name] = _of_samples(classifier, drawn, truth) | _cost(config)
        if networks.encoder is not None:
            rows.append(networks.generate(networks.encode(truth[:16])))
            figures[name] |= {"latent_distance": latent_distance(networks, truth, draws(networks, 2 * len(truth)))}
            figures[name] |= _of_encoder(model, setting.test)
        rows.append(drawn[:16])
    return Outcome(rows, figures)


@torch.no_grad()
def _of_samples(classifier: DigitClassifier, drawn: Tensor, truth: Tensor) -> dict[str, float]:
    """In our own classifier's eyes, not to be called FID and Inception score: distance, score, and classes drawn."""
    found = classifier(drawn).softmax(1)
    shares = one_hot(found.argmax(1), found.shape[1]).mean(0)
    return {
        "frechet_of_our_classifier": float(
            frechet_distance(classifier.features(drawn).double(), classifier.features(truth[: len(drawn)]).double())
        ),
        "class_score": class_score(found),
        "classes_drawn": int((shares > 0.1 / len(shares)).sum()),  # each at least a tenth of its fair share
    }


@torch.no_grad()
def _of_encoder(model: checkpoint.LoadedModel, test: ImageSet) -> dict[str, float]:
    """Reconstruction of clean pictures, and PSNR in dB of restored ones under each of `DAMAGES`."""
    networks, truth = pair(model), test.images.float() / 255
    again = torch.cat([networks.generate(networks.encode(part)) for part in truth.split(CHUNK)])
    figures = {"reconstruction_psnr": float(psnr(quantize(again), truth).mean()),
               "reconstruction_ssim": float(ssim(quantize(again), truth).mean())}  # fmt: skip
    rows = (row for row in evaluate(model, test, DAMAGES) if row.method == "agerestore")
    return figures | {f"psnr {row.damage}": row.psnr for row in rows}


def _cost(config: TrainConfig) -> dict[str, float]:
    """Of the game: operations of one picture, counted, and seconds of a thousand here, the least of five tries."""
    seconds = min(seconds_per_iteration(config)["game"] for _ in range(5))
    return {"gigaflop_per_picture": flops_per_iteration(config)["game"] / config.batch_size / 1e9,
            "seconds_per_thousand": 1000 * seconds / config.batch_size}  # fmt: skip
