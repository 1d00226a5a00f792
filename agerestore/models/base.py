"""The interface of models: what everything outside `agerestore.models` knows of one.

`Model` is what `agerestore.load` gives: networks ready to use, with what their file says of them. `ModelNetworks` is
the base class of the networks of each *kind* of model: `agerestore.models.age` (unconditional encoder and generator),
`agerestore.models.photo` (photographs of any size), `agerestore.models.colorizer` and `agerestore.models.detector`.
Nothing outside this folder asks which kind it has: it reads `Model.task`, `Model.verbs`, `Model.supports` and
`Model.input`, or calls a method.

To add a kind:

1. Write its configuration, a subclass of `agerestore.config.networks.NetworkConfig` (without torch, so that the
   command line can show it at once).
2. Write a module here with a subclass of `ModelNetworks`: its networks in ``__init__``, and `ModelNetworks.forward`.
   Override what else differs from the defaults below.
3. Add a row to `agerestore.models.registry.KINDS`.

Weights of the new kind then save, load, train by the stages that its configuration names, and answer `Model`.
"""

import copy
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

import torch
from torch import Tensor, nn

from agerestore.config.networks import NetworkConfig
from agerestore.errors import UsageError
from agerestore.models.fuse import fuse
from agerestore.models.subpixel import rewrite_transposed, with_bf16_weights

Task = Literal["restoration", "colorization", "detection"]


@dataclass(frozen=True)
class InputSpec:
    """Images that networks take.

    Attributes:
        channels: 1 (gray) or 3 (RGB).
        size: side in pixels of the square they take; None where they take any height and width.
        multiple: sides that are multiples of it need no padding inside the networks.
    """

    channels: int
    size: int | None
    multiple: int = 1


class ModelNetworks(nn.Module, ABC):
    """The networks of one kind of model. Images at its public methods are (B, C, H, W) float in [0, 1].

    Each network is a child module, trained under its own name. Subclasses set the class attributes below where they
    differ, build the networks in ``__init__`` and implement `forward`.

    Attributes:
        task: what the kind is for.
        input_multiple: see `InputSpec.multiple`.
        late_networks: networks that a later stage of training adds (see `add_networks`).
        memory_format: layout of tensors in which the networks are fastest.
        can_widen: whether `agerestore.models.net2net` may put the weights of narrower networks into these.
        onnx_outputs: names of what `onnx_forward` gives; empty if the kind is not exported.
        config: all that is needed to build the networks again.
    """

    task: ClassVar[Task] = "restoration"
    input_multiple: ClassVar[int] = 1
    late_networks: ClassVar[tuple[str, ...]] = ()
    memory_format: ClassVar[torch.memory_format] = torch.preserve_format
    can_widen: ClassVar[bool] = False
    onnx_outputs: ClassVar[tuple[str, ...]] = ()

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config: Any = config  # of the kind's own class

    @abstractmethod
    def forward(self, image: Tensor, mask: Tensor | None = None) -> Tensor:
        """One pass: the best single answer for each image.

        Args:
            image: (B, C, H, W) float in [0, 1] that fits `input`.
            mask: (B, 1, H, W), 1 where a pixel of ``image`` is missing, else 0; None where none is.

        Returns:
            (B, C', H, W) float in [0, 1]; of a colorizer C' is 3, of a detector one for each kind of defect.
        """

    @property
    def verbs(self) -> frozenset[str]:
        """Which of ``restore``, ``colorize``, ``sample`` and ``interpolate`` these networks can do."""
        return frozenset({"restoration": {"restore"}, "colorization": {"colorize"}}.get(self.task, ()))

    @property
    def supports(self) -> frozenset[str]:
        """Keyword options of those verbs that depend on the model, and have an effect with these networks."""
        return frozenset({"mask"} if self.task == "restoration" else ())

    @property
    def input(self) -> InputSpec:
        """The images that the networks take."""
        return InputSpec(self.config.channels, self.config.image_size, self.input_multiple)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.parameters()).device

    # ------------------------------------------------------------------------------------------ training

    def initialize(self) -> None:  # torch's own initialization is a fine default
        """Set the weights that training starts from, by torch's global random generator."""

    @classmethod
    def preprocess(cls, config: Any, image: Tensor) -> Tensor:
        """Clean images (B, C, H, W) in [0, 1] -> the tensors that the losses of this kind are computed on.

        Args:
            config: of networks of this kind.
            image: of the channels and size that ``config`` asks for.
        """
        return image * 2 - 1

    def add_networks(self, names: Collection[str]) -> None:  # most kinds have all from the start
        """Add those of `late_networks` that are in ``names`` and not there yet, before the stage that trains them."""

    def compile_networks(self) -> None:
        """Let torch compile each network, and the methods that losses call on it, when it is first used."""
        for network in self.children():
            network.compile()
            for name in getattr(network, "compiled_methods", ()):
                setattr(network, name, torch.compile(getattr(network, name)))

    def strip_for_inference(self, trained: Collection[str]) -> "ModelNetworks":
        """The networks that a trained model needs, sharing weights: no critics, and none that is not ``trained``.

        Args:
            trained: names of the networks that a stage of the run has trained.
        """
        return self

    def sharing(self, names: Collection[str], **changes: Any) -> Self:
        """The networks of these ``names`` alone, sharing weights.

        Args:
            names: of children.
            changes: fields of the configuration that differ without the others.
        """
        shared = copy.copy(self)
        shared._modules = {name: each if name in names else None for name, each in self._modules.items()}
        shared.config = self.config.model_copy(update=changes)
        return shared

    @classmethod
    def verify_shared_weights(cls) -> None:  # most kinds have none
        """Compare weights that all models of this kind share with their checksum.

        Raises:
            WeightsError: they are missing, or not those that were shipped.
        """

    # ------------------------------------------------------------------------------------------ export

    def onnx_forward(self, image: Tensor, mask: Tensor) -> tuple[Tensor, ...]:
        """What an ONNX graph computes, one tensor (B, C, H, W) in [0, 1] for each of `onnx_outputs`."""
        return (self(image, mask),)


