"""Variational autoencoders you can touch: widgets on a live training loop.

Public names stand in `__init__.pyi` and are imported on first use, so that `import vaewidgets` is quick and
`vaewidgets.runs` needs no widget package.
"""

import lazy_loader

__version__ = "0.1.0"

_public, _, __all__ = lazy_loader.attach_stub(__name__, __file__)
__all__ += ["__version__"]


def __getattr__(name: str) -> object:
    try:
        return _public(name)
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"vaewidgets.{name} needs torch and what is installed with it: {error}. A saved run opens with "
            'anywidget alone: vaewidgets.replay.open("run.safetensors"), of a file that replay.save wrote.',
            name=error.name,
        ) from error


def __dir__() -> list[str]:
    return sorted(__all__)
