"""Variational autoencoders you can touch: widgets on a live training loop.

Public names stand in `__init__.pyi` and are imported on first use, so that `import vaewidgets` is quick and
`vaewidgets.runs` needs no widget package.
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, _, __all__ = lazy_loader.attach_stub(__name__, __file__)
__all__ += ["__version__"]


def __dir__() -> list[str]:
    return sorted(__all__)
