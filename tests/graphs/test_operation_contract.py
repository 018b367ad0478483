"""A new operation is run by everybody, or one of these fails; CONTRIBUTING.md lists the places.

Each operation that a handler emits is in one of the models below, which other tests run in numpy
(`test_network.py`) and in the page's runner (`test_in_node.py`), both compared with torch.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.graphs.image_models import IMAGE_DECODERS, IMAGE_ENCODERS
from tests.graphs.models import DECODERS, ENCODERS, IMAGE, Z, made
from vaewidgets import graphs
from vaewidgets.graphs import decoder_network, encoder_network
from vaewidgets.graphs.handlers import PLAIN


def emitted() -> Iterator[str]:
    """Each operation that the room's source names."""
    yield from PLAIN
    for path in Path(graphs.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call) or getattr(node.func, "attr", "") != "emit":
                continue
            if isinstance(node.args[0], ast.Constant):
                yield str(node.args[0].value)


def test_every_operation_is_in_a_model_that_is_compared_with_torch() -> None:
    networks = [decoder_network(made(kind), Z) for kind in DECODERS + IMAGE_DECODERS]
    networks += [encoder_network(made(kind), IMAGE) for kind in ENCODERS + IMAGE_ENCODERS]
    used = {op.op for network in networks for op in network.ops}
    assert len(used) > 15
    assert set(emitted()) == used
