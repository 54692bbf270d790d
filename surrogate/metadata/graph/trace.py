"""Follow a prompt from its samplers to its save nodes: which noise made each picture. Nothing is executed.

A known node has a rule. An unknown one is taken to hand on what it is given, if that is one thing only; what it does
to pixels does not matter here.
"""

from __future__ import annotations

from dataclasses import replace

from ..errors import Untraceable
from .ours import OURS
from .prompt import Node, Prompt
from .rules import Place
from .stock import STOCK, sampled
from .values import MOST_ROWS, Batch, Noise, Opaque, Row, Unknown, random_noise
from .work import Work

__all__ = ["RULES", "Trace", "model_chain"]

RULES = {**STOCK, **OURS}
SEED_NAMES = ("noise_seed", "seed")
LENGTH_NAMES = ("length", "video_frames", "num_frames", "frames")
PATCH = "SurrogateKSamplerNoise"
LONGEST_CHAIN = 500
LONGEST_REASON = 300
# Inputs that are numbers: a picture's size, read from the picture, makes no latent of that picture.
NUMBERS = {
    *("width", "height", "batch_size", "length", "steps", "cfg", "denoise", "seed", "noise_seed", "value", "amount"),
    *("scale_by", "frame_rate", "fps"),
}
# Of several batches, the one that the result is made of rather than masked or guided by.
FOREMOST = ("samples", "latent_image", "latent", "latents", "image", "images", "pixels", "video", "audio")

# Core's nodes that hand on as many pictures as they get, in the same order.
KEEPING = {
    *("VAEDecode", "VAEDecodeTiled", "VAEEncodeForInpaint", "InpaintModelConditioning", "SetLatentNoiseMask"),
    *("LatentUpscale", "LatentUpscaleBy", "LatentFlip", "LatentRotate", "LatentCrop", "LatentMultiply"),
    *("LatentApplyOperation", "LatentConcat", "LatentCut"),
    *("ImageScale", "ImageScaleBy", "ImageScaleToTotalPixels", "ImageScaleToMaxDimension", "ImageUpscaleWithModel"),
    *("ImageSharpen", "ImageBlur", "ImageQuantize", "ImageInvert", "ImageCrop", "ImagePadForOutpaint", "ImageFlip"),
    *("ImageRotate", "ImageAddNoise", "ImageCompositeMasked", "JoinImageWithAlpha", "SplitImageWithAlpha"),
    *("CreateVideo", "GetVideoComponents", "SaveImage", "PreviewImage", "SaveAnimatedWEBP", "SaveAnimatedPNG"),
    *("SaveWEBM", "SaveVideo", "SaveLatent", "VHS_VideoCombine"),
    *("VAEDecodeAudio", "TrimAudioDuration", "AudioAdjustVolume", "SplitAudioChannels"),
    *("SaveAudio", "SaveAudioMP3", "SaveAudioOpus", "PreviewAudio", "SaveImageAdvanced", "SaveAudioAdvanced"),
}


class Trace:
    """The values of all outputs of the nodes that the nodes `ids` depend on, as lists of items as in ComfyUI."""

    def __init__(self, prompt: Prompt, ids: list[str]):
        self.prompt = prompt
        self.values: dict[str, list[list] | Unknown] = {}
        work = Work()
        for number in prompt.above(*ids):
            node = prompt.nodes[number]
            place = Place(node, lambda node=node: self._patched(node))
            try:
                inputs = self.inputs(node)
                work.take(inputs.values())
                rule = RULES.get(node.kind)
                made = rule.apply(place, inputs) if rule else _unknown(place, inputs)
                work.give(made)
                self.values[number] = made
            except Untraceable as error:
                self.values[number] = Unknown(str(error))
            # The library's own checks of what is typed into our nodes; a rule must never end a whole folder's search.
            except (ValueError, KeyError, TypeError, IndexError, OverflowError, RecursionError) as error:
                self.values[number] = Unknown(f"{place}: {str(error)[:LONGEST_REASON]}")

    def inputs(self, node: Node) -> dict[str, list]:
        """Every input of the node as a list of items."""
        values = {name: [value] for name, value in node.inputs.items()}
        for name, link in node.links.items():
            values[name] = self.output(link.node, link.output)
        return values

    def output(self, number: str, output: int) -> list:
        """The items of an output; a single value of a node stands for all its outputs."""
        found = self.values.get(number, Unknown("its prompt has nodes in a circle"))
        if isinstance(found, Unknown):
            return [found]
        return found[output] if output < len(found) else found[-1]

    def _patched(self, node: Node) -> Noise | None:
        for above in model_chain(self.prompt, node):
            if above.kind == PATCH:
                (item, *_) = self.output(above.id, 0)
                if isinstance(item, Unknown):
                    raise Untraceable(item.reason)
                return item
        return None


