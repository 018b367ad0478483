"""What an audit found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

AuditVerdict = Literal["agrees", "misread", "ambiguous", "unexplained", "unknown"]


class Compared(NamedTuple):
    """A term as it is logged, and as the model gives it.

    Attributes
    ----------
    name : str
        "recon" or "kl".
    logged : float
        As the loop reduces it.
    computed : float
        From the model, by the reading that was found: summed over pixels or dimensions, averaged over images.
    ratio : float
        Logged over computed.
    """

    name: str
    logged: float
    computed: float
    ratio: float


@dataclass(frozen=True, repr=False)
class Audit:
    """Whether the logged recon and kl are those of the model, and if not, what they are.

    Attributes
    ----------
    verdict : {"agrees", "misread", "ambiguous", "unexplained", "unknown"}
        "misread": one usual reading reproduces what is logged, and it is not the one in force. "ambiguous":
        several do. "unexplained": none does. "unknown": too little is logged to tell.
    words : str
        The finding in a sentence; empty where they agree.
    code : str or None
        What to write to make it right.
    readings : tuple of str
        Readings that reproduce what is logged, the plainest first.
    terms : tuple of Compared
    beta : float or None
        Weight of the KL in force, as if recon were summed over pixels and kl over dimensions; None where the
        loss does not tell.
    steps : tuple of int
        Updates after which the model was measured.
    read_as : (str, str), optional
        Output and likelihood of the one reading that was found, where they are not those in force.
    is_of_model : bool
        Whether recon or kl of the loop are, or may be, of another reading than what is computed here.
    """

    verdict: AuditVerdict
    words: str
    code: str | None
    readings: tuple[str, ...]
    terms: tuple[Compared, ...]
    beta: float | None
    steps: tuple[int, ...]
    read_as: tuple[str, str] | None = None
    is_of_model: bool = False

    @property
    def is_finding(self) -> bool:
        """Whether there is something to say."""
        return bool(self.words)

    @property
    def sentence(self) -> str:
        """The words and the line to write."""
        return f"{self.words} Write: {self.code}" if self.code else self.words

    def __repr__(self) -> str:
        lines = [f"Audit: {self.verdict}"]
        lines += [f"  {self.words}"] if self.words else []
        lines += [f"  write: {self.code}"] if self.code else []
        lines += [
            f"  {one.name}: {one.logged:.5g} logged, {one.computed:.5g} computed, ratio {one.ratio:.4g}"
            for one in self.terms
        ]
        if self.beta is not None:
            lines.append(f"  beta in force: {self.beta:.4g}")
        lines += [f"  reading: {reading}" for reading in self.readings]
        return "\n".join(lines)
