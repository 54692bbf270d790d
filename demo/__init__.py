"""The demo: a small model, the pictures that it was trained on, and what ``python run.py demo`` runs.

run_demo      what ``python run.py demo`` runs
model         the demo model's weights; ``scenes`` and ``train`` made them
api           workflows in ComfyUI's API format, twins of those in ``workflows``
"""
