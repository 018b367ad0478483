"""Active units by both criteria of the literature, which do not always agree."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from vaewidgets.checks import number, tensor
from vaewidgets.contract.texts import percent
from vaewidgets.objectives.kl import kl_per_dim

BURDA_INPUTS = 500  # the variance of the means is an estimate; over fewer inputs it is not comparable


@dataclass(frozen=True, repr=False, eq=False)
class ActiveUnits:
    """Which latent dimensions carry information.

    Attributes
    ----------
    kl : Tensor, float64, shape (latent_dim,)
        Mean KL from the prior over the inputs, in nats.
    share : Tensor, float64, shape (latent_dim,)
        Share of the inputs with a KL above `delta`, 0 to 1.
    var_mu : Tensor, float64, shape (latent_dim,)
        Variance of the posterior mean over the inputs (divided by n).
    by_kl, by_var : Tensor, bool, shape (latent_dim,)
        Active by the one and by the other criterion.
    n : int
        Number of inputs.
    delta : float
        Threshold of the KL, in nats.
    var_threshold : float
        Threshold of the variance.
    fraction : float or None
        If given, `by_kl` asks for more than this share of inputs above `delta`, instead of for the mean.
    """

    kl: Tensor
    share: Tensor
    var_mu: Tensor
    by_kl: Tensor
    by_var: Tensor
    n: int
    delta: float
    var_threshold: float
    fraction: float | None

    @property
    def latent_dim(self) -> int:
        """Number of latent dimensions."""
        return len(self.kl)

    @property
    def n_by_kl(self) -> int:
        """How many are active by KL."""
        return int(self.by_kl.sum())

    @property
    def n_by_var(self) -> int:
        """How many are active by variance."""
        return int(self.by_var.sum())

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader should know before trusting the counts; often empty."""
        found = []
        if self.n < BURDA_INPUTS:
            found.append(f"Var(μ) is over {self.n} inputs only; Burda et al. want at least {BURDA_INPUTS}")
        if self.n_by_var > self.n_by_kl:
            found.append(
                f"{self.n_by_var - self.n_by_kl} more pass the variance than the KL: that criterion "
                "saturates on short runs"
            )
        return tuple(found)

    def __repr__(self) -> str:
        dims = self.latent_dim
        if self.fraction is None:
            kl = f"KL > {self.delta:g} nats"
        else:
            kl = f"KL > {self.delta:g} nats on more than {percent(self.fraction)} of inputs"
        text = (
            f"ActiveUnits({self.n_by_kl} of {dims} by {kl}; {self.n_by_var} of {dims} by "
            f"Var(μ) > {self.var_threshold:g}; n = {self.n})"
        )
        return "\n".join([text, *(f"  note: {note}" for note in self.notes)])


def active_units(
    mu: Tensor,
    logvar: Tensor,
    *,
    delta: float = 0.01,
    var_threshold: float = 0.01,
    fraction: float | None = None,
) -> ActiveUnits:
    """Count the latent dimensions in use, by the KL and by the variance of the means.

    Parameters
    ----------
    mu, logvar : Tensor, shape (n, latent_dim)
        Posterior means and log variances of n inputs, better 500 or more.
    delta : float
        A dimension is active by KL if its mean KL over the inputs exceeds `delta` nats.
    var_threshold : float
        It is active by variance if the variance of its mean over the inputs exceeds this.
    fraction : float, optional
        Between 0 and 1. Ask instead that the KL exceeds `delta` on more than this share of the inputs, so
        that a few outliers make no unit active.

    Raises
    ------
    ShapeError
        If the shapes differ, are not (n, latent_dim), or hold no input.
    OptionError
        If a threshold is negative, or `fraction` outside [0, 1).

    References
    ----------
    Burda, Grosse & Salakhutdinov 2016, arXiv:1509.00519 (variance); Lucas et al. 2019, arXiv:1911.02469 (when
    a unit is (delta, fraction)-collapsed).
    """
    tensor("mu", mu, "n", "latent_dim")
    tensor("logvar", logvar)
    delta, var_threshold = number("delta", delta, 0), number("var_threshold", var_threshold, 0)
    if fraction is not None:
        fraction = number("fraction", fraction, 0, below=1, also=", a share of the inputs")
    mu, logvar = mu.detach().cpu().double(), logvar.detach().cpu().double()
    per_input = kl_per_dim(mu, logvar)
    kl, share = per_input.mean(dim=0), (per_input > delta).double().mean(dim=0)
    var_mu = mu.var(dim=0, correction=0)
    return ActiveUnits(
        kl=kl,
        share=share,
        var_mu=var_mu,
        by_kl=kl > delta if fraction is None else share > fraction,
        by_var=var_mu > var_threshold,
        n=len(mu),
        delta=float(delta),
        var_threshold=float(var_threshold),
        fraction=fraction,
    )