def model_chain(prompt: Prompt, node: Node) -> list[Node]:
    """The nodes that a node's MODEL (or GUIDER) comes through, from the nearest to the loader."""
    chain, seen = [], {node.id}
    while len(chain) < LONGEST_CHAIN:
        links = node.links
        link = next((links[name] for name in ("guider", "model", "model1") if name in links), None)
        if link is None and chain and len(links) == 1:  # a reroute
            link = next(iter(links.values()))
        if link is None or link.node in seen:
            break
        node = prompt.nodes[link.node]
        seen.add(node.id)
        chain.append(node)
    return chain


def _unknown(place: Place, inputs: dict[str, list]) -> list[list]:
    """A node that no rule describes."""
    node = place.node
    if len(node.links) == 1 and not node.inputs:  # a reroute
        return [inputs[next(iter(node.links))]]
    if {"width", "height", "batch_size"} <= set(inputs):  # an empty latent; pictures that it is given guide it
        return [[_source(place, inputs)]]
    items = {name: inputs[name] for name in node.links if name not in NUMBERS}
    batches = {name: items[name] for name in items if any(isinstance(item, Batch) for item in items[name])}
    unknown = next((item for found in items.values() for item in found if isinstance(item, Unknown)), None)
    if unknown and "batch_size" not in inputs:
        return [[unknown]]
    if not batches:
        return [[_source(place, inputs)]]
    several = max(len(found) for found in batches.values())
    return [[_passed_on(place, {n: f[min(i, len(f) - 1)] for n, f in batches.items()}, inputs) for i in range(several)]]


def _passed_on(place: Place, batches: dict[str, Batch], inputs: dict[str, list]):
    """What an unknown node makes of the batches that it is given."""
    names = sorted(batches, key=lambda name: FOREMOST.index(name) if name in FOREMOST else len(FOREMOST))
    found = [batches[name] for name in names if isinstance(batches[name], Batch)]
    made = [batch for batch in found if batch.sampled]
    different = {tuple((row.seed, row.sampler) for row in batch.rows) for batch in made}
    if len(different) > 1:
        return Unknown(f"{place} joins pictures of several samplings")
    if made:
        return _unsure(place, made[0])
    latent = found[0]
    seed = next((inputs[name][0] for name in SEED_NAMES if name in inputs), None)
    noise = next((items[0] for items in inputs.values() if isinstance(items[0], Noise)), None)
    if noise is None and seed is not None:
        if isinstance(seed, Opaque) and len(seed.numbers) == 1:
            seed = seed.numbers[0][1]
        if isinstance(seed, bool) or not isinstance(seed, int):
            return Unknown(f"the seed of {place} cannot be told")
        noise = random_noise(seed)
    if noise is None:
        return replace(latent, size=None)
    taken = sampled(place, latent, noise, None)
    note = f"{place} is not a node of ComfyUI: taken for a sampler that draws noise as KSampler does"
    return replace(taken, rows=tuple(row.noted(note) for row in taken.rows))


def _unsure(place: Place, batch: Batch) -> Batch:
    """The batch behind a node that may have changed the number or the order of its rows."""
    if place.node.kind in KEEPING or len({row.seed for row in batch.rows}) == 1:
        return batch
    note = f"passed through {place}, which is not known: taken to keep the number and order of pictures"
    return replace(batch, rows=tuple(replace(row.noted(note), unsure=True) for row in batch.rows))


def _source(place: Place, inputs: dict[str, list]):
    """What a node gives that has no batch to hand on: an empty latent, or something typed in."""
    node = place.node
    whole = {name: v for name, (v, *_) in inputs.items() if isinstance(v, int) and not isinstance(v, bool)}
    for name, (value, *_) in inputs.items():  # numbers that come from a node for numbers
        if name in node.links and isinstance(value, Opaque) and len(value.numbers) == 1:
            if isinstance(value.numbers[0][1], int):
                whole[name] = value.numbers[0][1]
    if "batch_size" in inputs:
        count = whole.get("batch_size")
        if count is None or not 1 <= count <= MOST_ROWS:
            raise Untraceable(f"the batch_size of {place} cannot be told, or is not between 1 and {MOST_ROWS}")
        length = next((whole[name] for name in LENGTH_NAMES if name in whole), 1)
        size = (whole["width"], whole["height"]) if {"width", "height"} <= set(whole) else None
        if size and length > 1:
            size = (*size, length)
        return Batch((Row(),) * count, size=size, clip=length > 1)
    numbers = tuple(
        (name, value)
        for name, value in node.inputs.items()
        if isinstance(value, (int, float)) and not isinstance(value, bool)
    )
    texts = tuple(value for value in node.inputs.values() if isinstance(value, str))
    if node.links:  # it makes something of what it is given
        return Opaque(str(place))
    return Opaque(str(place), numbers, texts if not numbers else ())
