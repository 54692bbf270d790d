"""Contact sheets of rendered points."""

import torch
from comfy_api.latest import io

from ..surrogate.pictures import plan_sheet
from . import wires
from .sampling import as_pixels

__all__ = ["ContactSheet", "labels_of", "only", "scores_of"]


class ContactSheet(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="SurrogateContactSheet",
            display_name="Contact Sheet",
            category="surrogate",
            description="All pictures on one sheet, with axes, labels and numbers; seeds are framed. Takes batches and "
            "lists of any sizes. Clips of several frames make a moving sheet.",
            inputs=[
                io.Image.Input("images", tooltip="The pictures, in the points' order."),
                wires.Points.Input(
                    "points", optional=True, tooltip="The points they show: for labels, axes and layout."
                ),
                io.Float.Input(
                    "scores",
                    optional=True,
                    force_input=True,
                    tooltip="One number for each picture; the best is marked.",
                ),
                io.String.Input("title", default="", optional=True, tooltip="Written above the sheet."),
                io.Int.Input(
                    "cell_size",
                    default=0,
                    min=0,
                    max=4096,
                    optional=True,
                    tooltip="Longest side of a picture on the sheet in pixels. 0: as it is, less if the sheet would "
                    "grow beyond 8192 pixels.",
                ),
                io.Int.Input(
                    "columns",
                    default=0,
                    min=0,
                    max=1000,
                    optional=True,
                    tooltip="Pictures in a row, where the points have no layout of their own. 0: about square.",
                ),
                io.Boolean.Input(
                    "numbers",
                    default=True,
                    optional=True,
                    tooltip="Number the pictures, for Select Points.",
                ),
            ],
            outputs=[io.Image.Output(display_name="sheet", tooltip="The sheet; for clips one for each frame.")],
            is_input_list=True,
        )

    @classmethod
    def execute(
        cls, images, points=None, scores=None, title=None, cell_size=None, columns=None, numbers=None
    ) -> io.NodeOutput:
        pictures = [picture for batch in images for picture in batch]
        points = only(points)
        count = len(pictures) if points is None else len(points)
        if len(pictures) % count:
            raise ValueError(
                f"images holds {len(pictures)} pictures, but there are {count} points: connect all pictures of these "
                "points, or for clips the same number of frames for each."
            )
        scores = scores_of(scores, count)
        frames = len(pictures) // count
        clips = [pictures[i * frames : (i + 1) * frames] for i in range(count)]
        sheet = plan_sheet(
            [tuple(clip[0].shape) for clip in clips],
            scores=scores,
            title=only(title) or None,
            cell=only(cell_size) or None,
            numbers=bool(only(numbers, True)),
            **labels_of(points, only(columns) or None),
        )
        sheets = [sheet.draw([as_pixels([clip[frame]])[0] for clip in clips]) for frame in range(frames)]
        return io.NodeOutput(torch.stack([torch.from_numpy(sheet).float() / 255 for sheet in sheets]))


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
