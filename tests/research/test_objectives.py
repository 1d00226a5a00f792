"""The systems AGE is compared with: terms in closed form; each trains, loads and restores on the one loop."""

import math

import pytest
import torch
from tiny_runs import fit
from torch import nn

from agerestore.config.networks import AutoencoderConfig
from agerestore.config.options import RestoreSettings
from agerestore.config.presets import objectives, presets
from agerestore.config.training import train_config
from agerestore.data.datasets import ImageSet, hide_labels
from agerestore.errors import UsageError
from agerestore.inference.restorer import restore
from agerestore.losses.base import Batch
from agerestore.metrics import distribution
from agerestore.models import weights
from agerestore.models.latent import (
    Posterior,
    one_hot,
    project_to_prior,
    sample_codes,
    sample_latents,
)
from agerestore.models.registry import build
from agerestore.research.objectives import OBJECTIVES
from agerestore.research.objectives.aaae import AAAE
from agerestore.research.objectives.aae import AAE, MARGIN, agreement_loss, embedding_margin_loss
from agerestore.research.objectives.ali import ali_terms
from agerestore.research.objectives.gan import dcgan_terms
from agerestore.research.objectives.vae import VAE, negative_log_likelihood, normal_kl
from agerestore.research.priors import COMPONENTS, component_of
from agerestore.training import cost
from agerestore.training.stages import stages
from agerestore.training.state import Training

LOG2 = math.log(2)
TINY = ("network.width=4", "batch_size=8", "steps=2", "finetune.steps=0", "robust.steps=1", "robust.batch_size=8",
        "validation=0.2", "precision=fp32")  # fmt: skip
pytestmark = pytest.mark.usefixtures("one_thread")


