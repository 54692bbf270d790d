"""Nodes that pick, repeat, join or order the rows of a batch: core's, and those of other packs that many graphs use.

A latent's `batch_index` travels with its rows: it tells a sampler which of a seed's noises a row gets.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import partial, reduce

from ..errors import Untraceable
from .rules import Place, Rule, as_type
from .values import MOST_ROWS, Batch, Opaque

__all__ = ["BATCHES", "check_rows"]


def _latent_from_batch(place: Place, samples: Batch, batch_index: int, length: int = 1):
    start, stop = _part(len(samples.rows), batch_index, length)
    index = samples.index if samples.index is not None else tuple(range(len(samples.rows)))
    return replace(samples, rows=samples.rows[start:stop], index=index[start:stop])


def _repeat_latent_batch(place: Place, samples: Batch, amount: int):
    index = samples.index
    if index is not None:
        offset = max(index) - min(index) + 1
        check_rows(len(index) * amount)
        index = tuple(i + repeat * offset for repeat in range(amount) for i in index)
    return replace(samples, rows=_repeated(samples.rows, amount), index=index)


def _latent_batch(place: Place, samples1: Batch, samples2: Batch):
    index = [b.index if b.index is not None else tuple(range(len(b.rows))) for b in (samples1, samples2)]
    return replace(samples1, rows=samples1.rows + samples2.rows, index=index[0] + index[1])


def _seed_behavior(place: Place, samples: Batch, seed_behavior: str):
    if seed_behavior == "random":
        return replace(samples, index=None)
    first = samples.index[0] if samples.index else 0
    return replace(samples, index=(first,) * len(samples.rows))


def _rebatch_latents(place: Place, latents: list[Batch], batch_size: int):
    rows = [(batch, row) for batch in latents for row in batch.rows]
    index: list[int] = []
    for batch in latents:
        start = len(index)
        index += batch.index if batch.index is not None else range(start, start + len(batch.rows))
    check_rows(len(rows))
    groups = _groups(len(rows), batch_size)
    return [replace(rows[g[0]][0], rows=tuple(rows[i][1] for i in g), index=tuple(index[i] for i in g)) for g in groups]


def _rebatch_images(place: Place, images: list[Batch], batch_size: int):
    if any(batch.clip for batch in images):
        raise Untraceable(f"{place} cuts clips of unknown length")
    rows = [row for batch in images for row in batch.rows]
    check_rows(len(rows))
    return [replace(images[0], rows=tuple(rows[i] for i in g)) for g in _groups(len(rows), batch_size)]


def _image_from_batch(place: Place, image: Batch, batch_index: int, length: int = 1):
    if image.clip:
        if len(image.rows) > 1:
            raise Untraceable(f"{place} takes frames out of clips of unknown length")
        return replace(image, clip=length > 1)
    start, stop = _part(len(image.rows), batch_index, length)
    return replace(image, rows=image.rows[start:stop])


def _repeat_image_batch(place: Place, image: Batch, amount: int):
    return replace(image, rows=_repeated(image.rows, amount))


def _image_batch(place: Place, image1: Batch, image2: Batch):
    if image1.clip != image2.clip:
        raise Untraceable(f"{place} joins a clip of unknown length to pictures")
    return replace(image1, rows=image1.rows + image2.rows)


# ------------------------------------------------------------------------------------------------- Video Helper Suite


def _duplicate(place: Place, samples: Batch, amount: int):
    """Repeats the tensors and leaves the batch_index as it is."""
    return replace(samples, rows=_repeated(samples.rows, amount)), Opaque(str(place))


def _duplicate_latents(place: Place, latents: Batch, multiply_by: int):
    return _duplicate(place, latents, multiply_by)


def _duplicate_images(place: Place, images: Batch, multiply_by: int):
    return _duplicate(place, images, multiply_by)


def _split(place: Place, batch: Batch, at: int):
    count = Opaque(str(place))
    first, second = batch.rows[:at], batch.rows[at:]
    return _some(place, batch, first), count, _some(place, batch, second), count


def _some(place: Place, batch: Batch, rows: tuple) -> Batch | Untraceable:
    return replace(batch, rows=rows) if rows else Untraceable(f"{place} leaves no picture")


def _split_latents(place: Place, latents: Batch, split_index: int):
    return _split(place, latents, split_index)


def _split_images(place: Place, images: Batch, split_index: int):
    return _split(place, images, split_index)


def _every_nth_latent(place: Place, latents: Batch, select_every_nth: int, skip_first_latents: int = 0):
    return _some(place, latents, latents.rows[max(0, skip_first_latents) :: max(1, select_every_nth)]), Opaque(
        str(place)
    )


def _every_nth_image(place: Place, images: Batch, select_every_nth: int, skip_first_images: int = 0):
    return _some(place, images, images.rows[max(0, skip_first_images) :: max(1, select_every_nth)]), Opaque(str(place))


def _merge_latents(place: Place, latents_A: Batch, latents_B: Batch):
    return replace(latents_A, rows=latents_A.rows + latents_B.rows, index=None), Opaque(str(place))


def _merge_images(place: Place, images_A: Batch, images_B: Batch):
    return _image_batch(place, images_A, images_B), Opaque(str(place))


# --------------------------------------------------------------------------------------------------------- other packs


def _range(place: Place, batch: Batch, first: int, count: int) -> Batch:
    """KJNodes': from `first` on, or the last ones where it is -1; all behind it where `count` is -1."""
    if batch.clip:
        raise Untraceable(f"{place} takes frames out of clips of unknown length")
    total = len(batch.rows)
    start = max(0, total - count) if first == -1 else first
    stop = total if count == -1 else min(total, start + count)
    if not 0 <= start < stop:
        raise Untraceable(f"{place} begins at {first} of a batch of {total}")
    return replace(batch, rows=batch.rows[start:stop], index=None)


