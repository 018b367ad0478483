"""One training step of one image, taken on a copy of a model: shapes, values, gradients of each layer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from vaewidgets.adapters import copy_model
from vaewidgets.adapters.thread_mode import restored_modes
from vaewidgets.contract.packing import pack
from vaewidgets.contract.sections import Packed
from vaewidgets.data import ImageDataset
from vaewidgets.objectives import Likelihood, decode_raw, encode, kl_per_dim
from vaewidgets.sections.state import items_state, to_u8

KINDS = ("ae", "vae", "reparameterised")
_MOST_LAYERS = 6  # of one half; those between are drawn as one
_MOST_VALUES = 8
_MOST_PIXELS = 64  # of an image's side


@dataclass
class _Layer:
    """A module that holds parameters, as it was passed through."""

    name: str
    module: nn.Module | None
    inp: tuple[int, ...]
    out: tuple[int, ...]
    params: int
    output: Tensor | None = field(default=None, repr=False)
    grad: float = 0.0


def training_step(
    model: nn.Module,
    likelihood: Likelihood,
    data: ImageDataset,
    x: Tensor,
    label: Tensor | None,
    *,
    kind: str,
    beta: float,
    lr: float,
    seed: int,
) -> dict[str, Any]:
    """Take one step of Adam on a copy of `model` with one image, and tell all that happened.

    Parameters
    ----------
    model : nn.Module
        Left as it is.
    likelihood : Likelihood
    data : ImageDataset
        For the range of the pixels.
    x : Tensor, shape (1, C, H, W)
    label : Tensor of int64, shape (1,), or None
    kind : {"ae", "vae", "reparameterised"}
        Whether z is drawn at all, and whether the draw lets the gradient of recon through.
    beta, lr : float
    seed : int
        Of eps.

    Returns
    -------
    dict
        Layers with shapes, numbers of parameters and gradient norms; mu, sigma, eps and z (at most 8 values
        each); the terms of the loss, and the loss after the step with the same eps; both images as bytes.
    """
    copy: Any = copy_model(model).eval().requires_grad_(True)
    copy.zero_grad(set_to_none=True)
    layers = {"encoder": list[_Layer](), "decoder": list[_Layer]()}
    with _recorded(copy, layers["encoder"]):
        mu, logvar = encode(copy, x, label)
    generator = torch.Generator().manual_seed(seed)
    eps = torch.randn(mu.shape, generator=generator).to(mu)
    z = _draw(kind, mu, logvar, eps)
    given = z
    if kind == "vae":
        given = z.detach().requires_grad_(True)  # a draw is a number: nothing leads back from it
    for tensor in (mu, logvar, given):
        if tensor is not None and tensor.requires_grad:
            tensor.retain_grad()
    with _recorded(copy, layers["decoder"]):
        raw = decode_raw(copy, given, x, label)
    recon = likelihood.recon(raw, x).sum()
    kl = kl_per_dim(mu, logvar).sum() if logvar is not None and kind != "ae" else None
    loss = recon if kl is None else recon + beta * kl
    heads = _heads(layers["encoder"], mu, logvar)
    loss.backward()
    for layer in (*layers["encoder"], *layers["decoder"], *heads.values()):
        layer.grad = 0.0 if layer.module is None else _norm(p.grad for p in layer.module.parameters(False))
    state = {
        "kind": kind,
        "image_shape": list(x.shape[1:]),
        **({} if (items := items_state(data)) is None else {"items": items}),
        "latent_dim": mu.shape[1],
        "beta": beta,
        "lr": lr,
        "unit": likelihood.unit,
        "encoder": _rows(layers["encoder"]),
        "decoder": _rows(layers["decoder"]),
        "heads": {name: _row(layer) for name, layer in heads.items()},
        "values": _values(mu, None if kind == "ae" else logvar, eps, z),
        "recon": recon.item(),
        "kl": None if kl is None else kl.item(),
        "loss": loss.item(),
        "grads": {"z": _norm([given.grad]), "mu": _norm([mu.grad])}
        | ({} if logvar is None else {"logvar": _norm([logvar.grad])}),
        "params": sum(p.numel() for p in copy.parameters()),
        "images": {"x": _thumbnail(data, x), "x_hat": _thumbnail(data, likelihood.mean(raw))},
    }
    state["after"] = _after(copy, likelihood, x, label, eps, kind=kind, beta=beta, lr=lr)
    return state


def _draw(kind: str, mu: Tensor, logvar: Tensor | None, eps: Tensor) -> Tensor:
    if kind == "ae" or logvar is None:
        return mu
    return mu + torch.exp(0.5 * logvar) * eps


def _after(
    copy: Any, likelihood: Likelihood, x: Tensor, label: Tensor | None, eps: Tensor, *, kind: str,
    beta: float, lr: float,
) -> float:  # fmt: skip
    """Step down the gradient that is there; return the loss of the same image with the same eps."""
    torch.optim.Adam([p for p in copy.parameters() if p.grad is not None], lr=lr).step()
    with restored_modes(), torch.no_grad():
        mu, logvar = encode(copy, x, label)
        recon = likelihood.recon(decode_raw(copy, _draw(kind, mu, logvar, eps), x, label), x).sum()
        kl = 0.0 if kind == "ae" or logvar is None else kl_per_dim(mu, logvar).sum()
        return float(recon + beta * kl)


@contextmanager
def _recorded(model: nn.Module, layers: list[_Layer]) -> Iterator[None]:
    """Note each module with parameters of its own that is called meanwhile, in order."""

    def note(module: nn.Module, args: Any, output: Any) -> None:
        inp = next((a for a in args if isinstance(a, Tensor)), None)
        if inp is None or not isinstance(output, Tensor):
            return
        count = sum(p.numel() for p in module.parameters(False))
        shape = tuple(inp.shape[1:])
        layers.append(_Layer(type(module).__name__, module, shape, tuple(output.shape[1:]), count, output))

    own = [module for module in model.modules() if next(module.parameters(False), None) is not None]
    hooks = [module.register_forward_hook(note) for module in own]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _heads(layers: list[_Layer], mu: Tensor, logvar: Tensor | None) -> dict[str, _Layer]:
    """Take out of the encoder's layers those that say mu and logvar themselves."""
    heads = {}
    for name, tensor in (("mu", mu), ("logvar", logvar)):
        for layer in layers:
            if logvar is not None and layer.output is tensor:
                heads[name] = layer
    for layer in heads.values():
        layers.remove(layer)
    return heads