class Model:
    """A model that is ready to use: its networks, and what its file says of them.

    Calling it is one forward pass on a batch of images in [0, 1] that fit `input`, without gradients:
    ``model(image, mask)``, (B, C, H, W) -> (B, C', H, W). `agerestore.restore` does what whole images need beyond that.

    Attributes:
        networks: in eval mode, fp32, without gradients; a `ModelNetworks` of the model's kind.
        header: what the file says of itself: ``network``, ``training``, ``validation``, ``domain`` and so on.
        name: of a shipped model, or the path of the file.
        kind: ``photo``, ``autoencoder``, ``colorizer``, ``detector``: a key of `agerestore.models.registry.KINDS`.
        task: ``restoration``, ``colorization`` or ``detection``.
        license: terms of the data that the model was trained on; they may bind what is made with it.
        verbs: which of ``restore``, ``colorize``, ``sample`` and ``interpolate`` the model can do.
        supports: keyword options of those verbs that have an effect with this model, such as ``sigma`` or ``samples``.
        input: the images that one forward pass takes.
    """

    def __init__(self, networks: ModelNetworks, header: Mapping[str, Any], name: str = "") -> None:
        self.networks: Any = networks
        self.header = dict(header)
        self.name = name
        self.kind = str(networks.config.kind)
        self.task = networks.task
        self.license = str(self.header.get("data_license", "not stated"))
        self.verbs = networks.verbs
        self.supports = networks.supports
        self.input = networks.input
        self._fused: dict[bool, Any] = {}

    @property
    def device(self) -> torch.device:
        """Where the networks are."""
        where: torch.device = self.networks.device
        return where

    def to(self, device: torch.device | str) -> Self:
        """Move the model to a device; returns itself."""
        self.networks.to(device)
        self._fused.clear()
        return self

    @torch.no_grad()
    def __call__(self, image: Tensor, mask: Tensor | None = None) -> Tensor:
        """One forward pass; see `ModelNetworks.forward`."""
        answer: Tensor = self.networks(image, mask)
        return answer

    @property
    def fused(self) -> Any:
        """A copy of the networks that is faster and equal up to rounding: batch norms fused into convolutions."""
        if False not in self._fused:
            self._fused[False] = fuse(self.networks)
        return self._fused[False]

    @property
    def fused_bf16(self) -> Any:
        """As `fused`, for a CPU under autocast to bf16; it gives no gradients."""
        if True not in self._fused:
            self._fused[True] = with_bf16_weights(rewrite_transposed(self.fused))
        return self._fused[True]

    def require(self, verb: str, options: Iterable[str] = ()) -> None:
        """Refuse what the model cannot do.

        Args:
            verb: one of ``restore``, ``colorize``, ``sample``, ``interpolate``.
            options: keyword options of the verb that were given.

        Raises:
            UsageError: it cannot do the verb, or does not support one of the options.
        """
        if verb not in self.verbs:
            others = " and ".join(f"`{each}()`" for each in sorted(self.verbs)) or self.task
            raise UsageError(f"model {self.name!r} is not for `{verb}()` but for {others}; choose another `model`")
        if idle := self.unsupported(options):
            names = " and ".join(f"`{each}`" for each in idle)
            raise UsageError(f"model {self.name!r} does not support {names}; leave that out")

    def unsupported(self, options: Iterable[str]) -> list[str]:
        """Those of ``options`` that have no effect with this model, in their order."""
        return [name for name in options if name not in self.supports]

    def __repr__(self) -> str:
        side = self.input.size
        takes = "any size" if side is None else f"{side}x{side} pixels"
        return f"<Model {self.name!r}: {self.task}, {self.kind}, {takes}, {self.device}>"


def require_any(models: Mapping[str, Model], verb: str, options: Iterable[str] = ()) -> None:
    """Refuse what none of several models can do, of which one is selected for each image; see `Model.require`.

    Raises:
        UsageError: one cannot do the verb, or none supports all of the options.
    """
    given = list(options)
    for model in models.values():
        model.require(verb)
    if all(model.unsupported(given) for model in models.values()):
        next(iter(models.values())).require(verb, given)
