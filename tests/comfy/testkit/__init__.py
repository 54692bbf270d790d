"""Nodes that only the tests need. ComfyUI loads this folder beside the pack."""


async def comfy_entrypoint():
    from comfy_api.latest import ComfyExtension

    class TestKit(ComfyExtension):
        async def get_node_list(self):
            return []

    return TestKit()
