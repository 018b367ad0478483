"""A page that holds widgets without a kernel: models are set from outside, views opened and closed.

It takes the bundle of any anywidget, other projects' too.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import vaewidgets as vw
from tests.browser.conftest import find_browser
from tests.browser.lab import CHROMIUM_ARGUMENTS
from vaewidgets.publish.embed import split_buffers

__all__ = ["ORIGIN", "Page", "encoded", "new_page", "plain"]

ORIGIN = "http://bench.invalid"

# A host for the bundles: models that are set from here, views that are opened and closed.
HOST = """
const place = document.body;
const bytes = (text) => {
  const raw = atob(text), out = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) out[i] = raw.charCodeAt(i); // Uint8Array.from takes seconds for 16 MB
  return out;
};
const styles = new Set();
window.parse = (saved) => {
  const state = structuredClone(saved.state);
  for (const [path, text] of saved.buffers) {
    let at = state;
    for (const key of path.slice(0, -1)) at = at[key];
    at[path.at(-1)] = new DataView(bytes(text).buffer);
  }
  return state;
};
class Model {
  constructor(state) { this.state = state; this.listeners = new Map(); }
  get(key) { return this.state[key]; }
  set(key, value) { this.receive({ [key]: value }); }
  // As an update from the kernel: all is set before anything is told.
  receive(news) {
    Object.assign(this.state, news);
    for (const key of Object.keys(news)) for (const f of this.listeners.get(`change:${key}`) ?? []) f();
  }
  on(event, f) { this.listeners.set(event, (this.listeners.get(event) ?? new Set()).add(f)); }
  off(event, f) { if (f) this.listeners.get(event)?.delete(f); else this.listeners.delete(event); }
  send() {}
  save_changes() {}
}
window.given = async () => JSON.parse(await document.getElementById("given").files[0].text());
window.open_widget = async (name, state) => {
  const { default: widget } = await import(`/${name}.js`);
  const el = place.appendChild(document.createElement("div"));
  const model = new Model(state);
  const clean = await widget.render({ model, el });
  return { model, el, root: el.querySelector(".vw-root"),
    close() {
      clean();
      el.remove();
      return [...model.listeners.values()].reduce((n, set) => n + set.size, 0);
    } };
};
window.frame = () => new Promise(requestAnimationFrame);
// How long the page works in its next frame: callbacks, then style, layout and paint.
window.frameWork = () => new Promise((resolve) => {
  const { port1, port2 } = new MessageChannel();
  requestAnimationFrame(() => {
    const begun = performance.now();
    port1.onmessage = () => { port1.close(); resolve(performance.now() - begun); };
    port2.postMessage(0);
  });
});
window.settle = async () => { for (let i = 0; i < 6; i++) await frame(); };
window.quantiles = (list, ...qs) => {
  list.sort((a, b) => a - b);
  return qs.map((q) => list[Math.min(list.length - 1, Math.floor(list.length * q))]);
};
window.ready = true;
"""


def plain(widget: Any) -> dict[str, Any]:
    """State of a widget without its time line, as JSON: the rest, and [path, base64] for each buffer."""
    state = {k: v for k, v in widget.get_state().items() if not k.startswith(("_", "time_"))}
    return encoded(state)


def encoded(state: dict[str, Any]) -> dict[str, Any]:
    rest, buffers = split_buffers(state)
    return {"state": rest, "buffers": [[path, base64.b64encode(b).decode()] for path, b in buffers]}


class Page:
    """A browser page with the host in it, and the protocol to ask for its memory."""

    def __init__(self, page: Any, static: Path) -> None:
        self.page = page
        css = (static / "vaewidgets.css").read_text()
        body = f"<input type=file id=given hidden><script type=module>{HOST}</script>"
        html = f"<!doctype html><style>{css}</style><body>{body}"
        page.route(f"{ORIGIN}/", lambda r: r.fulfill(body=html, content_type="text/html"))
        page.route(
            f"{ORIGIN}/*.js",
            lambda r: r.fulfill(
                path=static / r.request.url.rsplit("/", 1)[1], content_type="text/javascript"
            ),
        )
        page.goto(f"{ORIGIN}/")
        page.wait_for_function("window.ready")
        self.protocol = page.context.new_cdp_session(page)

    def give(self, path: Path) -> None:
        """Hand a file to the page, as `given()`: large ones go through the protocol slowly."""
        self.page.set_input_files("#given", path)

    def add_module(self, name: str, esm: Path, css: Path) -> None:
        """Serve another project's bundle as `name`, and put its style sheet into the page."""
        self.page.route(f"{ORIGIN}/{name}.js", lambda r: r.fulfill(path=esm, content_type="text/javascript"))
        self.page.add_style_tag(path=css)

    def ask(self, script: str, argument: Any = None) -> Any:
        return self.page.evaluate(script, argument)

    def heap(self) -> tuple[float, int]:
        """Megabytes of the heap after a collection, and the number of event listeners."""
        for _ in range(3):
            self.protocol.send("HeapProfiler.collectGarbage")
        used = self.protocol.send("Runtime.getHeapUsage")["usedSize"] / 1e6
        return used, self.protocol.send("Memory.getDOMCounters")["jsEventListeners"]


@contextmanager
def new_page() -> Iterator[Callable[[], Page]]:
    from playwright.sync_api import sync_playwright

    static = Path(vw.__file__).parent / "static"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=CHROMIUM_ARGUMENTS)
        yield lambda: Page(browser.new_page(viewport={"width": 1200, "height": 900}), static)
        browser.close()
