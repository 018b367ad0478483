"""What is measured of each model."""

from __future__ import annotations

import importlib
import itertools
import math
import re
import time
import traceback
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

import vaewidgets as vw
import vaewidgets.runs.auditor
import vaewidgets.runs.reading
from tests.experiments.foreign_models.entry import Foreign
from tests.experiments.foreign_models.sources import importable, load, place
from vaewidgets.errors import VAEWidgetsError
from vaewidgets.graphs import decoder_network

KINDS = {"bce": "bernoulli", "se": "squared_error", "gaussian": "gaussian"}
N_TRAIN, N_TEST = 96, 32
# at least so many steps and seconds of the processor; at most so many of these
STEPS, SECONDS, LONGEST = 240, 3.0, 15.0


if not torch.cuda.is_available():  # some forwards move what they draw to a GPU, come what may
    torch.Tensor.cuda = lambda self, *_, **__: self


class NotAtHand(Exception):
    """The repository is not in the folder."""


@dataclass
class Row:
    """One line of the table; each column "yes", or what is wrong."""

    name: str
    attach: str = "-"
    read: str = "-"
    page: str = "-"
    evaluate: str = "-"
    history: str = "-"
    audit: str = "-"
    html: str = "-"
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)

    @property
    def at_first_try(self) -> bool:
        return self.attach == "yes" and self.read == "yes"

    @property
    def by_the_line(self) -> bool:
        return not self.at_first_try and "line" in (self.attach, self.read)


def model_of(entry: Foreign, folder: Path) -> nn.Module:
    """Make the foreign model."""
    home = place(folder, entry.repo)
    root = home / entry.root
    if not entry.file.endswith(".py") and "/" not in entry.repo:
        return entry.make(importlib.import_module(entry.file))
    if not home.exists():
        raise NotAtHand(entry.repo)
    torch.manual_seed(0)
    with importable(root, home):
        if not entry.file.endswith(".py"):
            return entry.make(importlib.import_module(entry.file))
        given = dict(entry.given)
        for file in (*entry.before, entry.file):
            names = load(home / file, root, given)
            given |= {name: value for name, value in vars(names).items() if not name.startswith("__")}
        return entry.make(names)


def pictures(shape: tuple[int, int, int], value_range: tuple[float, float], n: int, seed: int) -> Tensor:
    """Soft discs of random place, and of somewhat random size and colour, (n, C, H, W).

    Their losses do not differ much, so that a few batches tell what their mean is.
    """
    generator = torch.Generator().manual_seed(seed)
    channels, height, width = shape
    u = torch.rand(n, 3 + channels, 1, 1, generator=generator)
    y, x = torch.linspace(0, 1, height)[:, None], torch.linspace(0, 1, width)[None, :]
    distance = ((x - 0.2 - 0.6 * u[:, :1]) ** 2 + (y - 0.2 - 0.6 * u[:, 1:2]) ** 2).sqrt()
    disc = torch.sigmoid((0.15 + 0.05 * u[:, 2:3] - distance) * 40)
    lo, hi = value_range
    return lo + (hi - lo) * (disc * (0.7 + 0.3 * u[:, 3:])).clamp(0, 1)


@dataclass
class Terms:
    """Per image: summed over pixels and over latent dimensions."""

    recon: Tensor
    kl: Tensor


def terms(entry: Foreign, model: nn.Module, x: Tensor) -> Terms:
    """Both terms by the project's own functions."""
    mu, logvar = entry.posterior(model, x)
    z = mu + (0.5 * logvar).exp() * torch.randn_like(mu)
    out = entry.x_hat(model, z).reshape(x.shape)
    if entry.recon == "bce":
        recon = F.binary_cross_entropy(out.clamp(0, 1), x, reduction="none")
    elif entry.recon == "se":
        recon = (out - x).square()
    elif entry.recon == "gaussian":  # with sigma = 1
        recon = -torch.distributions.Normal(out, 1.0).log_prob(x)
    else:
        recon = torch.log(torch.cosh(out - x))
    kl = 0.5 * (mu.square() + logvar.exp() - logvar - 1)
    return Terms(recon.flatten(1).sum(1).mean(), kl.flatten(1).sum(1).mean())


