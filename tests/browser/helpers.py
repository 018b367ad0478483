"""What the browser tests ask of a widget in the page: its handle, its pixels, its controls."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from tests.browser.lab import Lab, wait_for

if TYPE_CHECKING:
    from tests.browser.pages import SavedPage

EXPLORER = ".vw-latent-explorer"


class Widget:
    """The first widget that matches a selector, in JupyterLab or on a saved page."""

    def __init__(self, lab: Lab | SavedPage, selector: str = EXPLORER) -> None:
        self.lab, self.selector = lab, selector

    def ask(self, expression: str) -> Any:
        """Evaluate with `w` the widget's handle and `root` its element; None before there is one."""
        return self.lab.page.evaluate(
            f"""selector => {{
                const root = document.querySelector(selector);
                const w = root?.vaewidgets;
                return w ? ({expression}) : null;
            }}""",
            self.selector,
        )

    def wait(self, expression: str, seconds: float = 60.0) -> Any:
        """Wait until that is so, and the page has drawn since: what is drawn follows at the next frame.

        A notebook that has scrolled the widget away, as to a traceback, has stopped it: what cannot be seen
        is not drawn. It is brought back.
        """
        found = wait_for(lambda: self.ask(expression) or self._bring_back(), expression, seconds)
        self.settle()
        return found

    def _bring_back(self) -> None:
        self.ask(
            """(({top, bottom}) => {
                if (bottom <= 0 || top >= innerHeight) root.scrollIntoView({behavior: 'instant'});
            })(root.getBoundingClientRect())"""
        )

    def settle(self) -> None:
        """Wait until all that was asked for is drawn: two frames, or more where one has no time for all."""
        self.lab.page.evaluate(
            """async () => {
                const waiting = globalThis[Symbol.for("vaewidgets.draw.waiting")];
                for (let frame = 0; frame < 2 || (waiting?.size && frame < 30); frame++)
                    await new Promise(requestAnimationFrame);
            }"""
        )

    def wait_status(self, status: str, seconds: float = 60.0) -> None:
        self.wait(f"w.status === {json.dumps(status)}", seconds)

    @property
    def step(self) -> int:
        return self.ask("w.step")

    def points(self) -> np.ndarray:
        return np.array(self.ask("Array.from(w.points())")).reshape(-1, 2)

    def hover(self, x: float, y: float) -> dict[str, Any]:
        """Move the mouse to a place of the latent plane; returns z, image, ms of what is decoded there."""
        self.scroll_to()
        self.lab.page.mouse.move(0, 0)
        client = self.ask(f"w.toClient({x}, {y})")
        self.lab.page.mouse.move(*client)
        self.wait("w.hover && w.hover.image ? true : false", 10)
        wait_for(
            lambda: np.hypot(*(np.array(self.ask("w.hover.z.slice(0, 2)")) - (x, y))) < 0.2,
            f"the cursor is at {x}, {y}",
            10,
        )
        return self.ask("({z: w.hover.z, image: Array.from(w.hover.image), ms: w.hover.ms})")

    def scroll_to(self) -> None:
        """Bring it into view, and wait until it stands still there: a notebook may still be laid out."""
        # at once: a site may scroll smoothly, and has not set off yet when it is looked at twice
        self.ask("root.scrollIntoView({behavior: 'instant'})")
        seen: list[Any] = [None]

        def still() -> bool:
            seen.append(self.ask("Object.values(root.getBoundingClientRect().toJSON())"))
            return seen[-1] == seen[-2]

        wait_for(still, "the widget stands still", 10)

    def lasso(self, *corners: tuple[float, float]) -> list[int]:
        """Drag around corners in the latent plane; returns the numbers of the points inside."""
        self.scroll_to()
        places = [self.ask(f"w.toClient({x}, {y})") for x, y in corners]
        mouse = self.lab.page.mouse
        mouse.move(*places[0])
        mouse.down()
        for place in [*places[1:], places[0]]:
            mouse.move(*place, steps=5)
        mouse.up()
        return self.ask("Array.from(w.selected())")

    def click(self, selector: str) -> None:
        self.lab.page.locator(f"{self.selector} {selector}").first.click()

    def set_number(self, name: str, value: float) -> None:
        """Type into the exact-value field of a slider."""
        field = self.lab.page.locator(f"{self.selector} .vw-{name} .vw-number").first
        field.fill(str(value))
        field.press("Enter")


def numbers(lab: Lab, expression: str) -> np.ndarray:
    """Evaluate an array in the kernel."""
    code = f"import json, numpy; print(json.dumps(numpy.asarray({expression}, dtype='float64').tolist()))"
    text = lab.execute(code)
    try:
        return np.array(json.loads(text.strip().splitlines()[-1]))
    except (ValueError, IndexError) as error:
        raise AssertionError(f"{expression}: the kernel said {text}") from error


def wait_for_hellos(lab: Lab, name: str) -> None:
    """Wait until the page is known: it says hello twice, and the kernel counts."""
    wait_for(lambda: numbers(lab, f"{name}._hellos") >= 2, "both hellos")
