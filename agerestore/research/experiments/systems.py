"""All systems on the same networks and as many pictures (the AGE paper's comparisons, section 3)."""

import torch

from agerestore.config.training import TrainConfig, parse
from agerestore.data.datasets import ImageSet
from agerestore.evaluation.benchmark import evaluate
from agerestore.metrics.validation import latent_distance
from agerestore.models import weights
from agerestore.research.experiments.setting import EQUAL, Outcome, Setting, draws, pair
from agerestore.research.suite import SAMPLES, damages_of, generated, judge_of, of_reconstruction, of_samples
from agerestore.training.cost import flops_per_iteration, seconds_per_iteration

SYSTEMS = ("age", "vae", "ali", "aae", "aaae", "dcgan")
SHOWN = 16


def systems(setting: Setting, presets: str) -> Outcome:
    """Reconstruction, samples, restoration and what it costs; ``presets`` ends the names of the presets."""
    judge = judge_of(setting.training)
    truth = setting.test.images.float() / 255
    rows, count = [truth[:SHOWN]], min(SAMPLES, len(truth) // 2)
    figures = {"test pictures": of_samples(judge, truth[count : 2 * count], truth[:count])}
    for name in SYSTEMS:
        model = setting.model(f"{name}-{presets}", *(EQUAL if setting.full else ()))
        networks = pair(model)
        drawn = generated(networks, count, torch.Generator().manual_seed(0))
        config = parse(TrainConfig, model.header["training"], name)
        figures[name] = of_samples(judge, drawn, truth[:count]) | _cost(config, setting)
        if networks.encoder is not None:
            rows.append(networks.generate(networks.encode(truth[:SHOWN])))
            distance = latent_distance(networks, truth, draws(networks, 2 * len(truth)))
            figures[name] |= {"latent_distance": distance} | _of_encoder(model, setting.test)
        rows.append(drawn[:SHOWN])
    return Outcome(rows, figures)


def _of_encoder(model: weights.LoadedModel, test: ImageSet) -> dict[str, float]:
    """Reconstruction of clean pictures, and PSNR in dB of restored ones under each kind of damage."""
    again = of_reconstruction(pair(model), test.images.float() / 255)
    rows = (row for row in evaluate(model, test, damages_of(pair(model).config)) if row.method == "agerestore")
    return {f"reconstruction_{name}": value for name, value in again.items()} | {
        f"psnr {row.damage}": row.psnr for row in rows
    }


def _cost(config: TrainConfig, setting: Setting) -> dict[str, float]:
    """Of the game: operations of one picture, counted, and seconds of a thousand here, the least of some tries."""
    tries = 5 if setting.full else 1
    seconds = min(seconds_per_iteration(config, setting.device)["game"] for _ in range(tries))
    return {"gigaflop_per_picture": flops_per_iteration(config)["game"] / config.batch_size / 1e9,
            "seconds_per_thousand": 1000 * seconds / config.batch_size}  # fmt: skip
