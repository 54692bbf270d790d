"""Scores of sounds: as numbers for Tell, and as scorers for the Search node."""

from __future__ import annotations

from comfy_api.latest import io
from comfy_execution.graph import ExecutionBlocker

from ..surrogate.scores.sounds import SOUND_MATCHES, SOUND_STATISTICS, SoundScore, make_sound_score
from .scores import explained, outputs
from .tools.notices import warn
from .tools.schema import schema
from .tools.sound_batches import one_by_one

__all__ = ["MatchSound", "SoundStatistics"]


def _sounds():
    return io.Audio.Input(
        "sounds",
        optional=True,
        tooltip="Sounds to score now, for the scores output. The scorer output does not need them.",
    )


def _result(node, scorer: SoundScore, sounds) -> io.NodeOutput:
    if sounds is None:
        return io.NodeOutput([ExecutionBlocker(None)], scorer)
    scores = [float(scorer(one["waveform"], one["sample_rate"])[0]) for one in one_by_one(sounds, 0)]
    broken = [str(i + 1) for i, score in enumerate(scores) if score != score]
    if broken:
        warn(node, [f"No score for sound {', '.join(broken)} of {len(scores)}: samples that are NaN or infinite."])
    return io.NodeOutput(scores, scorer)


class MatchSound(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return schema(
            node_id="SurrogateMatchSound",
            display_name="Surrogate Match Sound",
            search_aliases=["similar sounds", "audio similarity", "compare audio", "reference sound", "spectrogram"],
            category="surrogate/scores",
            description="Scores how similar sounds are to a target sound: 0 is equal, lower is less similar. It compares "
            "mel spectrograms and needs no model.",
            inputs=[
                io.Audio.Input(
                    "target",
                    tooltip="The sound to come close to, of any length and sample rate. The first sound of a batch is "
                    "used.",
                ),
                io.Combo.Input(
                    "method",
                    options=list(SOUND_MATCHES),
                    default=next(iter(SOUND_MATCHES)),
                    tooltip=f"What is compared. {explained(SOUND_MATCHES)}",
                ),
                _sounds(),
            ],
            outputs=outputs("sound"),
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def execute(cls, target, method, sounds=None) -> io.NodeOutput:
        first = one_by_one(target, 0, "target")[0]
        scorer = make_sound_score(method, target=first["waveform"], target_rate=first["sample_rate"])
        return _result(cls, scorer, sounds)


class SoundStatistics(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return schema(
            node_id="SurrogateSoundStatistics",
            display_name="Surrogate Sound Statistics",
            search_aliases=["loudness", "pitch", "audio level", "spectral centroid"],
            category="surrogate/scores",
            description="Scores sounds by a number measured from their samples: how loud they are, or how high.",
            inputs=[
                io.Combo.Input(
                    "statistic",
                    options=list(SOUND_STATISTICS),
                    default=next(iter(SOUND_STATISTICS)),
                    tooltip=f"What to measure. {explained(SOUND_STATISTICS)}",
                ),
                _sounds(),
            ],
            outputs=outputs("sound"),
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def execute(cls, statistic, sounds=None) -> io.NodeOutput:
        return _result(cls, make_sound_score(statistic), sounds)
