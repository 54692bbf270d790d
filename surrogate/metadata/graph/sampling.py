"""What a sampler makes of a latent: where each row's noise comes from, and what the rows say of it."""

from __future__ import annotations

from dataclasses import replace

from ...seeds import Seed
from ..errors import Untraceable
from .rules import Place
from .values import Batch, Noise, Row

__all__ = ["NO_NOISE", "idle", "sampled", "whole"]

NO_NOISE = Noise(None, "none")
STARTS_FROM_A_PICTURE = "starts from a picture: needs the same one at the same denoise"
ONE_BY_ONE = "drawn one by one (batch_index): exact where a latent's width × height is a multiple of 4"


def whole(denoise: float | None) -> bool | None:
    """Whether a denoise begins where noise is all there is, by core's own bound. None: not known."""
    return None if denoise is None else denoise > 0.9999


def idle(latent: Batch, reason: str) -> Batch:
    """The latent after a sampler that adds no noise to it, or takes no step: it keeps what noise it has."""
    return latent.each(lambda row: row if row.made else replace(row, given=True, reason=reason))


def sampled(place: Place, latent: Batch, noise: Noise, whole: bool | None) -> Batch:
    """The latent after a sampler. `whole`: it begins where noise is all there is, so that nothing before it counts.
    What is outside a noise mask stays as it was, wherever it begins.

    Raises Untraceable for a batch that does not fit its batch_index, and where two noises make the picture.
    """
    if noise.draw is None:
        return idle(latent, f"{place} adds no noise")
    if latent.index is not None and len(latent.index) != len(latent.rows):
        raise Untraceable(f"{place} has a batch of {len(latent.rows)} with a batch_index of {len(latent.index)}")
    whole = False if latent.masked else whole
    kept = [row.made and whole is not True for row in latent.rows]
    rows = [_again(place, row, noise, whole) for row in latent.rows]
    if not all(kept):
        seeds = _drawn(place, latent, noise)
        guided = _guided(place, latent, whole)
        rows = [
            again if keep else _fresh(place, latent, i, seed, whole, guided)
            for i, (keep, again, seed) in enumerate(zip(kept, rows, seeds, strict=True))
        ]
    return replace(latent, rows=tuple(rows), size=None if latent.sampled and whole else latent.size)


def _drawn(place: Place, latent: Batch, noise: Noise) -> list[Seed]:
    patch = place.patched_noise()
    if patch is not None and patch.draw is not None:
        try:
            return patch.draw(latent)
        except Untraceable:  # Surrogate Noise for KSampler steps aside for a batch of another size
            pass
    assert noise.draw is not None
    return noise.draw(latent)


def _again(place: Place, row: Row, noise: Noise, whole: bool | None) -> Row:
    """A row whose noise another sampler drew."""
    note = f"sampled again by {place} with seed {noise.name}"
    if whole is None:
        note += ", whose denoise cannot be told: taken to start from what was sampled before"
    return row.noted(note)


def _fresh(place: Place, latent: Batch, i: int, seed: Seed, whole: bool | None, guided: str) -> Row:
    """A row whose noise is this sampler's."""
    row = latent.rows[i]
    kept = row.notes if row.unsure else ()
    fresh = Row(seed, place.node.id, unsure=row.unsure, notes=kept)
    if row.given and whole is not True:
        fresh = fresh.noted(STARTS_FROM_A_PICTURE)
    if latent.index is not None and latent.index[i] > 0 and _odd(latent.size):
        fresh = fresh.noted(ONE_BY_ONE)
    return fresh.noted(guided) if guided else fresh


def _guided(place: Place, latent: Batch, whole: bool | None) -> str:
    """A note if pictures of another sampling guide this one. Raises Untraceable if its latents do."""
    own = set() if whole else {row.sampler for row in latent.rows}
    guides = sorted(place.guides, key=lambda guide: guide.sampler)
    others = [guide for guide in guides if guide.sampler not in own]
    latents = [guide.sampler for guide in others if not guide.decoded]
    if latents:
        raise Untraceable(
            f"{place} adds detail to what node {latents[0][:200]} sampled: the picture is made of two noises, "
            "which no single seed stands for"
        )
    return f"guided by a picture that node {others[0].sampler[:200]} sampled" if others else ""


def _odd(size: tuple[int, ...] | tuple[float] | None) -> bool:
    """Whether core's streams may differ between drawing a batch and drawing one by one."""
    if size is not None and len(size) == 1:  # a sound's latent has 64 or 128 values at each time
        return False
    return size is None or (size[0] // 8) * (size[1] // 8) % 4 != 0
