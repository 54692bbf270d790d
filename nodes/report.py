"""A search in pictures and files."""

from __future__ import annotations

import torch
from comfy_api.latest import io

from ..surrogate import points
from ..surrogate.search import drawing
from ..surrogate.search.best_in_words import best_in_words, origin_in_words
from .tools import wires
from .tools.live import album_of
from .tools.notices import say
from .tools.outputs import new_files
from .tools.sampling import as_images, as_pixels
from .tools.schema import schema
from .tools.studies import patient_node
from .tools.study_inputs import different_input

__all__ = ["StudyReport"]


class StudyReport(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return schema(
            node_id="SurrogateStudyReport",
            display_name="Surrogate Study Report",
            search_aliases=["search history", "optimization plot", "search results", "csv export"],
            category="surrogate/search",
            description="Shows a search on one page: what it found, its scores over time, a map of where it looked, "
            "the best pictures and the best of each generation. It also writes CSV and JSON files from which every "
            "image can be made again.",
            inputs=[
                wires.Study.Input(
                    "study",
                    tooltip="The study, from Surrogate Search or Tell. Connected directly to Surrogate Study, it "
                    "reports at any time.",
                ),
                io.Int.Input(
                    "n_best",
                    default=8,
                    min=1,
                    max=256,
                    tooltip="Number of best pictures to show, and of best points to return.",
                ),
                io.Boolean.Input(
                    "pictures_on_map",
                    default=True,
                    tooltip="On: the map shows the best pictures at their points. Only for a space of three seeds, "
                    "whose map is a square.",
                ),
                io.String.Input(
                    "filename_prefix",
                    default="surrogate/search_points",
                    tooltip="Folder and beginning of the name of the CSV and JSON files in ComfyUI's output folder. "
                    "Empty: no files.",
                ),
                io.String.Input(
                    "title", default="", optional=True, tooltip="Text above the page. Empty: the name of the study."
                ),
                io.Image.Input(
                    "target",
                    optional=True,
                    tooltip="The picture that was searched for, shown next to the best one found.",
                ),
                different_input(),
            ],
            outputs=[
                io.Image.Output(display_name="page", tooltip="Everything on one page."),
                io.Image.Output(
                    display_name="course", tooltip="Every score and the best score so far, over the number of images."
                ),
                io.Image.Output(
                    display_name="map",
                    tooltip="For three seeds: a map of the expected score over the space. For more seeds: how much "
                    "of each seed every point contains.",
                ),
                io.Image.Output(display_name="best", tooltip="The best pictures on one sheet."),
                io.Image.Output(
                    display_name="generations", tooltip="The best picture of each generation, on one sheet."
                ),
                io.Image.Output(
                    display_name="best_image", tooltip="The best picture at full size; for a clip, all frames."
                ),
                wires.Points.Output(
                    display_name="best_points", tooltip="The best points, to render again, for example larger."
                ),
                io.String.Output(
                    display_name="text",
                    tooltip="How far the search is, and a line for each of the best images: its score, when it was made, "
                    "and how much of each seed is in it.",
                ),
            ],
            hidden=[io.Hidden.unique_id],
            is_output_node=True,
            not_idempotent=True,
        )

    @classmethod
    def fingerprint_inputs(cls, **_):
        return float("nan")  # the study continues although no input changes

    @classmethod
    @patient_node
    def execute(
        cls, study, n_best, pictures_on_map, filename_prefix, title="", target=None, different=False
    ) -> io.NodeOutput:
        study = study.present()
        history, report, album = study.study.history(), study.study.report(), album_of(study.study)
        best = study.study.n_best(n_best, different)
        if not best:
            raise ValueError(
                f"The study {report.name!r} has no scores yet: {report}. Run Surrogate Search, or Ask and Tell."
            )
        numbers = [b.number for b in best]
        found = points.from_coordinates(study.space, [b.u for b in best])
        said = [study.progress(report), origin_in_words(study.study.definition.space), "The best images:"]
        text = "\n".join([*filter(None, said), *best_in_words(best, study.space)])
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
            best=numbers,
        )
        drawings = [
            page,
            drawing.course(history, report.budget, title=report.name),
            drawing.landscape(history, study.space, album if pictures_on_map else None),
            drawing.best_sheet(history, album, best=numbers),
            drawing.course_sheet(history, album),
        ]
        whole = album.whole(best[0].number)
        drawings = [None if drawn is None else drawn[None] for drawn in drawings]
        say(cls, text)
        # Without pictures (Tell had no images) there are no sheets: a black pixel, so that what follows still runs.
        images = [torch.zeros(1, 1, 1, 3) if frames is None else as_images([frames]) for frames in (*drawings, whole)]
        return io.NodeOutput(*images, found, text, ui={"text": [text]})


def _write(study, prefix: str) -> list[str]:
    """Export the study under a new name; sentences on where."""
    csv, json = new_files(prefix, "csv", "json")
    study.export_csv(csv)
    study.export_json(json)
    return [f"saved {csv.name} and {json.name} in {csv.parent}"]
