"""What is made of a node that has no rule.

It is taken to hand on what it is given, if that is one thing only; what it does to pixels does not matter. A seed of
its own, a prompt, a sampler in it are signs that it makes pictures itself: their noise is taken for KSampler's only
where the node has KSampler's inputs and no others.
"""

from __future__ import annotations

import re
from dataclasses import replace

from ..errors import Untraceable
from .evidence import Evidence
from .kinds import KEEPING, OTHER_NOISE, REMOTE, REPAINTING, SAME_SIZE, SAVING, STAGED, STITCHING, continues, shown
from .packs import TAKEN
from .pictures import PIXELS, foremost, picture_inputs
from .rules import Place, as_type
from .sampling import NO_NOISE, idle, sampled, whole
from .sources import empty_latent
from .values import Batch, Noise, Opaque, Row, Sigmas, Unknown, batch_of, random_noise

__all__ = ["handed_on", "nothing_known"]

REROUTE = re.compile(r"reroute|pass ?through|\bany\b", re.I)
# A number or text behind these is the one that goes in.
SAYING_THE_SAME = re.compile(
    r"(int|integer|float|num|number|string|str|text)[ _]?(to|2)[ _]?(int|integer|float|num|number|string|str|text)"
    r"|show|display|preview|debug|print|primitive",
    re.I,
)
INPAINTING = re.compile(r"inpaint|noise[ _]?mask", re.I)


def handed_on(place: Place, inputs: dict[str, list]) -> list[list]:
    """The one output that stands for all, as a list of items."""
    node = place.node
    if len(node.links) == 1 and not node.inputs:
        (only,) = (inputs[name] for name in node.links)
        if all(_the_same(place, item) for item in only):
            return [only]
    names = picture_inputs(place)
    several = max((len(inputs[name]) for name in names), default=1)
    return [[_value(place, names, _position(inputs, i)) for i in range(several)]]


def _the_same(place: Place, item: object) -> bool:
    """Whether a node without settings hands on what it is given: a reroute does. What others do to pictures, noises,
    schedules and numbers is not known from that alone."""
    kind = shown(place.node.kind)
    if REROUTE.search(kind):
        return True
    if isinstance(item, (int, float, str)):
        return SAYING_THE_SAME.search(kind) is not None
    return isinstance(item, (Opaque, Unknown)) and batch_of(item) is None


def nothing_known(place: Place, inputs: dict[str, list]) -> bool:
    """Whether all pictures that come in are of nodes of which nothing is known: then the result is, too."""
    items = [item for name in picture_inputs(place) for item in inputs[name]]
    return bool(items) and all(
        isinstance(item, Opaque) and item.batch is None and item.instead is None for item in items
    )


def _position(inputs: dict[str, list], i: int) -> dict[str, object]:
    return {name: items[min(i, len(items) - 1)] for name, items in inputs.items()}


def _value(place: Place, names: list[str], given: dict[str, object]) -> Opaque:
    """What the node gives at one position of its lists, with everything that can be told of it."""
    typed = place.node.inputs
    numbers = tuple((n, v) for n, v in typed.items() if isinstance(v, (int, float)) and not isinstance(v, bool))
    texts = tuple(v for v in typed.values() if isinstance(v, str))
    flags = tuple(v for v in typed.values() if isinstance(v, bool))
    links = tuple((name, given[name]) for name in place.node.links)
    plain = not links
    return Opaque(
        str(place),
        numbers,
        texts if plain and not numbers else (),
        flags if plain else (),
        links,
        _pictures(place, names, given),
    )


def _pictures(place: Place, names: list[str], given: dict[str, object]) -> Batch | Unknown | None:
    evidence = Evidence(place, given)
    if REMOTE.search(shown(place.node.kind)):
        reason = f"{place} is a remote service, whose noise is not ComfyUI's"
        return Batch((Row(given=True, foreign=True, reason=reason),), decoded=True)
    batch = foremost(place, [(name, given[name]) for name in names])
    try:
        fresh = empty_latent(place, given, batch is not None or any(PIXELS.search(name) for name in names))
        if fresh is not None:
            return _foreign(place, fresh) if evidence.seed or evidence.inner_sampler or evidence.noise else fresh
        return _changed(place, batch, evidence) if isinstance(batch, Batch) else batch
    except Untraceable as error:
        return Unknown(str(error))


def _changed(place: Place, batch: Batch, evidence: Evidence) -> Batch:
    """The batch behind the node."""
    kind = shown(place.node.kind)
    if "decode" in kind.lower():
        batch = replace(batch, decoded=True)
    if "encode" in kind.lower() and "vae" in evidence.links:
        batch = replace(batch, decoded=False, index=None, masked=False)
    if not batch.decoded and INPAINTING.search(kind):
        batch = replace(batch, masked=True)
    if kind in KEEPING or SAVING.search(kind) or "filename_prefix" in evidence.names:
        return _kept(place, batch)
    latents = not batch.decoded
    if latents and (reason := next((r for family, r in OTHER_NOISE.items() if family.search(kind)), "")):
        return _by_other_sampler(place, batch, evidence, f"{place} {reason}")
    if batch.made and STAGED.search(kind):
        reason = f"{place} makes a 3D model in stages, each with a noise of its own, which no single seed stands for"
        return _foreign(place, batch, reason)
    if latents and evidence.is_ksampler:
        return _by_ksampler(place, batch, evidence)
    return _by_signs(place, batch, evidence)


