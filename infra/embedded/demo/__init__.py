"""The demonstration: invented patients, and the main job done for real."""

import infra.routes  # noqa: F401 - puts the layer on the path
