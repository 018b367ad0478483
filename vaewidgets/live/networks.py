"""Networks that the page runs: each traced once a run, with the weights of the snapshot that is drawn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vaewidgets import graphs
from vaewidgets.contract.sections import Decoder
from vaewidgets.engine import Snapshot
from vaewidgets.errors import PortableError, ProtocolError


class PageNetworks:
    """The networks of one run, as live keys."""

    def __init__(self) -> None:
        self._traced: dict[tuple[str, Any], graphs.Network | PortableError] = {}  # or why it was not

    def decoder(self, snapshot: Snapshot) -> Decoder:
        """The live key `decoder`: a latent vector in, an image out."""
        return self._state("decoder", snapshot, lambda model: graphs.decoder_network(model, model.latent_dim))

    def decoder_at(self, snapshot: Snapshot) -> Decoder:
        """The live key `axis_decoder`: a latent vector and beta's place in its range in, an image out."""
        shapes = ((snapshot.model.latent_dim,), (1,))
        return self._state(
            "decoder_at", snapshot, lambda model: graphs.portable_network("decode_at", shapes, module=model)
        )

    def encoder(self, snapshot: Snapshot) -> Decoder:
        """The live key `encoder`: an image in, mu and logvar out."""
        shape = snapshot.data.image_shape
        return self._state("encoder", snapshot, lambda model: graphs.encoder_network(model, shape))

    def score(self, snapshot: Snapshot) -> Decoder:
        """The live key `score`: z and an image in; x_hat, the cost of each pixel, and its gradient by z out.

        Without the gradient, and with the reason, where only the forward pass can be recorded.
        """
        snapshot.likelihood.check_computed("The pull of the likelihood")
        shape = snapshot.data.image_shape
        full = self._state(
            "score", snapshot, lambda model: graphs.score_network(model, snapshot.likelihood, shape)
        )
        if full["network"] is not None:
            return full
        forward = self._state(
            "forward score",
            snapshot,
            lambda model: graphs.score_network(model, snapshot.likelihood, shape, gradient=False),
        )
        return {**forward, "reason": full["reason"]}

    def _state(self, name: str, snapshot: Snapshot, trace: Callable[[Any], graphs.Network]) -> Decoder:
        key = (name, getattr(snapshot.model, "convention", None))  # a foreign model may be read anew
        if key not in self._traced:
            try:
                self._traced[key] = trace(snapshot.model).without_weights()  # those of each snapshot are sent
            except (PortableError, ProtocolError) as error:
                self._traced[key] = PortableError(str(error))
        network = self._traced[key]
        return {
            "step": snapshot.step,
            "value_range": list(snapshot.data.value_range),
            "network": None if isinstance(network, PortableError) else network.refresh(snapshot.model),
            "reason": str(network) if isinstance(network, PortableError) else None,
        }
