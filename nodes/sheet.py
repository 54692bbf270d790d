"""Contact sheets of rendered points."""

import logging
from functools import partial

import torch
from comfy_api.latest import io

from ..surrogate.pictures import plan_sheet
from .tools import wires
from .tools.clickable import clickable
from .tools.clips import split_clips
from .tools.memory import room
from .tools.sampling import as_pixels
from .tools.schema import schema

__all__ = ["ContactSheet", "labels_of", "only", "scores_of"]

log = logging.getLogger("ComfyUI-Surrogate")


class ContactSheet(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return schema(
            node_id="SurrogateContactSheet",
            display_name="Surrogate Contact Sheet",
            search_aliases=["x/y plot", "xy plot", "image grid", "montage", "collage", "labelled grid"],
            category="surrogate/pictures",
            description="Draws all pictures on one sheet, with axes, labels and numbers; seeds are framed. Click a picture "
            "on the sheet to select it, to see its neighbours, or to make a seed of it. It takes batches and lists of any "
            "sizes. Clips of several frames make a moving sheet, to save as an animation or a video.",
            inputs=[
                io.Image.Input(
                    "images",
                    tooltip="The pictures, in the order of the points: a batch, or a list of batches. For clips, one "
                    "batch for each point, or the same number of frames for each.",
                ),
                wires.Points.Input(
                    "points",
                    optional=True,
                    tooltip="The points that the pictures show. They give labels, axes and layout; connect the same "
                    "points that made the noise.",
                ),
                io.Float.Input(
                    "scores",
                    optional=True,
                    force_input=True,
                    tooltip="One number for each picture; the best picture is marked.",
                ),
                io.String.Input("title", default="", optional=True, tooltip="Text above the sheet. Empty: no title."),
                io.Int.Input(
                    "cell_size",
                    default=0,
                    min=0,
                    max=4096,
                    optional=True,
                    tooltip="Longest side of each picture on the sheet, in pixels. 0: as it is, or smaller if the "
                    "sheet would be larger than 8192 pixels.",
                ),
                io.Int.Input(
                    "columns",
                    default=0,
                    min=0,
                    max=1000,
                    optional=True,
                    tooltip="Number of pictures in each row, if the points have no layout of their own. 0: as many "
                    "columns as rows, approximately.",
                ),
                io.Boolean.Input(
                    "numbers",
                    default=True,
                    optional=True,
                    tooltip="On: each picture has a number, for Surrogate Select Points.",
                ),
            ],
            outputs=[
                io.Image.Output(display_name="sheet", tooltip="The sheet. For clips, one sheet for each frame."),
                io.Image.Output(
                    display_name="clips",
                    is_output_list=True,
                    tooltip="A list with one batch for each point: its picture, or the frames of its clip. A node "
                    "connected here runs once for each point.",
                ),
            ],
            is_input_list=True,
            is_output_node=True,
        )

    @classmethod
    def execute(
        cls, images, points=None, scores=None, title=None, cell_size=None, columns=None, numbers=None
    ) -> io.NodeOutput:
        points = only(points)
        count = sum(len(batch) for batch in images) if points is None else len(points)
        clips = split_clips(images, count)
        plan = partial(
            plan_sheet,
            [tuple(clip.shape[1:]) for clip in clips],
            scores=scores_of(scores, count),
            title=only(title) or None,
            cell=only(cell_size) or None,
            numbers=bool(only(numbers, True)),
            **labels_of(points, only(columns) or None),
        )
        frames = max(len(clip) for clip in clips)
        sheet = _that_fits(plan, frames)
        drawn = _drawn(sheet, clips, frames)
        shown = clickable(sheet, as_pixels(drawn[:1])[0], points, plan.keywords["scores"])
        return io.NodeOutput(drawn, clips, ui={"surrogate_sheet": shown})


def _drawn(sheet, clips: list[torch.Tensor], frames: int) -> torch.Tensor:
    """The sheet as an IMAGE of `frames`; a clip that is shorter stays at its last frame. Memory: the result and one frame."""
    # Videos have colours for squares of four pixels: an odd side gets one row more.
    height, width = (n + n % 2 if frames > 1 else n for n in (sheet.height, sheet.width))
    images = torch.empty(frames, height, width, 3)
    for i, image in enumerate(images):
        drawn = torch.from_numpy(sheet.draw([as_pixels(clip[min(i, len(clip) - 1)][None])[0] for clip in clips]))
        torch.div(drawn, 255, out=image[: sheet.height, : sheet.width])
        image[sheet.height :] = image[sheet.height - 1]
        image[:, sheet.width :] = image[:, sheet.width - 1 : sheet.width]
    return images


def _that_fits(plan, frames: int):
    """The planned sheet; for clips with smaller cells where its frames would not fit into half of the free memory."""
    sheet = plan()
    if frames == 1:
        return sheet
    most = room() / (frames * 3 * 4)
    if sheet.width * sheet.height <= most:
        return sheet
    fitting = plan(max_pixels=max(1, int(most)))
    log.warning(
        "Contact Sheet: %d frames of %d×%d do not fit into memory; the cells have %d pixels instead of %d. Set a smaller "
        "cell_size, or connect fewer frames.", frames, sheet.width, sheet.height, fitting.cell, sheet.cell,
    )  # fmt: skip
    return fitting


def only(values, default=None):
    """A single value: ComfyUI hands a list node all inputs as lists."""
    return values[0] if values else default


def scores_of(scores, count: int, what: str = "pictures"):
    """The numbers of a list of FLOATs, some of which may be lists. Raises ValueError if there are not `count`."""
    if scores is None:
        return None
    scores = [float(s) for entry in scores for s in (entry if isinstance(entry, (list, tuple)) else [entry])]
    if len(scores) != count:
        raise ValueError(f"scores holds {len(scores)} numbers, but there are {count} {what}: connect one for each.")
    return scores


def labels_of(points, columns) -> dict:
    """What a sheet writes about points, and how it lays them out."""
    if points is None:
        return {"columns": columns}
    common = {"marks": points.marks, "layout": points.layout}
    if points.axes is not None:
        axes = points.axes
        return common | {
            "row_labels": axes.row_labels,
            "column_labels": axes.column_labels,
            "row_title": axes.row_title,
            "column_title": axes.column_title,
        }
    captions = [None if mark else label for mark, label in zip(points.marks, points.labels)]
    return common | {"captions": captions, "columns": None if points.layout is not None else columns}
