"""Configurations of networks: frozen data, all that is needed to build the networks of a model again.

There is one class for each kind of model. It answers what training and data have to know of the kind, so that they
need not ask which one it is. A class joins by being defined: `network_config` finds it by its architectures.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SerializeAsAny, model_validator

Prior = Literal["sphere", "gaussian", "mixture", "swissroll"]
Player = Literal["encoder", "generator", "latent_generator", "critic", "code_critic", "label_critic", "joint_critic"]
Fit = Literal["crop", "stretch"]


class Frozen(BaseModel):
    """Data that does not change, without unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class NetworkConfig(Frozen):
    """What the configurations of all kinds of networks share.

    Attributes:
        kind: name of the kind of model, a key of `agerestore.models.registry.KINDS`.
        adversarial_loss: module of `agerestore.losses` with the AGE losses of this kind.
        data_settings: settings of a run that change what networks of this kind see in training; others are refused.
        fit: how training images of other proportions become square: by cutting out the middle, or by scaling each side.
        is_conditional: whether the generator draws for a given image, not from codes alone.
        channels: of the images that the networks see: 1 (gray) or 3.
        image_size: side in pixels of the squares that the networks see; None where they take any size. Networks of one
            size train on whole images, those of any size on crops of photographs.
        latent_dim: numbers of a code (of its style, where there are classes); 0 without codes.
        prior: distribution of codes.
        architecture: names the networks, and tells the kinds apart.
    """

    kind: ClassVar[str]
    adversarial_loss: ClassVar[str] = "age"
    data_settings: ClassVar[frozenset[str]] = frozenset({"flip", "shift", "augment"})
    fit: ClassVar[Fit] = "crop"
    is_conditional: ClassVar[bool] = False

    if TYPE_CHECKING:  # fields of some kinds, constants of others

        @property
        def architecture(self) -> str: ...  # noqa: D102
        @property
        def channels(self) -> int: ...  # noqa: D102
        @property
        def image_size(self) -> int | None: ...  # noqa: D102
        @property
        def latent_dim(self) -> int: ...  # noqa: D102
        @property
        def prior(self) -> Prior: ...  # noqa: D102

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Register the class for each of its architectures."""
        super().__pydantic_init_subclass__(**kwargs)
        CONFIGS.update(dict.fromkeys(get_args(cls.model_fields["architecture"].annotation), cls))

    @property
    def code_dim(self) -> int:
        """Numbers of a whole code."""
        return self.latent_dim

    @property
    def needs_labels(self) -> bool:
        """Whether the networks cannot be trained on images without labels."""
        return False

    @property
    def stages(self) -> tuple[str, ...]:
        """The stages of a training run, in order; one of 0 steps is left out. See `agerestore.training.stages`."""
        return ("adversarial",)

    def codes_per_image(self, height: int, width: int) -> int:
        """How many codes an image of this size in pixels has."""
        return 1


CONFIGS: dict[str, type[NetworkConfig]] = {}  # architecture -> configuration


def network_config(value: Any) -> Any:
    """A dictionary -> the configuration it describes, by its architecture; a configuration stays.

    Raises:
        ValidationError: a key or value that this kind does not have.
        ValueError: an architecture that is not known.
    """
    if not isinstance(value, dict):
        return value
    architecture = value.get("architecture", "dcgan")
    if architecture not in CONFIGS:
        raise ValueError(f"no architecture {architecture!r}; choose one of {', '.join(sorted(CONFIGS))}")
    return CONFIGS[architecture].model_validate(value)


AnyNetworkConfig = Annotated[SerializeAsAny[NetworkConfig], BeforeValidator(network_config)]


class AutoencoderConfig(NetworkConfig):
    """Configuration of an unconditional encoder and generator, and of the networks that they are trained against.

    A code is (B, K + M): K class probabilities, where there are classes, and then M numbers of style.
    """

    kind: ClassVar[str] = "autoencoder"

    architecture: Literal["dcgan", "resnet", "mlp"] = "dcgan"
    image_size: Literal[32, 64] = 32
    channels: Literal[1, 3] = 3
    latent_dim: int = Field(128, ge=2)
    width: int = Field(
        64, ge=1, description="channels of the first encoder layer, 64 in the AGE paper; units of an mlp, 1000 in AAE's"
    )
    prior: Prior = "sphere"
    posterior: Literal["deterministic", "gaussian"] = "deterministic"
    spectral: bool = Field(False, description="spectral norms in the encoder in place of its batch norms")
    classes: int = Field(0, ge=0, description="K; 0 for codes of style alone")
    class_embeddings: bool = Field(False, description="classes are points among the styles: the generator sees W y + z")
    logit_scale: float = Field(
        0, ge=0, description="standard deviation that a batch norm gives the logits of each class; 0 for no norm"
    )
    critic_classes: int = Field(0, ge=0, description="classes that the critic of codes is conditioned on")
    players: tuple[Player, ...] = Field(("encoder", "generator"), description="the networks there are")

    @property
    def code_dim(self) -> int:
        """Numbers of a code: K + M."""
        return self.classes + self.latent_dim

    @property
    def needs_labels(self) -> bool:
        """Whether the critic of codes is conditioned on labels."""
        return self.critic_classes > 0

    @property
    def stages(self) -> tuple[str, ...]:
        """The adversarial stage; then, with an encoder, its fine-tuning and the robust encoder."""
        return ("adversarial", *(("finetune", "robust") if "encoder" in self.players else ()))

    @model_validator(mode="after")
    def _fits(self) -> AutoencoderConfig:
        if self.prior in ("mixture", "swissroll") and self.latent_dim != 2:
            raise ValueError(f"the {self.prior} lies in the plane: set network.latent_dim=2")
        if "generator" not in self.players:
            raise ValueError('every system has a generator: add "generator" to network.players')
        if self.class_embeddings and not self.classes:
            raise ValueError("class embeddings need classes: set network.classes=20")
        if self.spectral and (self.logit_scale or "latent_generator" in self.players):
            raise ValueError("network.spectral removes the batch norms that the codes of this system need")
        return self


class PhotoConfig(NetworkConfig):
    """Configuration of the fully convolutional networks for photographs."""

    kind: ClassVar[str] = "photo"
    adversarial_loss: ClassVar[str] = "conditional_age"
    data_settings: ClassVar[frozenset[str]] = frozenset({"degradation", "gray", "upscaled", "crop_size", "workers"})
    is_conditional: ClassVar[bool] = True
    region: ClassVar[int] = 16  # side in pixels of the square that one code describes

    architecture: Literal["photo"] = "photo"
    channels: ClassVar[int] = 3
    image_size: ClassVar[None] = None
    prior: ClassVar[Prior] = "sphere"
    widths: tuple[int, int, int] = Field((16, 64, 128), description="channels at full, half and quarter resolution")
    blocks: tuple[int, int, int] = Field((1, 2, 4), description="residual blocks there")
    latent_dim: int = Field(16, ge=0, description="of the code of each region; 0 for the estimator alone")
    sampler_widths: tuple[int, int] | None = Field(
        None, description="channels of encoder and generator at half and quarter resolution; if not set, those above"
    )

    @property
    def stages(self) -> tuple[str, ...]:
        """Regression of the estimator; then, with codes, the adversarial stage."""
        return ("estimate", *(("adversarial",) if self.latent_dim else ()))

    def codes_per_image(self, height: int, width: int) -> int:
        """Codes of an image: one for each `region`, also those that it touches in part."""
        return -(-height // self.region) * -(-width // self.region)


class DetectorConfig(NetworkConfig):
    """Configuration of the fully convolutional network that finds defects of prints."""

    kind: ClassVar[str] = "detector"
    data_settings: ClassVar[frozenset[str]] = frozenset({"degradation", "gray", "upscaled", "crop_size", "workers"})
    is_conditional: ClassVar[bool] = True

    architecture: Literal["detector"] = "detector"
    channels: ClassVar[int] = 3
    image_size: ClassVar[None] = None
    latent_dim: ClassVar[int] = 0
    prior: ClassVar[Prior] = "sphere"
    widths: tuple[int, ...] = Field((24, 48, 80, 96), min_length=2, description="channels at strides 2, 4, 8 and so on")
    blocks: tuple[int, ...] = Field((0, 1, 2, 2), description="residual blocks there on the way down")
    defects: tuple[str, ...] = Field(
        ("cracks", "scratches", "specks", "tears", "creases"), min_length=1, description="names of the kinds of defects"
    )

    @property
    def stages(self) -> tuple[str, ...]:
        """Detection alone."""
        return ("detect",)

    @model_validator(mode="after")
    def _fits(self) -> DetectorConfig:
        if len(self.widths) != len(self.blocks):
            raise ValueError("give network.blocks a number for each of network.widths")
        return self


class ColorizerConfig(NetworkConfig):
    """Configuration of an encoder of colors and a generator of the colors of a gray image."""

    kind: ClassVar[str] = "colorizer"
    adversarial_loss: ClassVar[str] = "colorization"
    data_settings: ClassVar[frozenset[str]] = frozenset({"flip", "shift", "augment", "views"})
    fit: ClassVar[Fit] = "stretch"
    is_conditional: ClassVar[bool] = True

    architecture: Literal["color", "color-resnet"] = "color"
    channels: ClassVar[int] = 3
    prior: ClassVar[Prior] = "sphere"
    image_size: Literal[64] = 64
    latent_dim: int = Field(8, ge=2)
    width: int = Field(32, ge=1, description="channels of the first layers; 64 in the author's color-resnet")
    prior_components: int = Field(
        0, ge=0, description="components of the distribution of codes given the lightness; 0 for none"
    )

    @property
    def stages(self) -> tuple[str, ...]:
        """The adversarial stage; then, with components, the distribution of codes given the lightness."""
        return ("adversarial", *(("code_prior",) if self.prior_components else ()))


class PhotoColorizerConfig(NetworkConfig):
    """Configuration of networks that color photographs of any size, over the features of a shared backbone."""

    kind: ClassVar[str] = "photo-colorizer"
    adversarial_loss: ClassVar[str] = "photo_colorization"
    data_settings: ClassVar[frozenset[str]] = frozenset({"crop_size", "workers"})
    is_conditional: ClassVar[bool] = True

    architecture: Literal["photo-color"] = "photo-color"
    channels: ClassVar[int] = 3
    image_size: ClassVar[None] = None
    prior: ClassVar[Prior] = "sphere"
    latent_dim: int = Field(8, ge=2)
    widths: tuple[int, int, int, int, int] = Field(
        (24, 64, 96, 128, 128), description="channels of the generator at strides 2, 4, 8, 16 and 32"
    )
    prior_components: int = Field(
        16, ge=0, description="components of the distribution of codes given the lightness; 0 for none"
    )
    first_answer: Literal["estimate", "draw"] = Field(
        "estimate", description="first answer: the point estimate, or a draw where one color is as good as another"
    )
    estimate_saturation: float = Field(
        1.0, gt=0, description="factor of the colors of the point estimate, found after training: it is the paler one"
    )

    @property
    def stages(self) -> tuple[str, ...]:
        """The adversarial stage; then, with components, the distribution of codes given the lightness."""
        return ("adversarial", *(("code_prior",) if self.prior_components else ()))
