"""What several nodes need: wires, progress, previews, routes, sampling."""
