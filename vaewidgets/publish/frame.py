"""A page in a frame of somebody else's output: for hosts that have no widget manager."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

from vaewidgets.errors import OptionError
from vaewidgets.publish.page import page_html, still_html

FRAME_BYTES = 5_000_000  # of the HTML text; some hosts refuse outputs of 10 MB, and a notebook has several
HEIGHT_PX = 640  # until the page says its own, and where nobody listens

# Without `allow-same-origin` the page has an origin of its own: it reaches nothing of the notebook's.
_SANDBOX = "allow-scripts allow-downloads allow-modals"

# One listener for all frames of a document. Only a frame's own window can set its height, and only to a
# number. In return the frame is told whether it stands on a dark ground.
_LISTENER = """(() => {
if (window.vaewidgetsFrames) return;
window.vaewidgetsFrames = true;
const isDark = (el) => {
  for (; el; el = el.parentElement) {
    const [r, g, b, a = 1] = getComputedStyle(el).backgroundColor.match(/[\\d.]+/g) || [0, 0, 0, 0];
    if (a > 0.5) return 0.3 * r + 0.6 * g + 0.1 * b < 128;
  }
  return false;
};
addEventListener("message", ({ source, data }) => {
  const height = data ? data.vaewidgetsHeight : 0;
  if (!Number.isFinite(height) || height < 1) return;
  for (const frame of document.querySelectorAll("iframe.vw-frame")) {
    if (frame.contentWindow !== source) continue;
    frame.style.height = Math.min(height, 20000) + "px";
    source.postMessage({ vaewidgetsDark: isDark(frame.parentElement) }, "*");
  }
});
})();"""

# Where a host takes the frame out, the picture behind it is what is left.
_FRAME = """<div class="vw-frame-output">
<style>.vw-frame + .vw-frame-still {{ display: none }}</style>
<iframe class="vw-frame" title="{title}" sandbox="{sandbox}" allow="fullscreen"
 style="display: block; width: 100%; height: {height}px; border: 0; color-scheme: normal"
 srcdoc="{page}"></iframe>
<div class="vw-frame-still">{stills}
<p>A still picture: this place runs no scripts. The widget is alive where they may run: trust this notebook,
 or run its cell again.</p></div>
<script>{listener}</script>
</div>"""


def frame_html(
    states: Sequence[Mapping[str, Any]],
    *,
    title: str,
    stills: Sequence[bytes | None] = (),
    trainings: Mapping[str, Mapping[str, Any]] | None = None,
    limit: int = FRAME_BYTES,
) -> str:
    """Return widgets as one HTML output that stands alone: the page in a sandboxed frame, its picture behind.

    Parameters
    ----------
    states, title, stills, trainings
        As `page_html` takes them.
    limit : int
        Most bytes that the text may have.

    Raises
    ------
    OptionError
        If it has more, there are no states, or one has no module.
    """
    page = page_html(states, title=title, stills=stills, trainings=trainings, framed=True)
    text = _FRAME.format(
        title=html.escape(title),
        sandbox=_SANDBOX,
        height=HEIGHT_PX,
        page=html.escape(page),
        stills="\n".join(still_html(png) for png in stills if png),
        listener=_LISTENER,
    )
    size = len(text.encode())
    if size > limit:
        raise OptionError(
            f"{title} as HTML has {size / 1e6:.1f} MB; expected at most {limit / 1e6:.1f} MB for an output "
            "of a notebook. Show fewer points or images, or save a page beside the notebook: "
            'vw.save_html(widget, "page.html").'
        )
    return text
