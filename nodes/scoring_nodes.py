"""Nodes of other packs as a scorer of Surrogate Search: what is between Score Input and Score Output."""

from __future__ import annotations

from comfy_api.latest import io
from comfy_execution.graph import ExecutionBlocker

from .search import outputs
from .tools import wires
from .tools.schema import schema
from .tools.scoring_nodes import INPUT, OUTPUT, Handed, NodeScorer
from .tools.studies import patient_node
from .tools.told_scores import KINDS

__all__ = ["ScoreInput", "ScoreOutput", "SearchStep"]

NO_SOUND = "Surrogate Search renders pictures here: it gives no sound to Score Input. Connect an audio VAE to its vae."


class ScoreInput(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return schema(
            node_id=INPUT,
            display_name="Surrogate Score Input",
            search_aliases=["any score", "custom score", "aesthetic score", "reward model", "judge"],
            category="surrogate/scores",
            description="Gives Surrogate Search's images to nodes of any pack that score them, one image at a time. "
            "Connect their number or text to Surrogate Score Output.",
            inputs=[
                io.Image.Input(
                    "images",
                    optional=True,
                    tooltip="Images to try the scoring nodes with, without a search. A search uses its own images "
                    "instead.",
                )
            ],
            outputs=[
                io.Image.Output(
                    display_name="image",
                    is_output_list=True,
                    tooltip="One image after the other, or the frames of one clip, for the node that scores.",
                ),
                io.Audio.Output(
                    display_name="sound",
                    is_output_list=True,
                    tooltip="One sound after the other, for the node that scores, if the search is one of sounds.",
                ),
            ],
        )

    @classmethod
    def execute(cls, images=None) -> io.NodeOutput:
        if isinstance(images, Handed):  # from a search
            return io.NodeOutput(images.images, images.sounds or [ExecutionBlocker(NO_SOUND)])
        none = [ExecutionBlocker(None)]
        return io.NodeOutput(none if images is None else [images[i : i + 1] for i in range(len(images))], none)


class ScoreOutput(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return schema(
            node_id=OUTPUT,
            display_name="Surrogate Score Output",
            search_aliases=["any score", "custom score", "aesthetic score", "reward model", "judge"],
            category="surrogate/scores",
            description="Makes the nodes after Surrogate Score Input a scorer for Surrogate Search. The search runs "
            "them for each of its images.",
            inputs=[
                io.MultiType.Input(
                    "score",
                    types=KINDS,
                    lazy=True,
                    tooltip="One number for each image, from any node; or a text with one number in it, such as "
                    "Score: 7/10. A text without a number is a failed image.",
                )
            ],
            outputs=[wires.Scorer.Output(display_name="scorer", tooltip="The scorer, for Surrogate Search.")],
            hidden=[io.Hidden.unique_id],
            not_idempotent=True,  # its number is part of what it gives
        )

    @classmethod
    def check_lazy_status(cls, score=None):
        return []  # the search runs the nodes before this one, with its own images

    @classmethod
    def execute(cls, score=None) -> io.NodeOutput:
        return io.NodeOutput(NodeScorer(cls.hidden.unique_id))


class SearchStep(io.ComfyNode):
    """The node that a search puts after its scoring nodes. Nobody places it by hand."""

    @classmethod
    def define_schema(cls):
        return schema(
            node_id="SurrogateSearchStep",
            display_name="Surrogate Search Step",
            category="surrogate/search",
            description="Surrogate Search adds this node by itself where nodes of other packs score its images: it takes "
            "their scores and continues the search. Do not place it by hand.",
            inputs=[
                wires.Running.Input("search", tooltip="The search that waits for these scores."),
                *(
                    io.MultiType.Input(name, types=KINDS, optional=True, tooltip="Scores of the images of this step.")
                    for name in ("scorer", "scorer_2", "scorer_3")
                ),
            ],
            outputs=outputs(in_list=False),  # ComfyUI spreads a list of an expansion over the outputs after it
            is_input_list=True,
            enable_expand=True,
            not_idempotent=True,
            is_deprecated=True,  # so that the browser does not offer it
        )

    @classmethod
    @patient_node
    def execute(cls, search, **scores) -> io.NodeOutput:
        return search[0].told(scores)
