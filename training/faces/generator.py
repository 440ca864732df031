"""Draw synthetic people with MobileStyleGAN (arXiv 2104.04767), as the `random-face` package (Apache-2.0) ships it.

The package's two OpenVINO graphs are read directly. Its synthesis graph feeds one style to 23 layers; here each layer
gets its own (the space W+), so that one person can be moved without becoming another.
"""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from livefill.types import RGB

if TYPE_CHECKING:
    import openvino

__all__ = ["LAYERS", "STYLE", "FaceGenerator", "Styles"]

Styles = NDArray[np.float32]  # (LAYERS, STYLE), or (STYLE,) for the same style in every layer
LAYERS = 23
STYLE = 512
MEAN_OF = 4096  # random styles that the mean person is the mean of


class FaceGenerator:
    """The mapping and synthesis networks; the noise inside is fixed, so a style always gives the same picture."""

    def __init__(self) -> None:
        import openvino

        core = openvino.Core()
        core.set_property("CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        data = _package_data()
        mapping = core.read_model(data / "MappingNetwork.xml")
        mapping.reshape({"var": [-1, STYLE]})
        synthesis = core.read_model(data / "SynthesisNetwork.xml")
        _give_each_layer_its_style(synthesis)
        self._mapping = core.compile_model(mapping, "CPU")
        self._synthesis = core.compile_model(synthesis, "CPU")
        self.mean = self.sample(np.random.default_rng(0), MEAN_OF).mean(0)

    def sample(self, random: np.random.Generator, count: int) -> NDArray[np.float32]:
        """Return `count` random styles (count, STYLE)."""
        return np.asarray(self._mapping(random.standard_normal((count, STYLE), np.float32))[0])

    def person(self, seed: int, *, truncation: float = 0.7) -> Styles:
        """Return the styles (LAYERS, STYLE) of a person; a lower truncation is a more ordinary face."""
        style = self.sample(np.random.default_rng(seed), 1)[0]
        return np.tile(self.mean + truncation * (style - self.mean), (LAYERS, 1))

    def render(self, styles: Styles) -> RGB:
        """Return the picture (1024, 1024, 3) of these styles."""
        image = self._synthesis(np.broadcast_to(styles, (LAYERS, STYLE)).astype(np.float32))[0][0]
        return np.ascontiguousarray(np.clip(image.transpose(1, 2, 0) * 127.5 + 128, 0, 255).astype(np.uint8))


def _package_data() -> Path:
    package = importlib.util.find_spec("random_face")  # its own code needs an OpenVINO of 2021: only find it
    if package is None or package.origin is None:
        raise ModuleNotFoundError("The package random-face is missing: pip install --no-deps random-face==2021.7.21.1")
    return Path(package.origin).parent / "data"


def _give_each_layer_its_style(model: openvino.Model) -> None:
    """Replace the input (1, STYLE) by one of (LAYERS, STYLE), a row for each layer that reads it."""
    from openvino import opset13 as ops

    shared = model.inputs[0].get_node()
    readers = [port.get_node() for port in shared.output(0).get_target_inputs()]
    styled = sorted((node for node in readers if node.get_type_name() == "MatMul"), key=_number)
    if len(styled) != LAYERS:
        raise ValueError(f"The synthesis network has {len(styled)} styled layers, not {LAYERS}: another version?")
    styles = ops.parameter([LAYERS, STYLE], np.float32, name="styles")
    styles.output(0).get_tensor().set_names({"styles"})
    rows = ops.split(styles, ops.constant(0), LAYERS).outputs()
    for row, node in zip(rows, styled, strict=True):
        node.input(0).replace_source_output(row)
    for port in shared.output(0).get_target_inputs():  # what is left only asks for the batch's size
        port.replace_source_output(rows[0])
    model.add_parameters([styles])
    model.remove_parameter(shared)
    model.validate_nodes_and_infer_types()


def _number(node: openvino.Node) -> int:
    """Return the number in a node's name, which follows the order of the layers."""
    return int(re.findall(r"\d+", node.get_friendly_name())[0])
