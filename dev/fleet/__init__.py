"""Several ComfyUI servers that search together: each is given the same workflow, again and again, until the budget is spent.

    graph     what each server is to run, and which studies that is about       graph.py
    remote    one server, over HTTP                                              remote.py
    worker    keeps the queue of one server filled                               worker.py
    fleet     all of them; servers may die, come back and be added meanwhile     fleet.py
    table     how far they are, for a terminal                                   table.py
    command   python run.py workers                                              command.py

    from dev.fleet import search_on
    search_on(["http://127.0.0.1:8188", "http://127.0.0.1:8189"], json.load(open("workflow_api.json")))

The servers need this pack, and one database that all of them reach. Standard library only.
"""

from .fleet import Fleet, search_on
from .graph import NotAWorkflow

__all__ = ["Fleet", "NotAWorkflow", "search_on"]
