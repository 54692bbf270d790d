"""Sounds of points: one by one, and on one sheet."""

from __future__ import annotations

from comfy_api.latest import io, ui

from ..surrogate.pictures import SOUND_KINDS, Sound, sound_sheet
from .sheet import labels_of, only, scores_of
from .tools import wires
from .tools.notices import warn
from .tools.sampling import as_images
from .tools.schema import schema
from .tools.sound_batches import one_by_one

__all__ = ["SoundSheet"]


class SoundSheet(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return schema(
            node_id="SurrogateSoundSheet",
            display_name="Surrogate Sound Sheet",
            search_aliases=["waveform", "spectrogram", "audio grid", "compare sounds"],
            category="surrogate/pictures",
            description="Draws all sounds on one sheet, as waveforms and spectrograms with axes, labels and numbers; "
            "seeds are framed. The node shows a player for each sound, and gives the sounds one by one, to save or "
            "to preview.",
            inputs=[
                io.Audio.Input(
                    "sounds",
                    tooltip="The sounds, in the order of the points: a batch, or a list of batches of any length and "
                    "sample rate.",
                ),
                wires.Points.Input(
                    "points",
                    optional=True,
                    tooltip="The points that the sounds belong to. They give labels, axes and layout.",
                ),
                io.Float.Input(
                    "scores",
                    optional=True,
                    force_input=True,
                    tooltip="One number for each sound; the best sound is marked.",
                ),
                io.Combo.Input(
                    "picture",
                    options=list(SOUND_KINDS),
                    default=SOUND_KINDS[0],
                    optional=True,
                    tooltip="waveform: loudness over time, red where it is beyond full scale. spectrogram: frequency "
                    "over time, low notes at the bottom, the same height for each octave. both: one above the other.",
                ),
                io.String.Input("title", default="", optional=True, tooltip="Text above the sheet. Empty: no title."),
                io.Int.Input(
                    "cell_size",
                    default=0,
                    min=0,
                    max=4096,
                    optional=True,
                    tooltip="Width of each sound on the sheet, in pixels. 0: 384, or smaller if the sheet would be "
                    "larger than 8192 pixels.",
                ),
                io.Int.Input(
                    "columns",
                    default=0,
                    min=0,
                    max=1000,
                    optional=True,
                    tooltip="Number of sounds in each row, if the points have no layout of their own. 0: as many "
                    "columns as rows, approximately.",
                ),
                io.Boolean.Input(
                    "numbers",
                    default=True,
                    optional=True,
                    tooltip="On: each sound has a number, for Surrogate Select Points.",
                ),
                io.Boolean.Input(
                    "players",
                    default=True,
                    optional=True,
                    tooltip="On: the node shows a player for each sound. Switch it off for hundreds of sounds, or "
                    "for very long ones.",
                ),
            ],
            outputs=[
                io.Audio.Output(
                    display_name="sounds",
                    is_output_list=True,
                    tooltip="The sounds one by one, in the order of the points, for Save Audio or Preview Audio.",
                ),
                io.Image.Output(display_name="sheet", tooltip="The sheet as one picture."),
                io.Image.Output(
                    display_name="pictures",
                    tooltip="The picture of each sound, in the order of the points. Connect to images of Surrogate "
                    "Tell, whose reports then show them.",
                ),
            ],
            hidden=[io.Hidden.unique_id, io.Hidden.prompt, io.Hidden.extra_pnginfo],
            is_input_list=True,
            is_output_node=True,
        )

    @classmethod
    def execute(
        cls,
        sounds,
        points=None,
        scores=None,
        picture=None,
        title=None,
        cell_size=None,
        columns=None,
        numbers=None,
        players=None,
    ) -> io.NodeOutput:
        single = [one for i, batch in enumerate(sounds) for one in one_by_one(batch, i)]
        points = only(points)
        if points is not None and len(single) != len(points):
            raise ValueError(
                f"sounds holds {len(single)} sounds, but there are {len(points)} points: connect all sounds of these "
                "points."
            )
        sheet, drawings = sound_sheet(
            [Sound(one["waveform"][0].detach().cpu().float().numpy(), one["sample_rate"]) for one in single],
            kind=only(picture, SOUND_KINDS[0]),
            scores=scores_of(scores, len(single), "sounds"),
            title=only(title) or None,
            cell=only(cell_size) or None,
            numbers=bool(only(numbers, True)),
            **labels_of(points, only(columns) or None),
        )
        names = [f"{i}" for i in range(1, len(single) + 1)]
        if points is not None:
            names = [f"{name}  {mark or label}" for name, mark, label in zip(names, points.marks, points.labels)]
        heard = _players(cls, single) if only(players, True) else []
        return io.NodeOutput(
            single,
            as_images([sheet[None]]),
            as_images([drawn[None] for drawn in drawings]),
            ui={"audio": [file for file, _ in heard], "names": [names[i] for _, i in heard]} if heard else {},
        )


def _players(node, single: list[dict]) -> list[tuple[dict, int]]:
    """A temporary file for each sound that can be written as one, and its place."""
    heard, complaints = [], []
    for i, one in enumerate(single):
        # As the browser can play it: two channels, no NaN.
        waveform = one["waveform"][:, :2].detach().cpu().float().nan_to_num(0.0, 1.0, -1.0)
        try:
            (file,) = ui.AudioSaveHelper.save_audio(
                {"waveform": waveform, "sample_rate": int(one["sample_rate"])},
                filename_prefix="surrogate_sounds",
                folder_type=io.FolderType.temp,
                cls=node,
            )
            heard.append((file, i))
        except Exception as error:  # an encoder's reasons: a rate that FLAC does not know, a full disk
            complaints.append(f"Sound Sheet: no player for sound {i + 1}: {type(error).__name__}: {error}")
    warn(node, complaints)
    return heard
