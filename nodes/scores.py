"""Scores of images: as numbers for Tell, and as scorers for the Search node."""

from __future__ import annotations

import math

import numpy as np
import torch
from comfy_api.latest import io
from comfy_execution.graph import ExecutionBlocker

from ..surrogate.scores import MATCHES, SCORES, STATISTICS, Expression, cosine, make_score
from .tools import wires
from .tools.clip_model import embedding_of_text, embeddings_of_pictures, embeddings_of_target
from .tools.combined import Combined
from .tools.notices import warn
from .tools.sampling import FAULTS_ADVICE
from .tools.schema import schema

__all__ = ["ClipScore", "CombineScores", "MatchImage", "PictureStatistics", "explained", "outputs"]

LETTERS = "abcd"


def outputs(medium: str = "image") -> list:
    """Numbers for each `medium` that is connected, and the scorer itself."""
    return [
        io.Float.Output(
            display_name="scores",
            is_output_list=True,
            tooltip=f"One number for each {medium}, if {medium}s are connected. For Surrogate Tell or "
            f"{'Contact' if medium == 'image' else 'Sound'} Sheet.",
        ),
        wires.Scorer.Output(display_name="scorer", tooltip="The scorer, for Surrogate Search or Combine Scores."),
    ]


def _images():
    return io.Image.Input(
        "images",
        optional=True,
        tooltip="Images to score now, for the scores output. The scorer output does not need them.",
    )


def explained(scores: dict) -> str:
    """What each of the `scores` of a drop-down measures."""
    return " ".join(f"{name}: {score.tooltip}." for name, score in scores.items())


def _asking(scores: dict, setting: str) -> str:
    return ", ".join(name for name, score in scores.items() if setting in score.asks)


def _asked(name: str, **settings) -> dict:
    """Those of the node's `settings` that the score `name` asks for."""
    return {setting: value for setting, value in settings.items() if setting in SCORES[name].asks}


def _result(node, scorer, images) -> io.NodeOutput:
    if images is None:
        return io.NodeOutput([ExecutionBlocker(None)], scorer)
    # One picture that is NaN must not cost the others of its batch their scores.
    usable = torch.isfinite(images).flatten(1).all(dim=1)
    scores = np.full(len(images), math.nan)
    if usable.any():
        scores[usable.numpy()] = np.asarray(scorer(images[usable]))
    if not usable.all():
        named = ", ".join(str(i + 1) for i in torch.nonzero(~usable).flatten().tolist())
        warn(node, [f"No score for image {named} of {len(images)}: pixels that are NaN or infinite. {FAULTS_ADVICE}"])
    return io.NodeOutput(scores.tolist(), scorer)


