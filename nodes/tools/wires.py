"""The wire types that the pack adds to ComfyUI, and what travels on them."""

from comfy_api.latest import io

__all__ = ["Picks", "Points", "Running", "Scorer", "Seeds", "Session", "Space", "Study"]

Seeds = io.Custom("SURROGATE_SEEDS")  # surrogate.Seeds
Space = io.Custom("SURROGATE_SPACE")  # surrogate.SurrogateSpace
Points = io.Custom("SURROGATE_POINTS")  # surrogate.points.Points
Scorer = io.Custom("SURROGATE_SCORER")  # images (n, h, w, c) -> scores (n,)
Study = io.Custom("SURROGATE_STUDY")  # surrogate.search.OpenStudy
Running = io.Custom("SURROGATE_RUNNING_SEARCH")  # a tools.running.Running, within one run of a search
Picks = io.Custom("SURROGATE_PICKS")  # the JSON of search.Picks: the widget of Pick writes it
Session = io.Custom("SURROGATE_SESSION")  # the JSON of an explore.Session: the widget of the Explorer writes it
