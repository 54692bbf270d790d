"""ComfyUI-Surrogate: search the noise of any sampler in a small space that a few seeds span."""

WEB_DIRECTORY = "./web"

__all__ = ["WEB_DIRECTORY", "comfy_entrypoint"]


async def comfy_entrypoint():
    from comfy_api.latest import ComfyExtension

    from .nodes import NODES
    from .nodes.routes import add_routes

    add_routes()  # not in on_load: ComfyUI 0.3.75 does not call it

    class Surrogate(ComfyExtension):
        async def get_node_list(self):
            return NODES

    return Surrogate()