class MatchImage(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return schema(
            node_id="SurrogateMatchImage",
            display_name="Surrogate Match Image",
            search_aliases=[
                "similar images",
                "image similarity",
                "compare images",
                "reference image",
                "image distance",
            ],
            category="surrogate/scores",
            description="Scores how similar images are to a target picture: 0 is equal, lower is less similar "
            "(match_structure: 1 is equal). It needs no model. With a CLIP vision model it also compares what the "
            "pictures show.",
            inputs=[
                io.Image.Input(
                    "target",
                    tooltip="The picture to come close to, of any size. The first picture of a batch is used.",
                ),
                io.Combo.Input(
                    "method",
                    options=list(MATCHES),
                    default=next(iter(MATCHES)),
                    tooltip=f"What is compared. {explained(MATCHES)}",
                ),
                io.Int.Input(
                    "side",
                    default=32,
                    min=1,
                    max=4096,
                    tooltip="Longest side, in pixels, at which pixels are compared. Small: only the composition counts. "
                    f"Large: details count too. Used by {_asking(MATCHES, 'side')}.",
                ),
                _images(),
                io.ClipVision.Input(
                    "clip_vision",
                    optional=True,
                    tooltip="A CLIP vision model. If connected, what the pictures show counts too, not only their "
                    "pixels.",
                ),
                io.Float.Input(
                    "clip_share",
                    default=0.5,
                    min=0.0,
                    max=1.0,
                    step=0.05,
                    optional=True,
                    tooltip="Share of CLIP in the score, if clip_vision is connected. 0: only pixels count. 1: only "
                    "what the pictures show counts.",
                ),
            ],
            outputs=outputs(),
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def execute(cls, target, method, side, images=None, clip_vision=None, clip_share=0.5) -> io.NodeOutput:
        pixels = make_score(method, target=target[0], **_asked(method, side=side))
        if clip_vision is None:
            return _result(cls, pixels, images)
        wanted = embeddings_of_target(clip_vision, target[:1])

        def scorer(images):
            # 0 for equal directions and -1 for opposite ones: of the size of the pixels' differences.
            features = (cosine(embeddings_of_pictures(clip_vision, images), wanted) - 1) / 2
            return (1 - clip_share) * pixels(images) + clip_share * features

        return _result(cls, scorer, images)


class PictureStatistics(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return schema(
            node_id="SurrogatePictureStatistics",
            display_name="Surrogate Picture Statistics",
            search_aliases=["brightness", "contrast", "saturation", "sharpness", "symmetry", "color share"],
            category="surrogate/scores",
            description="Scores images by a number measured from their pixels, such as brightness, contrast, "
            "saturation, sharpness, symmetry, the share of a colour, or the place of the brightest spot.",
            inputs=[
                io.Combo.Input(
                    "statistic",
                    options=list(STATISTICS),
                    default=next(iter(STATISTICS)),
                    tooltip=f"What to measure. {explained(STATISTICS)}",
                ),
                io.String.Input(
                    "colour",
                    default="#ffd060",
                    tooltip="The colour to look for, as a hexadecimal number. Used by "
                    f"{_asking(STATISTICS, 'colour')}.",
                ),
                _images(),
            ],
            outputs=outputs(),
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def execute(cls, statistic, colour, images=None) -> io.NodeOutput:
        return _result(cls, make_score(statistic, **_asked(statistic, colour=colour)), images)


class ClipScore(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return schema(
            node_id="SurrogateClipScore",
            display_name="Surrogate CLIP Score",
            search_aliases=[
                "clip similarity",
                "text score",
                "prompt adherence",
                "text image similarity",
                "similar images",
            ],
            category="surrogate/scores",
            description="Scores how well images fit a text, or how similar they are to a picture, with your own CLIP "
            "models.",
            inputs=[
                io.ClipVision.Input(
                    "clip_vision",
                    tooltip="A CLIP vision model, from Load CLIP Vision. It must belong to the same CLIP as the text "
                    "model.",
                ),
                io.Clip.Input(
                    "clip", optional=True, tooltip="The text model, from Load CLIP. Needed to compare with a text."
                ),
                io.String.Input(
                    "text",
                    default="",
                    multiline=True,
                    tooltip="What the image should show. Only the first 77 tokens count; weights such as (word:1.3) "
                    "do not. Leave empty if a target is connected.",
                ),
                io.Image.Input(
                    "target", optional=True, tooltip="The picture that images should resemble, instead of a text."
                ),
                _images(),
            ],
            outputs=outputs(),
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def execute(cls, clip_vision, text, clip=None, target=None, images=None) -> io.NodeOutput:
        if (target is None) == (not text.strip()):
            raise ValueError("CLIP Score compares with a text or with a target: write one, or connect the other.")
        if target is not None:
            wanted = embeddings_of_target(clip_vision, target)
        elif clip is None:
            raise ValueError(
                "clip is needed to compare with a text: connect a text model, or a target picture instead."
            )
        else:
            wanted = embedding_of_text(clip, text, clip_vision)
        return _result(cls, lambda images: cosine(embeddings_of_pictures(clip_vision, images), wanted), images)


class CombineScores(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return schema(
            node_id="SurrogateCombineScores",
            display_name="Surrogate Combine Scores",
            search_aliases=["score formula", "score math", "weighted score", "expression"],
            category="surrogate/scores",
            description="Calculates one score from up to four scores, for example a - 0.5 * abs(b - 0.6). Connect "
            "numbers for Surrogate Tell, or scorers for Surrogate Search.",
            inputs=[
                io.String.Input(
                    "expression",
                    default="a + b",
                    tooltip="A formula with a, b, c, d for the scores: + - * / ** and min, max, mean, abs, sqrt, "
                    "exp, log, clip(x, low, high). For example a - 0.5 * abs(b - 0.6), which wants b near 0.6.",
                ),
                *(
                    io.Float.Input(
                        f"{x}",
                        optional=True,
                        force_input=True,
                        tooltip=f"Scores for the letter {x}: one number for each image.",
                    )
                    for x in LETTERS
                ),
                *(
                    wires.Scorer.Input(f"scorer_{x}", optional=True, tooltip=f"A scorer for the letter {x}.")
                    for x in LETTERS
                ),
            ],
            outputs=outputs(),
            is_input_list=True,
        )

    @classmethod
    def execute(cls, expression, **inputs) -> io.NodeOutput:
        formula = Expression(expression[0])
        numbers = {x: np.array(inputs[x], dtype=np.float64) for x in LETTERS if inputs.get(x)}
        scorers = {x: inputs[f"scorer_{x}"][0] for x in LETTERS if inputs.get(f"scorer_{x}")}
        missing = [x for x in formula.names if x not in numbers and x not in scorers]
        if missing:
            raise ValueError(f"expression uses {', '.join(missing)}, which is not connected as a number or a scorer.")
        scores, scorer = [ExecutionBlocker(None)], ExecutionBlocker(None)
        if all(x in numbers for x in formula.names):
            scores = np.asarray(formula(numbers)).tolist()
        if all(x in scorers for x in formula.names):
            scorer = Combined(formula, {x: scorers[x] for x in formula.names})
        return io.NodeOutput(scores, scorer)
