"""Small models that are kept, copied or computed in an unusual way."""

import functools
import threading

import torch
from torch import nn


class Small(nn.Module):
    """The model of an ordinary reader: MLP, sigmoid."""

    latent_dim, image_shape = 3, (1, 8, 8)

    def __init__(self, end=nn.Sigmoid, h=16):
        super().__init__()
        torch.manual_seed(0)
        self.e = nn.Sequential(nn.Flatten(), nn.Linear(64, h), nn.ReLU())
        self.a, self.b = nn.Linear(h, 3), nn.Linear(h, 3)
        self.g = nn.Sequential(nn.Linear(3, h), nn.ReLU(), nn.Linear(h, 64), end())

    def encode(self, x):
        h = self.e(x)
        return self.a(h), self.b(h)

    def decode(self, z):
        return self.g(z).view(-1, 1, 8, 8)


class OwnDeepcopy(Small):
    def __deepcopy__(self, memo):
        new = OwnDeepcopy()
        new.load_state_dict(self.state_dict())
        return new


class OwnDeepcopyOfLock(Small):
    """What a message of ours used to advise to a model that cannot be copied."""

    def __init__(self):
        super().__init__()
        self.lock = threading.Lock()

    def __deepcopy__(self, memo):
        new = OwnDeepcopyOfLock()
        new.load_state_dict(self.state_dict())
        return new


class PlainList(Small):
    def __init__(self):
        super().__init__()
        self.ws = [nn.Parameter(torch.randn(3, 64))]
        self.more = {"shift": (nn.Parameter(torch.zeros(64)),)}

    def decode(self, z):
        return torch.sigmoid(z @ self.ws[0] + self.more["shift"][0]).view(-1, 1, 8, 8)


def timed(function):
    @functools.wraps(function)
    def inner(*args):
        return function(*args)

    return inner


def compiled():
    model = Small()
    model.decode = torch.compile(model.decode, backend="eager")
    return model


def whole_compiled():
    return torch.compile(Small(), backend="eager")


def closure():
    model = Small()
    model.decode = lambda z: model.g(z).view(-1, 1, 8, 8)
    return model


def wrapped():
    model = Small()
    model.decode = timed(timed(model.decode))
    return model


def partial():
    model = Small()
    model.decode = functools.partial(model.decode)
    return model


def bound():
    model = Small()
    model.encode, model.decode = model.encode, model.decode
    return model


THE_MODEL = None


def by_a_variable():
    global THE_MODEL
    THE_MODEL = Small()
    THE_MODEL.decode = lambda z: THE_MODEL.g(z).view(-1, 1, 8, 8)
    return THE_MODEL


def by_a_variable_without_gradients():
    """What gradients do not tell at once."""
    model = by_a_variable()
    model.decode = torch.no_grad()(lambda z: THE_MODEL.g(z).view(-1, 1, 8, 8))
    return model


class Tempered(Small):
    """Computes with a number that is no buffer."""

    temperature = 1.0

    def decode(self, z):
        return self.g(z * self.temperature).view(-1, 1, 8, 8)


def tensors(model):
    model = getattr(model, "_orig_mod", model)
    loose = [*model.ws, *model.more["shift"]] if isinstance(model, PlainList) else []
    return [*model.parameters(), *loose]
