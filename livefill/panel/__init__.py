"""The panel: a page on this machine that shows what livefill does, and steers it."""

from __future__ import annotations

from livefill.panel.panel import Panel

__all__ = ["Panel"]