def train(entry: Foreign, model: nn.Module, run: Any, images: Tensor) -> Terms:
    """The project's loop, logging what it logs; returns the truth of the last step."""
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    torch.manual_seed(1)
    n_pixels, latent_dim = images[0].numel(), run.model.latent_dim
    recon_scale, kl_scale = entry.losses.canonical(1.0, 1.0, entry.batch, n_pixels, latent_dim)
    model.train()
    seconds = 0.0  # of the loop itself: what looks at it is paid by a loop of minutes
    for step in itertools.count():
        start = time.process_time()
        if (step >= STEPS and seconds > SECONDS) or (step >= 4 and seconds > LONGEST):
            break
        if (step >= STEPS / 2 and seconds > SECONDS / 2) or seconds > LONGEST / 2:
            optimizer.param_groups[0]["lr"] = 1e-5  # as late in a loop, where terms hardly change
        x = images[torch.randint(len(images), (entry.batch,))]
        truth = terms(entry, model, x)
        recon, kl = truth.recon / recon_scale, truth.kl / kl_scale
        loss = entry.weights[0] * recon + entry.weights[1] * kl
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        seconds += time.process_time() - start
        run.log(loss=loss, recon=recon, kl=kl, batch_size=entry.batch)
    model.eval()
    return Terms(truth.recon.detach(), truth.kl.detach())


def differs(a: Tensor, b: Tensor) -> float:
    """Largest difference, relative to the largest value."""
    if a.shape != b.shape:
        return math.inf
    return float((a - b).abs().max() / b.abs().max().clamp(min=1e-6))


def check_reading(entry: Foreign, model: nn.Module, run: Any, x: Tensor) -> list[str]:
    """What is not as in the project: of mu, logvar, x_hat."""
    adapted = run.model
    with torch.no_grad():
        mu, logvar = entry.posterior(model, x)
        got_mu, got_logvar = adapted.encode(x)
        z = torch.randn_like(mu)
        wanted = entry.x_hat(model, z).reshape(x.shape)
        got = adapted.decode(z) if z.shape[1] == adapted.latent_dim else torch.zeros(0)
    found = {"mu": (got_mu, mu), "logvar": (got_logvar, logvar), "x_hat": (got, wanted)}
    return [name for name, pair in found.items() if not differs(*pair) < 1e-3]


