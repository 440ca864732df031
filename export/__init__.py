"""Makes what livefill runs of what training has made."""

import livefill  # noqa: F401  # keeps OpenVINO and ONNX Runtime, when they are imported, from reporting it