def drawn(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def pictures(channels=1, count=40):
    """Bright squares, in three sizes that are their labels."""
    images = torch.zeros(count, channels, 32, 32, dtype=torch.uint8)
    for number, image in enumerate(images):
        image[:, 4 : 10 + 6 * (number % 3), 8:20] = 255
    return ImageSet(images, torch.arange(count) % 3)


# --- terms


def test_a_gaussian_diverges_from_the_prior_as_the_formula_says():
    mean, variance = torch.tensor([[1.0, 0.0], [0.0, 2.0]]), torch.tensor([[1.0, 4.0], [0.5, 1.0]])
    expected = (1 / 2 + (4 - math.log(4) - 1) / 2) / 2 + ((0.5 - math.log(0.5) - 1) / 2 + 4 / 2) / 2
    assert normal_kl(mean, variance.log()).item() == pytest.approx(expected)
    assert normal_kl(torch.zeros(3, 2), torch.zeros(3, 2)).item() == 0


def test_the_likelihood_is_that_of_torch_and_fits_the_batch_where_nothing_is_given():
    x, center = drawn(5, 3, 4, 4), drawn(5, 3, 4, 4, seed=1)
    for sigma in (0.3, float((x - center).square().mean().sqrt())):
        theirs = -torch.distributions.Normal(center, sigma).log_prob(x).flatten(1).sum(1).mean()
        assert negative_log_likelihood(x, center, sigma).item() == pytest.approx(theirs.item(), rel=1e-5)
    assert negative_log_likelihood(x, center).item() == pytest.approx(theirs.item(), rel=1e-5)  # the last is the best
    assert negative_log_likelihood(x, center).item() < negative_log_likelihood(x, center, 0.3).item()


class Exact:
    """The encoder of x = w z + noise that knows the true posterior."""

    def __init__(self, w, sigma):
        self.variance, self.factor = 1 / (1 + (w / sigma) ** 2), w / sigma**2

    def posterior(self, x):
        mean = self.variance * self.factor * x
        return Posterior(x[:, :0], mean, torch.full_like(mean, math.log(self.variance)))


def test_the_bound_of_a_gaussian_is_its_likelihood_where_the_posterior_is_exact():
    w, sigma, x = 2.0, 0.5, drawn(1, 1).expand(200_000, 1)
    networks = {"encoder": Exact(w, sigma), "generator": lambda z: w * z}
    batch = Batch(x, x, noise=drawn(len(x), 1, seed=3))
    terms = VAE(sigma)("encoder+generator", networks, batch, ("kl", "nll"))
    likelihood = torch.distributions.Normal(0, math.hypot(w, sigma)).log_prob(x[0]).item()
    assert sum(terms.values()).item() == pytest.approx(-likelihood, abs=0.01)


def undecided(*inputs):
    """A critic for which D = 1/2."""
    return torch.zeros(len(inputs[0]))


def certain(*inputs):
    return torch.full((len(inputs[0]),), 3.0)


IDENTITY = type("Identity", (), {"posterior": staticmethod(lambda x: Posterior(x[:, :0], x, None)),
                                 "__call__": lambda self, x: x})()  # fmt: skip


@pytest.mark.parametrize("critic", [undecided, certain])
def test_adversarial_terms_are_the_logarithms_of_what_the_critic_says(critic):
    said = torch.sigmoid(critic(torch.zeros(1))).item()
    accept, reject = -math.log(said), -math.log(1 - said)
    if critic is undecided:
        assert accept == pytest.approx(LOG2)
    batch = Batch(drawn(4, 6), drawn(4, 6))
    networks = {"encoder": IDENTITY, "generator": IDENTITY, "latent_generator": IDENTITY}
    networks |= {f"{name}critic": critic for name in ("", "code_", "joint_")}

    def of(objective, what):
        wanted = [f"{what}_{side}" for side in ("real", "fake", "fool")]
        return [objective("", networks, batch, wanted)[name].item() for name in wanted]

    assert of(dcgan_terms, "image") == pytest.approx([accept, reject, accept], abs=1e-6)
    assert of(AAE(), "code") == pytest.approx([accept, reject, accept], abs=1e-6)
    assert of(AAAE(), "code") == pytest.approx([accept, reject, accept], abs=1e-6)
    assert of(AAAE(), "image") == pytest.approx([accept, reject, accept], abs=1e-6)
    assert of(ali_terms, "joint") == pytest.approx([accept, reject, accept + reject], abs=1e-6)


def test_the_slope_of_a_critic_is_that_at_real_and_at_fake_ones():
    batch = Batch(drawn(4, 6), drawn(4, 6, seed=1))
    networks = {"encoder": IDENTITY, "code_critic": lambda code: code.square().sum(1)}  # its gradient is twice the code
    slope = AAE()("", networks, batch, ("code_gradient_penalty",))["code_gradient_penalty"]
    norms = [(2 * codes).square().sum(1).mean() / 2 for codes in (batch.z, batch.x)]
    assert slope.item() == pytest.approx(sum(norms).item() / 2)


def test_a_label_conditioned_critic_pays_for_its_slope_along_the_style_alone():
    batch = Batch(drawn(2, 2), drawn(2, 2), labels=torch.tensor([1, -1]))
    steep = torch.tensor([3.0, 0.0, 5.0, 5.0, 5.0, 5.0])  # the last four are the labels
    networks = {"encoder": IDENTITY, "code_critic": lambda seen: seen @ steep}
    assert AAE(critic_classes=3)("", networks, batch, ("code_gradient_penalty",))[
        "code_gradient_penalty"
    ].item() == pytest.approx(9 / 2)


def test_a_compiled_critic_pays_for_its_slope_as_well():
    torch.manual_seed(0)
    layers = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 1), nn.Flatten(0))
    batch = Batch(drawn(4, 6), drawn(4, 6, seed=1))

    def asked():
        layers.zero_grad()
        AAE()("", {"encoder": IDENTITY, "code_critic": layers}, batch, ("code_gradient_penalty",))[
            "code_gradient_penalty"
        ].backward()
        return layers[0].weight.grad.clone()

    plain = asked()
    layers.compile(backend="aot_eager")  # which has no second derivatives
    torch.testing.assert_close(asked(), plain)


def test_a_critic_learns_to_be_less_steep():
    critic = nn.Linear(6, 1)
    networks = {"encoder": IDENTITY, "code_critic": lambda code: critic(code)[:, 0]}
    AAE()("", networks, Batch(drawn(4, 6), drawn(4, 6)), ("code_gradient_penalty",))["code_gradient_penalty"].backward()
    torch.testing.assert_close(critic.weight.grad, critic.weight.detach())  # of half the square


