"""ComfyUI-Surrogate: search the noise of any sampler in a small space that a few seeds span."""

from .nodes.tools import loading

WEB_DIRECTORY = "./web"

__all__ = ["WEB_DIRECTORY", "comfy_entrypoint"]

loading.check_comfyui()


async def comfy_entrypoint():
    from comfy_api.latest import ComfyExtension

    loading.add_routes()  # not in on_load: ComfyUI 0.3.75 does not call it
    nodes = loading.load_nodes()

    class Surrogate(ComfyExtension):
        async def get_node_list(self):
            return nodes

    return Surrogate()
