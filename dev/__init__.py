"""Tools for those who work on the pack, and what the demo and the tests run on: a real ComfyUI.

environment   which ComfyUI and which Python; sets up what is missing (standard library only)
server        a headless ComfyUI that lives as long as a ``with`` block (standard library only)
client        queue a workflow, follow its progress, fetch its images
launch        starts a script or module as ``python`` would, without this folder on the path
"""
