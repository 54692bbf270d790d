"""Creatures drawn by rules: what a second small model can be trained on, whose pictures are decided late.

A landscape is settled by large shapes. Here body and ground are nearly the same in every picture; what tells one creature
from another is small: how many eyes it has and where they look, its teeth, the spots and stripes of its coat.
"""

import math

import torch

BODIES = ("round", "tall", "wide", "square")
COATS = ("plain", "spotted", "striped", "scaly")
WORDS = (BODIES, COATS)

# Half width and half height, as parts of the picture, and the exponent of the outline, for each of BODIES.
_SIZE = torch.tensor([[0.30, 0.30], [0.22, 0.36], [0.38, 0.23], [0.29, 0.29]])
_EXPONENT = torch.tensor([2.0, 2.2, 2.2, 5.0])
EYES, TEETH = 5, 6


def _smooth(edge, width):
    """Antialiased step: 1 where `edge` is well above 0, 0 where it is well below."""
    return torch.clamp(edge / width + 0.5, 0, 1)


def _over(picture, colour, mask):
    return picture + (colour - picture) * mask


def render(batch, size=128, device="cpu", generator=None):
    """Draw `batch` random creatures.

    Returns `images` (batch, 3, size, size) in [0, 1], `body` and `coat` (batch,) indices into BODIES and COATS, and
    `factors`, a dict of (batch,) tensors: the number of eyes and of teeth, and where the eyes look, -1 (left) to 1.
    """
    b = batch

    def rand(*shape):
        return torch.rand(*shape, device=device, generator=generator)

    def s(values):
        return values[:, None, None, None]

    body = torch.randint(0, len(BODIES), (b,), device=device, generator=generator)
    coat = torch.randint(0, len(COATS), (b,), device=device, generator=generator)
    line = torch.linspace(0, 1, size, device=device)
    y, x = torch.meshgrid(line, line, indexing="ij")
    x, y, w = x[None, None], y[None, None], 1.5 / size

    def colour(low, high):
        return low + (high - low) * rand(b, 3, 1, 1)

    def disc(at_x, at_y, radius):
        return _smooth(s(radius) - torch.sqrt((x - s(at_x)) ** 2 + (y - s(at_y)) ** 2), w)

    # The ground is nearly the same everywhere, and so is the place of the body.
    paper = colour(0.82, 0.90)
    picture = paper * (1 - 0.12 * y).expand(b, 3, size, size)
    half_w, half_h = (_SIZE.to(device)[body] * (0.97 + 0.06 * rand(b, 1))).T
    power = s(_EXPONENT.to(device)[body])
    left, top = (x - 0.5) / s(half_w), (y - 0.52) / s(half_h)
    reach = (left.abs() ** power + top.abs() ** power) ** (1 / power)
    inside = _smooth(1 - reach, w / s(half_h))
    picture = _over(picture, 0.55 * picture, 0.5 * torch.exp(-(((x - 0.5) / 0.34) ** 2) - ((y - 0.88) / 0.03) ** 2))
    fur = colour(0.35, 0.75)
    shade = 1 - 0.3 * (reach * (0.5 + 0.5 * top)).clamp(0, 1)
    picture = _over(picture, fur * shade, inside)

    # The coat: fine marks whose number, phase and colour differ.
    marks = (fur * (0.45 + 0.25 * s(rand(b)))).clamp(0, 1)
    fine, phase = s(9 + 8 * rand(b)), s(2 * math.pi * rand(b))
    turn = s(math.pi * rand(b))
    along = x * torch.cos(turn) + y * torch.sin(turn)
    across = y * torch.cos(turn) - x * torch.sin(turn)
    waves = torch.sin(2 * math.pi * fine * along + phase)
    spots = waves * torch.sin(2 * math.pi * fine * across + 1.7 * phase)
    scales = torch.sin(2 * math.pi * fine * (along + 0.25 * torch.sin(2 * math.pi * fine * across).abs()) + phase)
    kinds = torch.stack([torch.full_like(spots, -1), spots - 0.45, waves - 0.35, scales - 0.3], dim=1)
    pattern = kinds[torch.arange(b, device=device), coat]
    picture = _over(picture, marks.expand_as(picture), inside * _smooth(pattern, 0.25))

    # Eyes in a row, one to five; they look to one side.
    eyes = torch.randint(1, EYES + 1, (b,), device=device, generator=generator)
    looks, radius = 2 * rand(b) - 1, 0.052 + 0.012 * rand(b)
    height = 0.40 + 0.03 * rand(b)
    iris = colour(0.05, 0.65)
    for number in range(EYES):
        there = (number < eyes).float()
        at = 0.5 + (number - (eyes - 1) / 2) * 2.05 * radius
        white = disc(at, height, radius * there)
        picture = _over(picture, torch.full_like(picture, 0.97), white * s(there))
        pupil = at + 0.4 * radius * looks
        picture = _over(picture, iris.expand_as(picture), disc(pupil, height, 0.58 * radius) * s(there))
        picture = _over(picture, torch.full_like(picture, 0.04), disc(pupil, height, 0.3 * radius) * s(there))
        picture = _over(
            picture,
            torch.ones_like(picture),
            disc(pupil - 0.15 * radius, height - 0.2 * radius, 0.14 * radius) * s(there),
        )

    # A mouth with none to six teeth.
    teeth = torch.randint(0, TEETH + 1, (b,), device=device, generator=generator)
    mouth_w, mouth_h, mouth_y = 0.10 + 0.05 * rand(b), 0.025 + 0.02 * rand(b), 0.60 + 0.03 * rand(b)
    mx, my = (x - 0.5) / s(mouth_w), (y - s(mouth_y)) / s(mouth_h)
    mouth = _smooth(1 - (mx**2 + my**2).sqrt(), w / s(mouth_h))
    picture = _over(picture, torch.full_like(picture, 0.12), mouth)
    place = (mx + 1) / 2 * s(teeth)
    gap = (place - place.floor() - 0.5).abs()
    tooth = _smooth(0.42 - gap, w * s(teeth / mouth_w).clamp(min=1e-6) / 2) * _smooth(-0.1 - my, w / s(mouth_h))
    picture = _over(picture, torch.full_like(picture, 0.95), mouth * tooth * s((teeth > 0).float()))

    # Two horns or ears, none in one of three.
    horned = (rand(b) < 0.66).float()
    lean, tall = 0.02 + 0.05 * rand(b), 0.07 + 0.06 * rand(b)
    horn = colour(0.3, 0.9)
    root = 0.52 - half_h * 0.93
    for side in (-1, 1):
        middle = 0.5 + side * (0.45 * half_w)
        up = ((s(root + 0.03) - y) / s(tall)).clamp(0, 1)
        half = 0.028 * (1 - up)
        mask = _smooth(half - (x - s(middle) - side * s(lean) * up).abs(), w)
        mask = mask * _smooth(s(root + 0.03) - y, w) * _smooth(y - s(root + 0.03 - tall), w)
        picture = _over(picture, horn.expand_as(picture), mask * s(horned))

    factors = {"eyes": eyes.float(), "teeth": teeth.float(), "looks": looks}
    return picture.clamp(0, 1), body, coat, factors