def test_what_counts_as_real_is_the_prior_for_an_aae_and_the_codes_for_an_aaae():
    batch = Batch(torch.full((4, 1), 2.0), torch.full((4, 1), -1.0))
    networks = {"encoder": IDENTITY, "generator": IDENTITY, "latent_generator": lambda z: 3 * z,
                "code_critic": lambda code: code[:, 0], "critic": lambda x: x[:, 0]}  # fmt: skip
    of_aae, of_aaae = (objective("", networks, batch, ("code_real",))["code_real"] for objective in (AAE(), AAAE()))
    assert of_aae.item() == pytest.approx(math.log1p(math.exp(1)))
    assert of_aaae.item() == pytest.approx(math.log1p(math.exp(-2)))
    fake = AAAE()("", networks, batch, ("code_fake", "image_fake"))
    assert [value.item() for value in fake.values()] == pytest.approx([math.log1p(math.exp(-3))] * 2)


class Classifier:
    """The encoder of pictures that are logits and styles at once."""

    @staticmethod
    def posterior(x):
        return Posterior(x[:, :3], x[:, 3:], None)


def test_cross_entropy_sees_those_whose_label_is_known_and_reconstruction_the_true_label_where_given():
    known, of_known = torch.tensor([[2.0, 0.0, 0.0, 0.0]]), torch.tensor([1])
    x = torch.tensor([[0.0, 0.0, 0.0, 5.0]])
    batch = Batch(x, x, labels=torch.tensor([2]), labeled=known, labeled_classes=of_known)
    networks = {"encoder": Classifier, "generator": lambda code: code}
    found = AAE(classes=3)("", networks, batch, ("cross_entropy", "match_x"))
    assert found["cross_entropy"].item() == pytest.approx(math.log(math.exp(2) + 2))
    assert found["match_x"].item() == pytest.approx(3 * (1 / 9) / 4)  # drawn from a third of each class
    given = AAE(classes=3, label_conditioned=True)("", networks, batch, ("match_x",))
    assert given["match_x"].item() == pytest.approx(1 / 4)  # from the third class for certain
    with pytest.raises(UsageError, match="learns from labels, and these images have none"):
        AAE(classes=3, label_conditioned=True)("", networks, Batch(x, x), ("match_x",))


def test_a_label_conditioned_critic_sees_the_label_or_that_there_is_none():
    seen = []
    networks = {"encoder": IDENTITY, "code_critic": lambda inputs: seen.append(inputs) or inputs[:, 0]}
    z = drawn(2, 2)
    AAE(critic_classes=3)("", networks, Batch(z, z, labels=torch.tensor([1, -1])), ("code_real",))
    assert torch.equal(seen[0], torch.cat([z, torch.tensor([[0.0, 1, 0, 0], [0, 0, 0, 1]])], 1))


def test_views_disagree_as_often_as_draws_of_their_classes_differ():
    p, q = torch.tensor([[0.5, 0.25, 0.25], [1.0, 0.0, 0.0]]), torch.tensor([[0.5, 0.5, 0.0], [1.0, 0.0, 0.0]])
    agreed = torch.tensor([0.5 * 0.5 + 0.25 * 0.5, 1.0])
    assert agreement_loss(p.log(), q.log()).item() == pytest.approx(-agreed.log().mean().item())


def test_the_class_of_a_view_and_the_style_of_the_picture_draw_it_again():
    x, view = torch.tensor([[9.0, 0.0, 0.0, 5.0]]), torch.tensor([[0.0, 50.0, 0.0, 7.0]])
    seen = []
    networks = {"encoder": Classifier, "generator": lambda code: seen.append(code) or code}
    terms = AAE(classes=3)("", networks, Batch(x, x, view=view), ("match_view", "agreement"))
    torch.testing.assert_close(seen[0], torch.tensor([[0.0, 1.0, 0.0, 5.0]]))
    assert terms["match_view"].item() == pytest.approx((9**2 + 1) / 4)
    assert terms["agreement"].item() == pytest.approx(9, abs=0.01)
    with pytest.raises(UsageError, match="set views=true"):
        AAE(classes=3)("", networks, Batch(x, x), ("agreement",))