def _rows(layers: list[_Layer]) -> list[dict[str, Any]]:
    """At most six layers: those in the middle of a deep half are put together."""
    if len(layers) > _MOST_LAYERS:
        first, last = layers[: _MOST_LAYERS // 2], layers[-(_MOST_LAYERS // 2 - 1) :]
        middle = layers[len(first) : -len(last)]
        merged = _Layer(
            f"{len(middle)} layers", None, middle[0].inp, middle[-1].out,
            sum(layer.params for layer in middle), grad=sum(layer.grad**2 for layer in middle) ** 0.5,
        )  # fmt: skip
        layers = [*first, merged, *last]
    return [_row(layer) for layer in layers]


def _row(layer: _Layer) -> dict[str, Any]:
    return {
        "name": layer.name,
        "in": list(layer.inp),
        "out": list(layer.out),
        "params": layer.params,
        "grad": layer.grad,
    }


def _norm(grads: Any) -> float:
    """Norm of all gradients together; 0 where none came."""
    return float(sum(float(grad.square().sum()) for grad in grads if grad is not None) ** 0.5)


def _values(mu: Tensor, logvar: Tensor | None, eps: Tensor, z: Tensor) -> dict[str, list[float]]:
    tensors = {"z": z} if logvar is None else {"mu": mu, "sigma": torch.exp(0.5 * logvar), "eps": eps, "z": z}
    return {name: tensor[0, :_MOST_VALUES].tolist() for name, tensor in tensors.items()}


def _thumbnail(data: ImageDataset, image: Tensor) -> Packed:
    # of items that are no images each number is drawn
    stride = max(1, -(-max(image.shape[2:]) // _MOST_PIXELS)) if data.items is None else 1
    return pack(to_u8(data, image[:, :, ::stride, ::stride])[0], "u8")