def check_page(run: Any) -> str:
    model = run.snapshot().model
    try:
        network = decoder_network(model, model.latent_dim)
    except VAEWidgetsError as error:
        return f"no: {str(error).splitlines()[0][:110]}"
    z = torch.randn(1, model.latent_dim, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        wanted = model.decode(z).flatten(1)
    error = float((torch.from_numpy(network.run(z.numpy(), half=False)[0]).float() - wanted).abs().max())
    return "yes" if error < 1e-4 else f"WRONG by {error:.2g}"


def check_evaluate(entry: Foreign, model: nn.Module, run: Any, x: Tensor) -> str:
    """Whether what it computes is right, or it says that this is not decided, and names what is right."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        got = run.evaluate("test")
    words = " ".join(str(one.message) for one in caught)
    torch.manual_seed(3)
    with torch.no_grad():
        draws = [terms(entry, model, x) for _ in range(8)]
    recon = torch.stack([d.recon for d in draws])
    wrong = []
    rounding = (
        torch.finfo().eps * run.model.latent_dim
    )  # of exp(logvar) - logvar - 1, where the KL has collapsed
    if not math.isclose(got["kl"], float(draws[0].kl), rel_tol=1e-3, abs_tol=rounding):
        wrong.append(f"kl ×{got['kl'] / float(draws[0].kl):.3g}")
    far = abs(got["recon"] - float(recon.mean())) > 5 * float(recon.std()) + 1e-3 * got["recon"]
    if entry.recon is not None and far:
        if not wrong and f'likelihood="{KINDS[entry.recon]}"' in words:
            return "said"
        wrong.append(f"recon ×{got['recon'] / float(recon.mean()):.3g}")
    return "yes" if not wrong else "WRONG " + ", ".join(wrong)


def check_history(run: Any, truth: Terms) -> str:
    wrong = []
    for name, value in (("recon", float(truth.recon)), ("kl", float(truth.kl))):
        if not math.isclose(float(run.history[name][-1]), value, rel_tol=1e-3):
            wrong.append(f"{name} ×{float(run.history[name][-1]) / value:.3g}")
    return "yes" if not wrong else ", ".join(wrong)


def check_audit(entry: Foreign, run: Any, audit: Any, *, right: bool) -> str:
    """Whether the audit is silent where all is right, and names the line that undoes what is not."""
    if audit.verdict == "unknown":
        return "too short"
    kind = KINDS.get(entry.recon)
    if kind != run.likelihood.name and audit.is_finding and str(kind).replace("_", " ") in audit.words:
        return "right"
    if right:
        return "silent" if not audit.is_finding else f"FALSE ALARM {audit.words[:60]}"
    if not audit.is_finding:
        return "SILENT"
    found = re.search(r"LossConvention\(.*?\)", audit.code or "")
    said = eval(found[0], {"LossConvention": vw.LossConvention}) if found else vw.LossConvention()
    sizes = (entry.batch, run.data.train.images(slice(0, 1)).numel(), run.model.latent_dim)
    scales = [c.canonical(1.0, 1.0, *sizes) for c in (said, entry.losses)]
    if all(math.isclose(a, b, rel_tol=1e-3) for a, b in zip(*scales, strict=True)):
        return "right"
    return f"{audit.verdict} {audit.words[:60]}"


def measure(entry: Foreign, folder: Path, page: Path | None) -> Row:
    """One line of the table; `page` is where to write the offline page, if at all."""
    start = time.monotonic()
    # a loop of some seconds stands for one of some minutes
    vaewidgets.runs.reading.SHARE, vaewidgets.runs.auditor.SHARE = math.inf, 0.3
    model = model_of(entry, folder).eval()
    row = Row(f"{entry.repo}: {type(model).__name__}")
    data = vw.ImageDataset(
        pictures(entry.shape, entry.value_range, N_TRAIN, 0),
        test=pictures(entry.shape, entry.value_range, N_TEST, 1),
        value_range=entry.value_range,
        name="discs",
    )
    try:
        run = attached(entry, model, data, row)
        if run is not None:
            run = followed(entry, model, run, row)
            if page is not None:
                vw.save_html([vw.LatentExplorer(run), vw.TrainingCurves(run)], page)
                row.html = "yes" if page.stat().st_size > 100_000 else f"{page.stat().st_size} bytes"
    except Exception as error:
        row.notes.append(f"{type(error).__name__}: {error}\n" + traceback.format_exc(limit=-3))
    row.seconds = time.monotonic() - start
    return row


def attached(entry: Foreign, model: nn.Module, data: Any, row: Row) -> Any:
    """Attach with no keyword, else with those that the message names."""
    try:
        run = vw.attach(model, data)
    except VAEWidgetsError as error:
        row.notes.append(f"{type(error).__name__}: {error}")
        unnamed = [key for key in entry.line if f"{key}=" not in str(error)]
        row.attach = "line" if entry.line and not unnamed else "NO"
        return vw.attach(model, data, **entry.line) if row.attach == "line" else None
    row.attach = "yes"
    return run


def followed(entry: Foreign, model: nn.Module, run: Any, row: Row) -> Any:
    """Fill in what a run shows after a loop; returns it, or that of the line that it asked for."""
    data = run.data
    test = data.test.images(slice(None))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        truth = train(entry, model, run, data.train.images(slice(None)))
        run.finish()
        audit = run.audit()
    words = "\n".join([*(str(w.message) for w in caught), run.warning or "", audit.sentence, run.adapted])
    row.notes.append(f"{run.adapted}\nwarning: {run.warning}\n{audit!r}")
    row.history = check_history(run, truth)
    wrong = check_reading(entry, model, run, test)
    row.audit = check_audit(entry, run, audit, right=row.history == "yes" and not wrong)
    row.read = "yes" if not wrong else "WRONG " + ", ".join(wrong)
    if wrong and entry.line and all(f"{key}=" in words for key in entry.line):
        row.read = "line"
        run = vw.attach(model, data, **entry.line)
        wrong = check_reading(entry, model, run, test)
        if wrong:
            row.read = "WRONG by the line " + ", ".join(wrong)
    row.page = check_page(run)
    row.evaluate = check_evaluate(entry, model, run, test)
    return run
