"""A service of samples on a Ray cluster.

serve run app:build models=clothes/model.onnx replicas=2
"""

from typing import Any

from dropgan.serve.http.cluster import deployment


def build(arguments: dict[str, str]) -> Any:
    """What ``serve run`` deploys; models are files or folders, with commas between."""
    return deployment(arguments["models"].split(","), replicas=int(arguments.get("replicas", "2")))
