from __future__ import annotations

import pytest

from livefill.backends import BACKENDS, open_session
from livefill.errors import BackendError


@pytest.mark.parametrize("name", ["auto", *BACKENDS])
def test_every_backend_says_what_it_is(name: str) -> None:
    spec = open_session(name).spec
    assert spec.backend in BACKENDS
    assert name in ("auto", spec.backend)  # a backend asked for by name is never replaced by another
    assert spec.name
    assert spec.device
    assert spec.size >= 64


@pytest.mark.parametrize("name", ["cuda", "", "Reference", "auto "])
def test_unknown_backend_is_an_error_that_names_the_known(name: str) -> None:
    with pytest.raises(BackendError) as raised:
        open_session(name)
    assert repr(name) in str(raised.value)
    assert all(known in str(raised.value) for known in ("auto", *BACKENDS))
