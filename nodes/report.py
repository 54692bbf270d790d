"""A search in pictures and files."""

from __future__ import annotations

import torch
from comfy_api.latest import io

from ..surrogate import points
from ..surrogate.search import drawing
from .tools import wires
from .tools.live import album_of
from .tools.notices import say
from .tools.outputs import new_files
from .tools.sampling import as_images, as_pixels
from .tools.schema import schema

__all__ = ["StudyReport"]


class StudyReport(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return schema(
            node_id="SurrogateStudyReport",
            display_name="Surrogate Study Report",
            search_aliases=["search history", "optimization plot", "search results", "csv export"],
            category="surrogate/search",
            description="A search on one page: what it found, its course, a map of where it looked, the best pictures "
            "and the best of each generation. And as CSV and JSON files that rebuild every image.",
            inputs=[
                wires.Study.Input("study", tooltip="From Search or Tell; straight from the Study node at any time."),
                io.Int.Input(
                    "n_best", default=8, min=1, max=256, tooltip="How many of the best to show and to return."
                ),
                io.Boolean.Input(
                    "pictures_on_map",
                    default=True,
                    tooltip="For three seeds, whose space is a square: the best pictures at their places on the map.",
                ),
                io.String.Input(
                    "filename_prefix",
                    default="surrogate/search_points",
                    tooltip="Where in ComfyUI's output folder the CSV and JSON files go. Empty: no files.",
                ),
                io.String.Input("title", default="", optional=True, tooltip="Above the page. Empty: the study's name."),
                io.Image.Input("target", optional=True, tooltip="What was wanted: shown beside what was found."),
            ],
            outputs=[
                io.Image.Output(display_name="page", tooltip="All of it."),
                io.Image.Output(display_name="course", tooltip="Scores and the best so far, against images spent."),
                io.Image.Output(
                    display_name="map",
                    tooltip="Of three seeds the map of the space; of more, how much each seed counts in each point.",
                ),
                io.Image.Output(display_name="best", tooltip="The best pictures on a sheet."),
                io.Image.Output(display_name="generations", tooltip="The best picture of each generation, on a sheet."),
                io.Image.Output(display_name="best_image", tooltip="The best picture, at full size."),
                wires.Points.Output(display_name="best_points", tooltip="The best points, to render again."),
                io.String.Output(display_name="text", tooltip="How the search stands, and its best points."),
            ],
            hidden=[io.Hidden.unique_id],
            is_output_node=True,
            not_idempotent=True,
        )

    @classmethod
    def fingerprint_inputs(cls, **_):
        return float("nan")  # the study goes on although no input changes

    @classmethod
    def execute(cls, study, n_best, pictures_on_map, filename_prefix, title="", target=None) -> io.NodeOutput:
        study = study.present()
        history, report, album = study.study.history(), study.study.report(), album_of(study.study)
        best = study.study.n_best(n_best)
        if not best:
            raise ValueError(f"The study {report.name!r} has no scores yet: {report}. Run Search, or Ask and Tell.")
        found = points.from_coordinates(study.space, [b.u for b in best])
        text = "\n".join(
            [study.progress(report), *_origin(study.study.definition.space)]
            + [
                f"{rank}. {' / '.join(f'{score:.6g}' for score in b.scores)}   image {b.label}: {label}"
                for rank, (b, label) in enumerate(zip(best, found.labels), 1)
            ]
        )
        if filename_prefix.strip():
            text += "\n" + "\n".join(_write(study.study, filename_prefix))
        page = drawing.page(
            history,
            study.space,
            album,
            report.budget,
            count=n_best,
            title=title.strip() or report.name,
            target=None if target is None else as_pixels(target[:1])[0],
            map_pictures=pictures_on_map,
        )
        pictures = [
            page,
            drawing.course(history, report.budget, title=report.name),
            drawing.landscape(history, study.space, album if pictures_on_map else None),
            drawing.best_sheet(history, album, n_best),
            drawing.course_sheet(history, album),
        ]
        whole = album.whole(best[0].number)
        pictures = [None if picture is None else picture[None] for picture in pictures]
        say(cls, text)
        # Without pictures (Tell had no images) there are no sheets: a black pixel, so that what follows still runs.
        images = [torch.zeros(1, 1, 1, 3) if frames is None else as_images([frames]) for frames in (*pictures, whole)]
        return io.NodeOutput(*images, found, text, ui={"text": [text]})


def _origin(space: dict) -> list[str]:
    """Where the seeds of a scouted space come from."""
    if "scouted" not in space:
        return []
    scouted, seeds = space["scouted"], ", ".join(space["seeds"])
    last = scouted["first"] + scouted["noises"] - 1
    return [f"seeds {seeds}: of the noises {scouted['first']} to {last}"]


def _write(study, prefix: str) -> list[str]:
    """Export the study under a new name; sentences on where."""
    csv, json = new_files(prefix, "csv", "json")
    study.export_csv(csv)
    study.export_json(json)
    return [f"saved {csv.name} and {json.name} in {csv.parent}"]
