"""Makes what livefill ships and learns from: synthetic people, occluders, clips. Never imported by the runtime."""

import livefill  # noqa: F401  # keeps OpenVINO and ONNX Runtime, when they are imported, from reporting it
