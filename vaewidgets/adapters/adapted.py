"""A foreign model behind the protocol."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, final

import torch
from torch import Tensor, nn

from vaewidgets.adapters.calls import Call, Method
from vaewidgets.adapters.labels import LabelForm
from vaewidgets.adapters.losses import LossConvention
from vaewidgets.adapters.outputs import read_image
from vaewidgets.adapters.posterior import Hints, find_posterior, flatten_latents
from vaewidgets.adapters.scored import raw_of, shown, spread_of
from vaewidgets.adapters.seeded import seeded
from vaewidgets.adapters.spread import SPREAD_WORDS, as_logvar
from vaewidgets.adapters.thread_mode import restored_modes
from vaewidgets.errors import ProtocolError

Labels = Tensor | int | None

_INPUTS = {
    "image": "images (B, C, H, W)",
    "flat": "flat images (B, C * H * W)",
    "item": "items in the shape in which they were given",
}
_OUTPUT_WORDS = {
    "probabilities": "pixels in [0, 1]",
    "logits": "logits of pixels, shown through a sigmoid",
    "mean": "pixels as they are",
}
_LIKELIHOOD_WORDS = {
    "bernoulli": "binary cross-entropy",
    "squared_error": "squared error",
    "log_cosh": "the log-cosh of its errors",
    "own": "your own, as logged",
}


def describe_output(output: str) -> str:
    """What a decoder returns, in words."""
    return _OUTPUT_WORDS[output]


def describe_likelihood(likelihood: str) -> str:
    """What recon is, in words."""
    return _LIKELIHOOD_WORDS.get(likelihood, likelihood)


@dataclass(frozen=True)
class Convention:
    """What was found out, or said, about a foreign model.

    Attributes
    ----------
    name : str
        Class of the model.
    input : {"image", "flat", "item"}
        Whether its encoder takes (B, C, H, W), (B, C * H * W), or items as they were given to `ArrayDataset`.
    output : {"probabilities", "logits", "mean"}
        What its decoder returns: pixels in [0, 1], their logits, or pixels in the data's range.
    likelihood : str
        What its reconstruction loss is: the name of a likelihood, or "own" for one that only its loop knows.
    likelihood_options : tuple of (str, value)
        What that likelihood is built with.
    doubt : str
        What is not known of it, with the line to write.
    squash : {"sigmoid", "tanh"} or None
        Function that its decoder is seen to end in, where the data reach beyond it.
    losses : LossConvention
        How its loop reduces the terms that it logs.
    evidence, spread_evidence : str
        Why it, or its spread, is read so.
    others : tuple of (str, str)
        Other pairs of output and likelihood that nothing speaks against yet.
    encode : str
        The call that encodes.
    posterior : str
        Where mu and its spread are in its result.
    spread : {"logvar", "logstd", "std", "var"}
        What the spread is.
    other_spreads : tuple of str
        Other readings of the spread that nothing speaks against.
    spread_is_drawn : bool
        Whether the model was seen to draw with its spread read so: no other reading is possible then.
    prior : {"standard", "learned"}
        N(0, I), or one of the model's own, of which only the logged KL tells.
    notes : tuple of str
        What else was done or seen, a sentence each.
    questions : tuple of str
        What names suggest and nothing shows, a sentence each with the line that settles it.
    """

    name: str
    input: str
    output: str
    likelihood: str
    losses: LossConvention = field(default_factory=LossConvention)
    evidence: str = ""
    others: tuple[tuple[str, str], ...] = ()
    encode: str = "encode(x)"
    posterior: str = "mu and logvar"
    spread: str = "logvar"
    spread_evidence: str = ""
    other_spreads: tuple[str, ...] = ()
    spread_is_drawn: bool = False
    prior: str = "standard"
    notes: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()
    likelihood_options: tuple[tuple[str, Any], ...] = ()
    doubt: str = ""
    squash: str | None = None

    def describe(self) -> str:
        """Say in some lines how the model is read, and why."""
        lines = [
            f"{self.name}: {self.encode} takes {_INPUTS[self.input]}",
            f"mu and its spread are {self.posterior}",
            f"the spread is read as {SPREAD_WORDS[self.spread]}: {self.spread_evidence}",
            *(f'not excluded: {SPREAD_WORDS[other]}, spread="{other}"' for other in self.other_spreads),
            f"decode(z) is read as {describe_output(self.output)}",
            f"recon is read as {describe_likelihood(self.likelihood)}",
        ]
        lines += [*self.notes, *doubts(self)]
        if self.evidence:
            lines.append(f"because {self.evidence}")
        for output, likelihood in self.others:
            lines.append(
                f"not excluded: {describe_output(output)} and {describe_likelihood(likelihood)}, "
                f'output="{output}", likelihood="{likelihood}"'
            )
        return "\n- ".join(lines)


def doubts(convention: Convention | None) -> tuple[str, ...]:
    """What a person must know before trusting numbers of a foreign model, a sentence each."""
    if convention is None:
        return ()
    if convention.prior == "standard":
        return convention.questions
    return (
        *convention.questions,
        f"{convention.name} has a prior of its own: its KL is the one that is logged. The circles, draws "
        "from the prior and the KL by unit are those of N(0, I), and evaluate() has no KL.",
    )


def undecided(convention: Convention) -> str | None:
    """Say that recon may be another one than is computed; None where that is decided."""
    if not convention.others:
        return None
    own, *others = (
        (f"{describe_likelihood(likelihood)} of {describe_output(output)}", output, likelihood)
        for output, likelihood in ((convention.output, convention.likelihood), *convention.others)
    )
    ways = [f'{words} (output="{output}", likelihood="{likelihood}")' for words, output, likelihood in others]
    return (
        f"recon of {convention.name} is computed as {own[0]}, and it is not decided yet whether your loop's "
        f"is that, or {', or '.join(ways)}. It shows as recon is logged; or say it, in attach(...)."
    )


@dataclass(frozen=True)
class Wiring:
    """How the model's own functions are called and their results read.

    Attributes
    ----------
    encode, decode : callable
        Functions of (module, x) and (module, z). Never bound to one model: a copy is passed the copy.
    hints : Hints
        How the encoder's result is read.
    x_shape, z_shape : tuple of int, or None
        Shape of one image as the encoder takes it, where that is not (C, H, W), and of one latent point as
        the decoder takes it, where that is not (latent_dim,).
    decode_name : str
        How messages call the decoder.
    is_random : bool
        Whether the encoder draws random numbers beside mu and its spread.
    encode_labels, decode_labels : LabelForm or None
        How each is given classes, in a model that is conditioned on them.
    encode_like, decode_like : str or None
        Parameter whose floating type the input takes; the model's first one where there is none by that name.
    """

    encode: Call
    decode: Call = field(default_factory=lambda: Method("decode"))
    hints: Hints = field(default_factory=lambda: Hints("encode(x)"))
    x_shape: tuple[int, ...] | None = None
    z_shape: tuple[int, ...] | None = None
    decode_name: str = "decode(z)"
    is_random: bool = False
    encode_labels: LabelForm | None = None
    decode_labels: LabelForm | None = None
    encode_like: str | None = None
    decode_like: str | None = None

    def shaped(self, x: Tensor) -> Tensor:
        """Images (B, C, H, W) as the encoder takes them."""
        if self.x_shape is None:
            return x
        return x.flatten(1) if len(self.x_shape) == 1 else x.reshape(-1, *self.x_shape)

    def call_encode(self, module: nn.Module, x: Tensor, labels: Labels = None) -> Any:
        fed = _as_parameter(self.shaped(x), module, self.encode_like)
        given = () if (form := self.encode_labels) is None else (form.given(labels, len(fed), fed),)
        if not self.is_random:
            return self.encode(module, fed, *given)
        with restored_modes(), seeded(0):  # our own random numbers: those of the user's loop stay
            return self.encode(module, fed, *given)

    def call_decode(
        self, module: nn.Module, z: Tensor, labels: Labels = None, one_hot: Tensor | None = None
    ) -> Any:
        shaped = z if self.z_shape is None else z.reshape(-1, *self.z_shape)
        fed = _as_parameter(shaped, module, self.decode_like)
        form = self.decode_labels
        if form is None:
            return self.decode(module, fed)
        told = form.given(labels, len(fed), fed) if one_hot is None else form.from_one_hot(one_hot)
        return self.decode(module, fed, told)


@final
class AdaptedVAE(nn.Module):
    """A foreign model that speaks the protocol. Made by `as_vae`.

    Attributes
    ----------
    module : nn.Module
        The user's model itself, with the same parameters.
    convention : Convention
    latent_dim : int
    image_shape : tuple of int
        (C, H, W).
    value_range : tuple of float
    likelihood : str
        ``convention.likelihood``.
    takes_labels, needs_labels : bool
        Whether the model is conditioned on classes: `encode`, `decode` and `decode_raw` then use `labels`,
        whole numbers (B,) or one for all, and class 0 without.
    n_classes : int or None
    """

    def __init__(
        self,
        module: nn.Module,
        convention: Convention,
        wiring: Wiring,
        *,
        latent_dim: int,
        image_shape: tuple[int, int, int],
        value_range: tuple[float, float],
    ) -> None:
        super().__init__()
        self.module = module
        self.training = module.training
        self.convention = convention
        self.latent_dim = latent_dim
        self.image_shape = image_shape
        self.value_range = value_range
        self._wiring = wiring
        form = wiring.decode_labels or wiring.encode_labels
        self.takes_labels = self.needs_labels = form is not None
        self.n_classes = None if form is None else form.n_classes

    @property
    def likelihood(self) -> str:
        """Name of the likelihood that the model is trained with."""
        return self.convention.likelihood

    @property
    def likelihood_options(self) -> dict[str, Any]:
        """What that likelihood is built with besides its name."""
        return dict(self.convention.likelihood_options)

    @property
    def output(self) -> str | None:
        """Function that the decoder is seen to end in; None where nothing depends on it."""
        return self.convention.squash

    def encode(self, x: Tensor, labels: Labels = None) -> tuple[Tensor, Tensor]:
        """Posterior of each image.

        Parameters
        ----------
        x : Tensor, shape (B, C, H, W)
            In the data's ``value_range``.

        Returns
        -------
        mu, logvar : Tensor, each of shape (B, latent_dim)
        """
        wiring = self._wiring
        found = find_posterior(wiring.call_encode(self.module, x, labels), wiring.hints)
        mu, spread, _ = flatten_latents(found, wiring.hints)
        return _float32(mu), as_logvar(_float32(spread), self.convention.spread)

    def decode(self, z: Tensor, labels: Labels = None) -> Tensor:
        """Mean image of each latent point.

        Parameters
        ----------
        z : Tensor, shape (B, latent_dim)

        Returns
        -------
        Tensor, shape (B, C, H, W)
            In the data's ``value_range``, as far as the model keeps to it.
        """
        return self._image(self._output(z, labels)[0])

    def decode_told(self, z: Tensor, one_hot: Tensor) -> Tensor:
        """`decode` with each class as a row of `one_hot` (B, n_classes): one 1, or all 0 for none.

        Raises
        ------
        ProtocolError
            If the model takes classes as whole numbers.
        """
        form = self._wiring.decode_labels
        if form is not None and form.form == "index":
            raise ProtocolError(
                f"{self.convention.name} takes classes as whole numbers, which the page cannot give it."
            )
        return self._image(self._output(z, one_hot=one_hot)[0])

    def _image(self, out: Tensor) -> Tensor:
        return shown(self.convention.likelihood, self.convention.output, out, self.value_range)

    def decode_raw(self, z: Tensor, labels: Labels = None) -> Tensor:
        """What the likelihood is computed from: logits, log means or the mean image, and a learned spread.

        Logits of a decoder that returns probabilities are such that their cross-entropy is torch's of these.

        Returns
        -------
        Tensor, shape (B, C, H, W), or with a spread (B, 2C, H, W)
        """
        c = self.convention
        out, result = self._output(z, labels)
        learned = any(isinstance(value, str) for _, value in c.likelihood_options)
        spread = spread_of(result, out) if learned else None
        return raw_of(
            c.likelihood, c.output, out, self._image(out), None if spread is None else _float32(spread)
        )

    def forward(self, x: Tensor, labels: Labels = None) -> tuple[Tensor, Tensor, Tensor]:
        """Encode, draw z, decode; return (x_hat, mu, logvar)."""
        mu, logvar = self.encode(x, labels)
        z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
        return self.decode(z, labels), mu, logvar

    def __repr__(self) -> str:
        c = self.convention
        return (
            f"AdaptedVAE({c.name}: {c.input} input, {c.output}, {c.likelihood} likelihood, "
            f"latent_dim={self.latent_dim})"
        )

    def _output(self, z: Tensor, labels: Labels = None, one_hot: Tensor | None = None) -> tuple[Tensor, Any]:
        """The image that the decoder returns, before it is read, and all that it returns."""
        wiring = self._wiring
        result = wiring.call_decode(self.module, z, labels, one_hot)
        return _float32(read_image(result, wiring.decode_name, self.image_shape)[0]), result


def floating_parameters(module: nn.Module) -> dict[torch.dtype, str]:
    """Name of the first parameter, or else buffer, of each floating type; in the order of the module."""
    found: dict[torch.dtype, str] = {}
    for named in (module.named_parameters(), module.named_buffers()):
        for name, tensor in named:
            if tensor.is_floating_point():
                found.setdefault(tensor.dtype, name)
        if found:
            break
    return found


def floating_names(module: nn.Module) -> list[str | None]:
    """A parameter of each floating type that a model has; None alone for a model without."""
    return [*floating_parameters(module).values()] or [None]


def _as_parameter(value: Tensor, module: nn.Module, name: str | None) -> Tensor:
    """Cast what enters a foreign model to the type that it computes in."""
    like: Any = module
    for part in name.split(".") if name else ():
        like = getattr(like, part, None)
    if not isinstance(like, Tensor):
        like = next((p for p in module.parameters() if p.is_floating_point()), value)
    # no call where there is nothing to cast: it would be recorded as an operation of the model
    return value if value.dtype == like.dtype else value.to(like.dtype)


def _float32(value: Tensor) -> Tensor:
    """Cast what leaves a foreign model: all that is ours computes in float32."""
    return value.float() if value.is_floating_point() and value.dtype != torch.float32 else value
