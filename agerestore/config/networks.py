"""The networks there are, as frozen data: what is needed to build them again."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator

Prior = Literal["sphere", "gaussian", "mixture", "swissroll"]
Player = Literal["encoder", "generator", "latent_generator", "critic", "code_critic", "label_critic", "joint_critic"]


class Frozen(BaseModel):
    """Data that does not change, without unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class NetworkConfig(Frozen):
    """Everything needed to build an unconditional encoder and generator again, and the networks they play against.

    A code is (B, K + M): K class probabilities, where there are classes, and then M numbers of style.
    """

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
    heads: bool = Field(False, description="classes are points among the styles: the generator sees W y + z")
    spread: float = Field(0, ge=0, description="deviation that a batch norm gives the logits of each class; 0 for none")
    told: int = Field(0, ge=0, description="classes that the critic of codes is told of")
    players: tuple[Player, ...] = Field(("encoder", "generator"), description="the networks there are")

    @property
    def code_dim(self) -> int:
        """Numbers of a code: K + M."""
        return self.classes + self.latent_dim

    @model_validator(mode="after")
    def _fits(self) -> NetworkConfig:
        if self.prior in ("mixture", "swissroll") and self.latent_dim != 2:
            raise ValueError(f"the {self.prior} lies in the plane: set network.latent_dim=2")
        if "generator" not in self.players:
            raise ValueError('every system has a generator: add "generator" to network.players')
        if self.heads and not self.classes:
            raise ValueError("heads are those of classes: set network.classes=20")
        if self.spectral and (self.spread or "latent_generator" in self.players):
            raise ValueError("network.spectral takes the batch norms away that the codes of this system need")
        return self


class _ConditionalConfig(Frozen):
    """Of networks that draw color pictures under a condition."""

    @property
    def channels(self) -> int:
        """Channels of a picture: RGB, or lightness and two of color."""
        return 3

    @property
    def prior(self) -> Prior:
        """Prior of the codes."""
        return "sphere"


class PhotoConfig(_ConditionalConfig):
    """Everything needed to build the fully convolutional networks for photographs again."""

    architecture: Literal["photo"] = "photo"
    widths: tuple[int, int, int] = Field((16, 64, 128), description="channels at full, half and quarter resolution")
    blocks: tuple[int, int, int] = Field((1, 2, 4), description="residual blocks there")
    latent_dim: int = Field(16, ge=0, description="of the code of each region; 0 for the estimator alone")
    game_widths: tuple[int, int] | None = Field(
        None, description="channels of the networks of the game at half and quarter resolution; if not set, as above"
    )


class ColorConfig(_ConditionalConfig):
    """Everything needed to build an encoder of colors and a generator of the colors of a gray picture again."""

    architecture: Literal["color", "color-resnet"] = "color"
    image_size: Literal[64] = 64
    latent_dim: int = Field(8, ge=2)
    width: int = Field(32, ge=1, description="channels of the first layers; 64 in the author's color-resnet")
    paints: int = Field(0, ge=0, description="components of the distribution of codes given a lightness; 0 for none")


def kind_of_network(value: Any) -> str:
    """Which of the configurations a dictionary or a configuration is: ``age`` for a pair, ``photo`` or ``color``."""
    architecture = value.get("architecture") if isinstance(value, dict) else getattr(value, "architecture", None)
    return {"photo": "photo", "color": "color", "color-resnet": "color"}.get(str(architecture), "age")


AnyNetworkConfig = Annotated[
    Annotated[NetworkConfig, Tag("age")] | Annotated[PhotoConfig, Tag("photo")] | Annotated[ColorConfig, Tag("color")],
    Discriminator(kind_of_network),
]