def test_noisy_styles_keep_the_variance_of_the_prior():
    style, noise = drawn(20_000, 2), drawn(20_000, 2, seed=1)
    seen = []
    networks = {"encoder": IDENTITY, "generator": lambda code: seen.append(code) or code}
    AAE(style_noise=0.8)("", networks, Batch(style, style, noise=noise), ("match_x",))
    torch.testing.assert_close(seen[0], 0.6 * style + 0.8 * noise)
    torch.testing.assert_close(seen[0].var(0), torch.ones(2), atol=0.03, rtol=0)


def test_heads_are_pushed_apart_as_far_as_is_asked_and_no_further():
    places = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 9.0]])
    assert embedding_margin_loss(places).item() == pytest.approx((MARGIN - 1) / 3)


# --- priors


@pytest.mark.parametrize("prior", ["mixture", "swissroll"])
def test_a_prior_without_labels_is_the_mean_over_labels(prior):
    def draw(labels, seed):
        return sample_latents(len(labels), 2, torch.Generator().manual_seed(seed), prior, labels)

    unlabeled, labeled = draw(torch.full((50_000,), -1), 0), draw(torch.arange(50_000) % COMPONENTS, 1)
    assert distribution.sliced_wasserstein(unlabeled, labeled) < 0.03
    third = draw(torch.full((5000,), 3), 2)
    assert distribution.sliced_wasserstein(third, labeled[:5000]) > 0.5
    assert torch.equal(draw(torch.full((9,), -1), 5), sample_latents(9, 2, torch.Generator().manual_seed(5), prior))


def test_draws_are_told_apart_by_their_petals():
    labels = torch.arange(5000) % COMPONENTS
    z = sample_latents(5000, 2, torch.Generator().manual_seed(0), "mixture", labels)
    assert (component_of(z) == labels).float().mean() > 0.99
    middles = sample_latents(10, 2, torch.Generator().manual_seed(0), "mixture", torch.arange(10))
    assert torch.equal(component_of(middles * 3 / middles.norm(dim=1, keepdim=True)), component_of(middles))


def test_petals_lie_where_they_should():
    z = sample_latents(20_000, 2, torch.Generator().manual_seed(0), "mixture", torch.zeros(20_000, dtype=torch.int64))
    torch.testing.assert_close(z.mean(0), torch.tensor([3.0, 0.0]), atol=0.02, rtol=0)
    torch.testing.assert_close(z.std(0), torch.tensor([0.7, 0.25]), atol=0.01, rtol=0)


def test_codes_hold_a_class_for_certain_and_a_style():
    config = AutoencoderConfig(classes=4, latent_dim=3)
    code = sample_codes(config, 4000, torch.Generator().manual_seed(0))
    assert code.shape == (4000, config.code_dim)
    assert torch.equal(code[:, :4].sort(dim=1).values, torch.tensor([0.0, 0, 0, 1]).expand(4000, 4))
    torch.testing.assert_close(code[:, :4].mean(0), torch.full((4,), 0.25), atol=0.03, rtol=0)
    torch.testing.assert_close(code[:, 4:].norm(dim=1), torch.ones(4000))
    assert torch.allclose(project_to_prior(config, 2 * code)[:, 4:], code[:, 4:])
    assert torch.equal(one_hot(torch.tensor([-1, 1]), 2), torch.tensor([[0.0, 0.0], [0.0, 1.0]]))


def test_known_labels_are_even_over_classes_and_the_rest_is_hidden():
    labels = torch.arange(100) % 3
    known = hide_labels(labels, 10, seed=0)
    assert [int((known == label).sum()) for label in (-1, 0, 1, 2)] == [90, 4, 3, 3]
    assert torch.equal(known[known >= 0], labels[known >= 0])
    assert torch.equal(known, hide_labels(labels, 10, seed=0))
    assert not torch.equal(known, hide_labels(labels, 10, seed=1))
    assert torch.equal(hide_labels(labels, None, seed=0), labels)


def test_sliced_wasserstein_of_a_shift_along_one_axis():
    points = drawn(1000, 1)
    assert distribution.sliced_wasserstein(points, points + 3) == pytest.approx(3, rel=1e-5)
    turned = distribution.sliced_wasserstein(drawn(1000, 2), drawn(1000, 2) + torch.tensor([3.0, 0]), 4000)
    assert turned == pytest.approx(3 * 2 / math.pi, rel=0.02)  # the mean of |cos|


