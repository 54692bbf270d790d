"""The demo, and what it shares with the tests: a real ComfyUI.

environment   which ComfyUI and which Python; sets up what is missing (standard library only)
server        a headless ComfyUI that lives as long as a ``with`` block (standard library only)
client        queue a workflow, follow its progress, fetch its images
run_demo      what ``python run.py demo`` runs
model         the demo model's weights; ``scenes`` and ``train`` made them
api           workflows in ComfyUI's API format, twins of those in ``workflows``
"""
