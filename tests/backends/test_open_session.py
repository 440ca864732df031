from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from networks import there

from livefill.backends import BACKENDS, open_session, runtimes
from livefill.backends.runtimes import RUNTIMES, choose, open_network
from livefill.config import MODELS
from livefill.errors import BackendError, NotInstalledError


@pytest.fixture
def anew() -> Iterator[None]:
    """Measure again, and let later tests do so, too."""
    choose.cache_clear()
    yield
    choose.cache_clear()


@pytest.mark.parametrize("name", ["auto", *BACKENDS])
def test_every_backend_says_what_it_is(name: str) -> None:
    there(name)
    spec = open_session(name).spec
    assert spec.backend in BACKENDS
    assert name in ("auto", spec.backend)  # a backend asked for by name is never replaced by another
    assert spec.name
    assert spec.device
    assert spec.size >= 64


@pytest.mark.parametrize("name", ["metal", "", "Reference", "auto "])
def test_unknown_backend_is_an_error_that_names_the_known(name: str) -> None:
    with pytest.raises(BackendError) as raised:
        open_session(name)
    assert repr(name) in str(raised.value)
    assert all(known in str(raised.value) for known in ("auto", *BACKENDS))


def test_unknown_model_is_an_error_that_names_the_known() -> None:
    with pytest.raises(BackendError) as raised:
        open_session("onnx", "huge")
    assert all(known in str(raised.value) for known in ("'huge'", *MODELS))


def test_the_large_model_on_a_cpu_says_that_it_is_made_for_gpus() -> None:
    spec = open_session("onnx", "hq").spec
    assert (spec.name, spec.size) == ("hq", 512)
    assert "made for GPUs" in spec.warning
    assert open_session("onnx").spec.warning == ""


def test_the_reference_has_no_model() -> None:
    with pytest.raises(BackendError, match="without a generator"):
        open_session("reference", "hq")


@pytest.mark.usefixtures("anew")
def test_auto_measures_what_is_there_and_says_what_it_chose() -> None:
    choice = choose()
    assert choice.runtime in RUNTIMES
    assert choice.reason.startswith(choice.runtime)
    assert all(name in choice.reason for name in RUNTIMES)  # its time, or why it was not measured
    assert choose() is choice


@pytest.mark.usefixtures("anew")
def test_auto_does_without_what_is_missing_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "livefill.backends.openvino", None)  # as if it were not installed
    choice = choose()
    assert choice.runtime == "onnx"
    assert re.search("not installed: .*openvino", choice.reason)
    assert open_session("auto").spec.backend == "onnx"
    with pytest.raises(BackendError, match=r"openvino cannot be used.*pip install 'livefill\[openvino\]'"):
        open_session("openvino")


@pytest.mark.usefixtures("anew")
@pytest.mark.parametrize(("slow", "advised"), [(0.0, True), (1e6, False)])
def test_on_a_slow_machine_auto_says_what_is_quicker(
    slow: float, advised: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtimes, "SLOW", slow)
    reason = choose().reason
    assert ("`--backend reference`" in reason) == advised
    assert ("expect about 20 frames a second or fewer" in reason) == advised


@pytest.mark.usefixtures("anew")
def test_auto_with_no_runtime_gives_every_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str, *, runtime: str, **_: object) -> None:
        raise BackendError(f"{runtime} is out of order.")

    monkeypatch.setattr(runtimes, "open_network", refuse)
    with pytest.raises(BackendError, match=r"onnx is out of order\. .*openvino is out of order\. tensorrt"):
        choose()


@pytest.mark.usefixtures("anew")
@pytest.mark.parametrize(("threads", "chosen"), [(1, "openvino"), (2, "openvino"), (0, "onnx")])
def test_what_waits_for_other_programs_is_not_slow_but_what_waits_for_a_gpu_is(
    threads: int, chosen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wait(_: object) -> None:
        time.sleep(0.01)

    def work(_: object) -> None:
        end = time.process_time() + 0.004
        while time.process_time() < end:
            pass

    def fake(name: str, *, runtime: str, **_: object) -> object:
        if runtime not in ("onnx", "openvino"):
            raise NotInstalledError(name)
        stream = SimpleNamespace(run=wait if runtime == "openvino" else work)
        return SimpleNamespace(threads=threads, device="cpu", inputs={}, stream=lambda: stream)

    monkeypatch.setattr(runtimes, "open_network", fake)
    assert choose().runtime == chosen


@pytest.mark.usefixtures("anew")
def test_a_clock_that_counts_in_steps_tells_runtimes_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    worked = [0.0]  # seconds, which a clock as that of Windows shows in steps

    def fake(name: str, *, runtime: str, **_: object) -> object:
        if runtime not in ("onnx", "openvino"):
            raise NotInstalledError(name)

        def run(_: object) -> None:
            worked[0] += 0.004 if runtime == "openvino" else 0.008

        return SimpleNamespace(threads=2, device="cpu", inputs={}, stream=lambda: SimpleNamespace(run=run))

    monkeypatch.setattr(runtimes, "open_network", fake)
    monkeypatch.setattr(runtimes, "process_time", lambda: worked[0] // 0.0156 * 0.0156)
    assert choose().runtime == "openvino"


def test_networks_of_a_runtime_say_which() -> None:
    assert open_network("observer").runtime == "onnx"