# --- networks


@pytest.mark.parametrize("architecture", ["dcgan", "resnet", "mlp"])
def test_every_network_has_a_gradient_in_every_parameter(architecture):
    players = ("encoder", "generator", "latent_generator", "critic", "code_critic", "label_critic", "joint_critic")
    config = AutoencoderConfig(architecture=architecture, channels=1, latent_dim=5, width=4, prior="gaussian",
                               class_embeddings=True,
                           posterior="gaussian", classes=3, critic_classes=2, players=players)  # fmt: skip
    model = build(config)
    x, code, style = drawn(6, 1, 32, 32), drawn(6, 8), drawn(6, 5)
    posterior = model.encoder.posterior(x)
    shapes = [(6, 3), (6, 5), (6, 5)]
    assert [tuple(each.shape) for each in (posterior.logits, posterior.mean, posterior.log_variance)] == shapes
    answers = [posterior.code(drawn(6, 5)), model.generator(code), model.latent_generator(style),
               model.critic(x), model.code_critic(drawn(6, 8)), model.label_critic(drawn(6, 3)),
               model.joint_critic(x, code)]  # fmt: skip
    assert [tuple(each.shape) for each in answers] == [(6, 8), (6, 1, 32, 32), (6, 5), (6,), (6,), (6,), (6,)]
    sum((each * drawn(*each.shape, seed=9)).sum() for each in answers).backward()
    assert [name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0] == []


def test_codes_that_a_latent_generator_is_after_have_a_mean_of_0_and_a_deviation_of_1():
    players = ("encoder", "generator", "latent_generator", "code_critic", "critic")
    model = build(AutoencoderConfig(channels=1, latent_dim=5, width=4, prior="gaussian", players=players))
    code = model.encode(torch.rand(50, 1, 32, 32, generator=torch.Generator().manual_seed(0)))
    torch.testing.assert_close(code.mean(0), torch.zeros(5), atol=1e-5, rtol=0)
    torch.testing.assert_close(code.std(0, correction=0), torch.ones(5), atol=0.05, rtol=0)


def test_logits_that_a_batch_norm_spreads_leave_no_class_to_all_pictures():
    model = build(AutoencoderConfig(channels=1, classes=4, latent_dim=2, width=4, logit_scale=3))
    logits = model.encoder.posterior(torch.rand(50, 1, 32, 32, generator=torch.Generator().manual_seed(0))).logits
    torch.testing.assert_close(logits.mean(0), torch.zeros(4), atol=1e-4, rtol=0)
    assert (logits.std(0, correction=0) <= 3).all()
    assert (logits.std(0, correction=0) > 2).all()


def test_heads_move_a_style_to_the_place_of_its_class():
    model = build(AutoencoderConfig(classes=2, latent_dim=3, class_embeddings=True, width=4))
    code = torch.tensor([[0.0, 1.0, 5.0, 6.0, 7.0]])
    assert torch.allclose(model.generator.represent(code), model.generator.embeddings()[1] + code[:, 2:])


def test_the_mlp_is_that_of_the_paper():
    model = build(AutoencoderConfig(architecture="mlp", channels=1, latent_dim=2, width=1000))
    sizes = [tuple(layer.weight.shape) for layer in model.encoder.layers if isinstance(layer, nn.Linear)]
    assert sizes == [(1000, 1024), (1000, 1000), (2, 1000)]


# --- runs


def test_every_system_has_a_row_of_terms_and_one_of_turns():
    assert objectives() == ["age", *OBJECTIVES]


