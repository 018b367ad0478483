"""What an audit found, in a sentence, and the line that makes it right."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from vaewidgets.adapters.adapted import describe_likelihood, describe_output
from vaewidgets.adapters.spread import SPREAD_WORDS
from vaewidgets.diagnostics.audit.estimate import SLACK
from vaewidgets.diagnostics.audit.fits import Candidate
from vaewidgets.diagnostics.audit.look import LOG_COSH, Look, Reading
from vaewidgets.diagnostics.audit.report import Audit, Compared

_TERMS = {"recon": "recon", "kl": "KL"}
_SAME = 0.02  # two betas that differ by less are one


def agreement(looks: Sequence[Look], terms: Sequence[str]) -> Audit:
    """The terms are what they are taken for; the loss may yet be scaled."""
    look = looks[-1]
    scaled = _scaled_loss(look, look.declared["recon"])
    beta = _in_force(look, look.declared["recon"], look.declared["kl"]) if len(terms) > 1 else None
    return Audit(
        "misread" if scaled else "agrees",
        scaled,
        _UNSCALED if scaled else None,
        ("as it is taken for",),
        _compared(look, look.own),
        beta,
        _steps(looks),
    )


def misreading(looks: Sequence[Look], found: Candidate) -> Audit:
    """One reading, which is not the one in force."""
    look = looks[-1]
    recon, kl = _factors(look, found)
    knows_both = found.recon is not None and found.kl is not None
    beta = _in_force(look, recon, kl) if knows_both else None
    words = f"{_sentence(_parts(look, found))}{_beta_clause(look, recon, kl, beta) if knows_both else ''}."
    scaled = _scaled_loss(look, recon)
    own, pair = look.own, (found.reading.output, found.reading.likelihood)
    return Audit(
        "misread",
        f"{words} {scaled}".strip(),
        _code(look, found),
        (_describe(found),),
        _compared(look, found.reading),
        beta,
        _steps(looks),
        None if pair == (own.output, own.likelihood) else pair,
        is_of_model=found.reading != own,
    )


def several(looks: Sequence[Look], found: Sequence[Candidate], wrong: Sequence[str]) -> Audit:
    """More than one reading that is not the one in force; or one, or another prior."""
    look = looks[-1]
    ways = [_and(_parts(look, one)) for one in found[:4]]
    code = list(dict.fromkeys(_code(look, one) for one in found[:4]))
    if len(found) == 1:
        ways.append("your KL is against another prior than N(0, I)")
        code.append(_code(look, found[0]._replace(reading=look.own, kl=None), prior='"learned"'))
    return Audit(
        "ambiguous",
        f"{_mismatch(look, wrong)}. What is logged does not tell apart: {'; or '.join(ways)}.",
        " or ".join(code),
        tuple(_describe(one) for one in found),
        _compared(look, look.own),
        None,
        _steps(looks),
        is_of_model=len(found) == 1 or any(one.reading != look.own for one in found),
    )


def unexplained(looks: Sequence[Look], wrong: Sequence[str], partly: Candidate | None) -> Audit:
    """No usual reading, or one of recon alone."""
    look = looks[-1]
    of = ["kl"] if partly is not None else wrong
    words, code = f"{_mismatch(look, of)}, and no usual way of reducing it explains that.", None
    if partly is not None:
        words += " What it should be is the closed form against N(0, I): with another prior it is another KL."
        code = _code(look, partly, prior='"learned"')
        said = _parts(look, partly) if "recon" in wrong else []
        words = f"{_sentence(said)}. {words}" if said else words
    else:
        words += (
            " The loss may be another one than it is taken for, or the loop trains on other images than "
            "those that attach was given."
        )
        if "recon" in wrong:
            words += " If recon is a loss of another kind, say so: it is then shown as logged."
            code = 'vw.attach(model, data, likelihood="own")'
    terms = _compared(look, look.own)
    return Audit("unexplained", words, code, (), terms, None, _steps(looks), is_of_model=True)


# ---------------------------------------------------------------------------- the loss alone

_UNSCALED = "run.log(loss=loss, recon=recon, kl=kl)  # before scaler.scale(loss)"
_LEAST_SCALER = 2.0**8


def _scaled_loss(look: Look, recon: float) -> str:
    """Say by what the loss is multiplied beside its terms; empty where it is not.

    `recon` is the logged recon over ours.
    """
    if look.weights is None:
        return ""
    scale = abs(look.weights.scale)
    if abs(scale - 1) < _SAME:
        return ""
    if _holds_plain_recon(look, recon):
        return (
            "Your loss holds recon summed over pixels and averaged over images: log recon as it stands there."
        )
    power = round(math.log2(scale))
    if scale > 1 and abs(scale / 2.0**power - 1) < _SAME:
        return (
            f"Your loss is {2.0**power:,.0f} times recon + beta · kl, as a GradScaler makes it: log it "
            "before it is scaled."
        )
    return f"Your loss is not recon + beta · kl as you log them: recon stands in it times {scale:.4g}."


def loss_finding(looks: Sequence[Look]) -> Audit | None:
    """What can be said of a loop that logs its loss alone."""
    known = [look for look in looks if "loss" in look.logged and look.logged["loss"].is_sharp and look.kl]
    if not known or known[-1].own not in known[-1].recon:
        return None
    look = known[-1]
    recon, kl = look.recon[look.own], look.kl[look.own.spread]
    weight = 1.0 if look.facts.beta is None else look.facts.beta
    ours = recon.times(look.declared["recon"]).value + weight * kl.times(look.declared["kl"]).value
    ratio = look.logged["loss"].value / ours
    agrees = ratio > 0 and abs(math.log(ratio)) <= SLACK
    if not math.isfinite(ratio) or not (agrees or ratio >= _LEAST_SCALER / 16):
        return None
    batch = look.facts.batch_size
    terms = (Compared("loss", look.logged["loss"].value, ours, ratio),)
    if agrees:
        return Audit("agrees", "", None, ("as it is taken for",), terms, None, _steps(known))
    power = round(math.log2(ratio))
    near = abs(math.log(ratio) - power * math.log(2)) <= SLACK
    start = f"Your loss is {ratio:,.4g} times recon + KL of an image"
    log = "run.log(loss=loss, recon=recon, kl=kl)"
    if batch is not None and abs(math.log(ratio / batch)) <= SLACK:
        words = f"{start}: it is summed over a batch of {batch:,} images."
        code = 'vw.attach(model, data, losses=vw.LossConvention(recon="batch_sum", kl="batch_sum"))'
        return Audit("misread", words, code, ("summed over the batch",), terms, None, _steps(known))
    if ratio >= 2.0**13 and near:
        words = f"{start}, as a GradScaler makes it ({2.0**power:,.0f}): log it before it is scaled."
        return Audit("misread", words, _UNSCALED, ("scaled by a GradScaler",), terms, None, _steps(known))
    words = f"{start}: summed over a batch, or scaled by a GradScaler. It shows once recon and kl are logged."
    return Audit("ambiguous", words, log, (), terms, None, _steps(known))


# ---------------------------------------------------------------------------- pieces


def _steps(looks: Sequence[Look]) -> tuple[int, ...]:
    return tuple(look.step for look in looks)


def _factors(look: Look, found: Candidate) -> tuple[float, float]:
    recon = look.declared["recon"] if found.recon is None else found.recon.factor
    kl = look.declared["kl"] if found.kl is None else found.kl.factor
    return recon, kl


def _holds_plain_recon(look: Look, recon: float) -> bool:
    """Whether the loss is made of recon as ours is, and not as it is logged beside it."""
    return look.weights is not None and abs(abs(look.weights.scale * recon) - 1) < _SAME


def _in_force(look: Look, recon: float, kl: float) -> float | None:
    """Weight of the KL summed over dimensions against recon summed over pixels."""
    if look.weights is None:
        return None
    return abs(look.weights.kl_weight * kl / (look.weights.scale * recon))


def _beta_clause(look: Look, recon: float, kl: float, beta: float | None) -> str:
    if beta is not None and look.weights is not None:
        written = look.facts.beta
        if written is None:
            scale = 1.0 if _holds_plain_recon(look, recon) else look.weights.scale
            written = abs(look.weights.kl_weight / scale)
        if written == 0 or abs(math.log(beta / written)) < _SAME:
            return ""
        return f": the beta in force is {_short(beta)}, not {_short(written)}"
    times = abs(kl / recon)
    if look.facts.beta is not None or abs(math.log(times)) < _SAME:
        return ""
    change = f"{_short(times)} times larger" if times > 1 else f"{_short(1 / times)} times smaller"
    return f": the beta in force is {change} than it is written"


def _short(value: float) -> str:
    nearest = round(value)
    return f"{nearest:,}" if nearest and abs(value / nearest - 1) < 1e-3 else f"{value:.3g}"


def _parts(look: Look, found: Candidate) -> list[str]:
    """What is other than it is taken for."""
    own, parts = look.own, []
    if found.reading.spread != own.spread:
        parts.append(
            f"the spread that your encoder returns is a {SPREAD_WORDS[found.reading.spread]}, not a "
            f"{SPREAD_WORDS[own.spread]}"
        )
    if found.reading.output != own.output:
        parts.append(f"your decoder returns {describe_output(found.reading.output)}")
    if found.reading.likelihood != own.likelihood:
        parts.append(
            f"your recon is {describe_likelihood(found.reading.likelihood)}, not "
            f"{describe_likelihood(own.likelihood)}"
        )
    plain = "summed and averaged over images, as ours is, and not as losses= says"
    reduced: dict[str, list[str]] = {}
    for term, way in (("recon", found.recon), ("kl", found.kl)):
        if way is None or abs(way.factor / look.declared[term] - 1) < 1e-9:
            continue
        reduced.setdefault(" and ".join(way.words) or plain, []).append(f"your {_TERMS[term]}")
    parts += [
        f"{_and(terms)} {'are' if len(terms) > 1 else 'is'} {words}" for words, terms in reduced.items()
    ]
    return parts


def _describe(found: Candidate) -> str:
    way = [f"spread: {SPREAD_WORDS[found.reading.spread]}"]
    for name, reduction in (("recon", found.recon), ("kl", found.kl)):
        if reduction is not None:
            kind = f"{describe_likelihood(found.reading.likelihood)}, " if name == "recon" else ""
            way.append(f"{name}: {kind}{' and '.join(reduction.words) or 'summed, averaged over images'}")
    return "; ".join(way)


def _code(look: Look, found: Candidate, **options: str) -> str:
    own = look.own
    for name in ("spread", "output", "likelihood"):
        value = getattr(found.reading, name)
        if value != getattr(own, name):
            options[name] = '"own"' if value == LOG_COSH else f'"{value}"'
    recon, kl = _factors(look, found)
    changed = abs(recon / look.declared["recon"] - 1) > 1e-9 or abs(kl / look.declared["kl"] - 1) > 1e-9
    if changed:
        said: dict[str, Any] = {}
        for way in (found.recon, found.kl):
            said |= {} if way is None else dict(way.options)
        inside = ", ".join(
            f'{name}="{value}"' if isinstance(value, str) else f"{name}={value:.6g}"
            for name, value in said.items()
        )
        options["losses"] = f"vw.LossConvention({inside})"
    line = f"vw.attach(model, data, {', '.join(f'{name}={value}' for name, value in options.items())})"
    if found.recon is not None and found.recon.offset:
        line += f" and run.log(recon=recon - {found.recon.offset:.6g}, ...)"
    needs_size = changed and look.facts.batch_is_guessed and "batch_sum" in options["losses"]
    return f"{line} and run.log(..., batch_size=len(x))" if needs_size else line


def _mismatch(look: Look, wrong: Sequence[str]) -> str:
    said = []
    for one in _compared(look, look.own):
        if one.name in wrong:
            said.append(
                f"{_TERMS[one.name]} is logged as {one.logged:.4g}, and should be {_expected(look, one):.4g}"
            )
    return f"{_and(said)} by what it is taken for"


def _expected(look: Look, one: Compared) -> float:
    return one.computed * look.declared[one.name]


def _compared(look: Look, reading: Reading) -> tuple[Compared, ...]:
    found = []
    for name in ("recon", "kl"):
        ours = look.kl.get(reading.spread) if name == "kl" else look.recon.get(reading)
        if name in look.logged and ours is not None and math.isfinite(ours.value):
            logged = look.logged[name].value
            found.append(Compared(name, logged, ours.value, logged / ours.value if ours.value else math.nan))
    return tuple(found)


def _sentence(parts: Sequence[str]) -> str:
    text = _and(parts)
    return f"{text[0].upper()}{text[1:]}"


def _and(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