def _image_range(place: Place, images: Batch, start_index: int, num_frames: int):
    return _range(place, images, start_index, num_frames), Opaque(str(place))


def _latent_range(place: Place, latents: Batch, start_index: int, num_frames: int):
    return latents if latents.clip else _range(place, latents, start_index, num_frames)


def _essential_image_range(place: Place, image: Batch, start: int = 0, length: int = -1):
    return _image_from_batch(place, image, start, len(image.rows) if length < 0 else length)


def _change_batch_size(place: Place, latent: Batch, batch_size: int):
    """Inspire's: the first ones, or the last one again."""
    check_rows(batch_size)
    rows = latent.rows[:batch_size]
    return replace(latent, rows=rows + (rows[-1],) * (batch_size - len(rows)))


def _latent_batches(
    place: Place,
    latent_a: Batch,
    latent_b: Batch | None = None,
    latent_c: Batch | None = None,
    latent_d: Batch | None = None,
):
    joined = latent_a
    for other in (latent_b, latent_c, latent_d):
        joined = joined if other is None else _latent_batch(place, joined, other)
    return joined


# --------------------------------------------------------------------------------------------------------------- parts


def _part(count: int, first: int, length: int) -> tuple[int, int]:
    """As core cuts a batch: within it, at least one row."""
    first = min(count - 1, max(0, first))
    return first, first + max(1, min(count - first, length))


def _repeated(rows: tuple, amount: int) -> tuple:
    check_rows(len(rows) * amount)
    return rows * amount


def _groups(count: int, size: int) -> list[range]:
    size = max(1, size)
    return [range(start, min(start + size, count)) for start in range(0, count, size)]


def check_rows(count: int) -> None:
    """Raises Untraceable for more rows than ComfyUI's batches have."""
    if not 1 <= count <= MOST_ROWS:
        raise Untraceable(f"a batch of {count} is not between 1 and {MOST_ROWS}")


@dataclass(frozen=True)
class Joined:
    """A node that joins however many batches are linked, in the order of the numbers in their names.

    `prefix` is what the names have in common; latents keep their numbers as Latent Batch does it.
    """

    prefix: str = "image"

    def apply(self, place: Place, values: dict[str, list]) -> list[list]:
        """The one batch, as a list of items. Raises Untraceable where a clip of unknown length would be joined."""
        names = sorted(
            (name for name in place.node.links if self.prefix in name),
            key=lambda name: int(re.sub(r"\D", "", name[-6:]) or 0),
        )
        found = [as_type(values[name][0], Batch, name, place) for name in names]
        if not found:
            raise Untraceable(f"{place} has no pictures")
        join = _image_batch if found[0].decoded or self.prefix == "image" else _latent_batch
        return [[reduce(partial(join, place), found)]]


BATCHES: dict[str, Rule | Joined] = {
    "BatchImagesNode": Joined(),
    "ImpactMakeImageBatch": Joined(),
    "ImageBatchMulti": Joined(),
    "BatchLatentsNode": Joined("latent"),
    "BatchImagesMasksLatentsNode": Joined("input"),
    "LatentFromBatch": Rule(_latent_from_batch),
    "RepeatLatentBatch": Rule(_repeat_latent_batch),
    "LatentBatch": Rule(_latent_batch),
    "LatentBatchSeedBehavior": Rule(_seed_behavior),
    "RebatchLatents": Rule(_rebatch_latents, lists="in out"),
    "RebatchImages": Rule(_rebatch_images, lists="in out"),
    "ImageFromBatch": Rule(_image_from_batch),
    "RepeatImageBatch": Rule(_repeat_image_batch),
    "ImageBatch": Rule(_image_batch),
    "GetImageRangeFromBatch": Rule(_image_range),
    "GetLatentRangeFromBatch": Rule(_latent_range),
    "ImageFromBatch+": Rule(_essential_image_range),
    "VHS_DuplicateLatents": Rule(_duplicate_latents),
    "VHS_DuplicateImages": Rule(_duplicate_images),
    "VHS_SplitLatents": Rule(_split_latents),
    "VHS_SplitImages": Rule(_split_images),
    "VHS_SelectEveryNthLatent": Rule(_every_nth_latent),
    "VHS_SelectEveryNthImage": Rule(_every_nth_image),
    "VHS_MergeLatents": Rule(_merge_latents),
    "VHS_MergeImages": Rule(_merge_images),
    "ChangeLatentBatchSize //Inspire": Rule(_change_batch_size),
    "Latent Batch": Rule(_latent_batches),
}