@pytest.mark.filterwarnings("ignore::agerestore.errors.OutOfDomainWarning")  # two steps teach no domain
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("objective", objectives())
def test_each_objective_trains_comes_back_and_restores(objective, channels, tmp_path):
    config = train_config("age", (f"objective={objective}", f"network.channels={channels}", *TINY))
    images = pictures(channels)
    path = fit(config, images, tmp_path / "run")
    loaded = weights.load_weights(path)
    assert loaded.header["kind"] == objective
    assert not any("critic" in name for name in loaded.networks.state_dict())
    assert all(math.isfinite(value) for value in loaded.header["validation"].values())
    picture = images.images[0].float() / 255
    if objective == "dcgan":
        assert loaded.networks.generate(drawn(2, config.network.latent_dim)).shape == (2, channels, 32, 32)
        with pytest.raises(UsageError, match="is not for"):
            restore({"own": loaded}, picture)
    else:
        hole = torch.zeros(32, 32)
        hole[8:16, 8:16] = 1
        restored = restore({"own": loaded}, picture, hole, RestoreSettings(latent_steps=2)).image
        assert restored.shape == picture.shape
        assert torch.equal(restored[:, hole == 0], picture[:, hole == 0])
        assert not torch.equal(restored, picture)


@pytest.mark.parametrize("preset", sorted(name for name in presets() if train_config(name).objective != "age"))
def test_every_preset_takes_a_step_that_moves_the_networks_that_learn_and_no_others(preset):
    settings = ("network.width=8", "batch_size=8", "precision=fp32")
    few = ("labels=6",) if train_config(preset).labels else ()  # of twenty pictures
    config = train_config(preset, settings + few)
    side = config.network.image_size
    images = pictures(config.network.channels, 20)
    if side == 64:
        images = ImageSet(images.images.repeat(1, 1, 2, 2), images.labels)
    training = Training(config, images, torch.device("cpu"))
    before = {name: value.clone() for name, value in training.model.state_dict().items()}
    terms = training.iterate()
    assert all(torch.isfinite(value) for value in terms.values())
    moved = {name.partition(".")[0] for name, value in training.model.state_dict().items()
             if not torch.equal(value, before[name])}  # fmt: skip
    assert moved == training.stage.learners == set(config.network.players)


def test_a_run_of_several_networks_is_resumed_bit_for_bit(tmp_path):
    config = train_config("aae-mnist-semi", (*TINY, "steps=4", "labels=6"))
    whole = fit(config, pictures(), tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        fit(config, pictures(), tmp_path / "run", stop=lambda: True)
    again = fit(config, pictures(), tmp_path / "run", resume=True)
    one, other = (weights.load_weights(path).networks.state_dict() for path in (whole, again))
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_weights_without_critics_can_be_gone_on_with(tmp_path):
    config = train_config("aae-mnist", TINY)
    first = weights.load_weights(fit(config, pictures(), tmp_path / "first"))
    training = Training(config, pictures(), torch.device("cpu"))
    training.start_from(first)
    for name, value in first.networks.generator.state_dict().items():
        assert torch.equal(training.model.generator.state_dict()[name], value)


def test_a_folder_has_no_labels_to_learn_from(tmp_path):
    config = train_config("aae-mnist-semi", TINY)
    with pytest.raises(UsageError, match="train on MNIST, CIFAR-10 or SVHN"):
        fit(config, ImageSet(pictures().images), tmp_path / "run")
    many = ImageSet(pictures().images, torch.full((40,), 12))
    with pytest.raises(UsageError, match=r"labels go up to 12: set network\.classes=13"):
        fit(config, many, tmp_path / "other")


@pytest.mark.parametrize(("settings", "words"), [
    (("objective=gan",), "`settings` objective: no objective 'gan'; choose one of age, dcgan"),
    (("network.prior=mixture",), "the mixture lies in the plane: set network.latent_dim=2"),
    (("network.class_embeddings=true",), "class embeddings need classes"),
    (('network.players=["encoder"]',), "every system has a generator"),
])  # fmt: skip
def test_what_cannot_be_is_said_in_one_line(settings, words):
    with pytest.raises(UsageError) as error:
        train_config("age", settings)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_an_objective_of_pairs_is_refused_for_photographs():
    with pytest.raises(UsageError, match="objective=vae is for an unconditional encoder and generator"):
        train_config("photo", ("objective=vae",))


def test_what_a_run_will_cost_is_counted_for_every_system():
    for objective in objectives():
        counted = cost.flops_per_iteration(train_config("age", (f"objective={objective}", *TINY)))
        assert counted["adversarial"] > 0
        assert set(counted) == {
            stage.name for stage in stages(train_config("age", (f"objective={objective}", *TINY)), 9)
        }