def _kept(place: Place, batch: Batch) -> Batch:
    size = batch.size if batch.sampled or place.node.kind in SAME_SIZE else None
    return replace(batch, size=size)


def _by_ksampler(place: Place, latent: Batch, evidence: Evidence) -> Batch:
    given = evidence.given
    if evidence.number("denoise") == 0:
        return idle(latent, f"{place} samples nothing: its denoise is 0")
    if given.get("add_noise") in (False, "disable"):
        return sampled(place, latent, NO_NOISE, None)
    sigmas = as_type(given["sigmas"], Sigmas, "sigmas", place) if "sigmas" in given else None
    start = evidence.number("start_at_step") if "start_at_step" in given else 0.0
    usual = None if latent.made else 1.0  # where it has no denoise, it may start from what it is given
    full = whole(evidence.number("denoise") if "denoise" in given else usual) if sigmas is None else sigmas.whole
    full = False if start else None if start is None else full
    return sampled(place, latent, _noise(place, evidence), full).noted(f"{place} {TAKEN}")


def _noise(place: Place, evidence: Evidence) -> Noise:
    if "noise" in evidence.names:
        return as_type(evidence.given["noise"], Noise, "noise", place)
    return random_noise(as_type(evidence.given[evidence.seed], int, "seed", place))


def _by_other_sampler(place: Place, latent: Batch, evidence: Evidence, reason: str) -> Batch:
    """Behind a sampler of another noise, which counts only where nothing of KSampler's is left."""
    if continues(shown(place.node.kind)):
        return latent.noted(f"sampled on by {place}") if latent.made else _foreign(place, latent, reason)
    if latent.made and (evidence.partial or latent.masked):
        return latent.noted(f"sampled again by {place}{_with_seed(evidence)}")
    return _foreign(place, latent, reason)


def _by_signs(place: Place, batch: Batch, evidence: Evidence) -> Batch:
    """Behind a node that may paint: a seed, a prompt or a sampler of its own tell."""
    again = f"sampled again by {place}{_with_seed(evidence)}"
    kind = shown(place.node.kind)
    if STITCHING.search(kind) and batch.made and _onto_another(evidence):
        return _foreign(place, batch, f"{place} pastes what was sampled into another picture: its noise is a part's")
    if REPAINTING.search(kind):
        if batch.made and ("Detailer" in kind or not evidence.whole):
            return batch.noted(again)
        return _foreign(place, batch, f"{place} draws its noise for parts of a picture, not for the picture")
    if evidence.prompt:
        return _foreign(place, batch, f"{place} paints by a prompt of its own, with a noise that is not known")
    if not batch.made:
        paints = evidence.seed or evidence.inner_sampler or (evidence.samples and not batch.decoded)
        return _foreign(place, batch) if paints else _unsure(place, batch)
    samples = evidence.samples or (evidence.seed and (evidence.diffusion or not batch.decoded))
    if evidence.inner_sampler or samples:
        partial = evidence.partial or batch.masked or not (evidence.seed or evidence.whole)
        return batch.noted(again) if partial else _foreign(place, batch)
    return _unsure(place, batch.noted(f"changed by {place}, which has a seed of its own") if evidence.seed else batch)


def _onto_another(evidence: Evidence) -> bool:
    """Whether some picture that comes in was not sampled."""
    batches = (batch_of(evidence.given[name]) for name in evidence.links)
    return any(batch is not None and not batch.made for batch in batches)


def _with_seed(evidence: Evidence) -> str:
    seed = evidence.given.get(evidence.seed)
    return f" with seed {seed}" if isinstance(seed, int) else ""


def _foreign(place: Place, batch: Batch, reason: str = "") -> Batch:
    """The batch as something whose noise is not known."""
    reason = reason or f"{place} is not a sampler whose noise is known to be KSampler's"
    return Batch((Row(given=True, foreign=True, reason=reason),) * len(batch.rows), decoded=batch.decoded)


def _unsure(place: Place, batch: Batch) -> Batch:
    """The batch behind a node that may have changed the number or the order of its rows."""
    if batch.made and len({row.seed for row in batch.rows}) == 1:
        return batch
    note = f"passed through {place}, which is not known: taken to keep the number and order of pictures"
    size = batch.size if batch.sampled else None
    return replace(batch.each(lambda row: replace(row.noted(note), unsure=True)), size=size)
