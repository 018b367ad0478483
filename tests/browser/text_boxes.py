"""Where the words of widgets stand, in elements and on canvases: what overlaps, is cut off, or is faint."""

from __future__ import annotations

from typing import Any

__all__ = ["NOTE_TEXT", "draw_all", "faint_on_canvas", "misplaced"]

# Before a page's own program: notes each text that a canvas holds, until the canvas is cleared.
NOTE_TEXT = """(() => {
    const pen = CanvasRenderingContext2D.prototype;
    const { fillText, clearRect } = pen;
    const noted = globalThis.canvasTexts = new WeakMap();
    pen.clearRect = function (...box) {
        noted.set(this.canvas, []);
        return clearRect.apply(this, box);
    };
    pen.fillText = function (text, x, y) {
        const size = this.measureText(text);
        const matrix = this.getTransform();
        const at = (dx, dy) => new DOMPoint(x + dx, y + dy).matrixTransform(matrix);
        const [left, right] = [-size.actualBoundingBoxLeft, size.actualBoundingBoxRight];
        const [top, bottom] = [-size.actualBoundingBoxAscent, size.actualBoundingBoxDescent];
        const corners = [at(left, top), at(right, top), at(left, bottom), at(right, bottom)];
        const [xs, ys] = [corners.map(point => point.x), corners.map(point => point.y)];
        const box = [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
        const [wide, high] = [box[2] - box[0], box[3] - box[1]].map(side => Math.max(side, 1));
        const isWanted = globalThis.notesBehind && this.canvas.isConnected;
        const behind = isWanted ? this.getImageData(box[0], box[1], wide, high).data : null;
        const { fillStyle: color, globalAlpha: alpha } = this;
        if (text.trim()) noted.get(this.canvas)?.push({ text, box, color, alpha, behind });
        return fillText.call(this, text, x, y);
    };
})()"""

_COMMON = """
    const isSeen = element => element.checkVisibility({ visibilityProperty: true, opacityProperty: true })
        && !element.closest('.vw-voice, [aria-hidden=true]:not(.vw-icon)');
    const nameOf = root => root.classList[1];
    const onCanvas = root => [...root.querySelectorAll('canvas')].filter(isSeen).flatMap(canvas => {
        const place = canvas.getBoundingClientRect();
        const ratio = canvas.width / place.width;
        return (canvasTexts.get(canvas) ?? []).map(({ box: [left, top, right, bottom], ...rest }) => ({
            ...rest, canvas, place, left: place.left + left / ratio, top: place.top + top / ratio,
            right: place.left + right / ratio, bottom: place.top + bottom / ratio,
        }));
    });
"""

_MISPLACED = (
    "selector => {"
    + _COMMON
    + """
    // What of a box can be seen inside those that cut it off; scrolled: one of them can be scrolled.
    const clip = (box, element, root) => {
        let { left, top, right, bottom } = box, scrolled = false;
        for (let at = element; at && at !== root; at = at.parentElement) {
            const { overflowX, overflowY } = getComputedStyle(at);
            if (overflowX === 'visible' && overflowY === 'visible') continue;
            const place = at.getBoundingClientRect();
            scrolled ||= [overflowX, overflowY].some(how => how === 'auto' || how === 'scroll');
            [left, right] = [Math.max(left, place.left), Math.min(right, place.right)];
            [top, bottom] = [Math.max(top, place.top), Math.min(bottom, place.bottom)];
        }
        return { left, top, right, bottom, scrolled };
    };
    const inElements = root => {
        const found = [];
        const walk = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
        for (let node = walk.nextNode(); node; node = walk.nextNode()) {
            const element = node.parentElement;
            if (!node.data.trim() || element.closest('option, style, noscript') || !isSeen(element)) continue;
            const range = document.createRange();
            range.selectNodeContents(node);
            for (const { left, top, right, bottom } of range.getClientRects()) {
                const trim = (bottom - top) * 0.2; // a line's box is higher than its letters
                const box = { left, top: top + trim, right, bottom: bottom - trim };
                const shown = clip(box, element, root);
                if (shown.right - shown.left < 1 || shown.bottom - shown.top < 1) {
                    if (!shown.scrolled && right - left > 1)
                        found.push({ ...box, element, lost: true, text: node.data });
                    continue;
                }
                const isCut = !shown.scrolled && (box.right - shown.right > 1 || shown.left - box.left > 1
                    || box.bottom - shown.bottom > 1 || shown.top - box.top > 1);
                found.push({ ...shown, element, isCut, text: node.data });
            }
        }
        return found;
    };
    const pen = document.createElement('canvas').getContext('2d');
    const typed = 'select, input[type=number], input[type=text], input:not([type])';
    const fields = root => [...root.querySelectorAll(typed)]
        .filter(isSeen).filter(field => {
            const style = getComputedStyle(field);
            pen.font = style.font;
            const text = field.selectedOptions?.[0]?.textContent ?? field.value;
            const arrow = field.matches('select') ? 16 : 0;
            const edges = [style.paddingLeft, style.paddingRight].map(parseFloat);
            return pen.measureText(text.trim()).width > field.clientWidth - edges[0] - edges[1] - arrow + 1;
        });
    const found = [];
    for (const root of document.querySelectorAll(selector)) {
        const name = nameOf(root);
        const place = root.getBoundingClientRect();
        const drawn = onCanvas(root);
        for (const one of drawn) {
            const { left, top, right, bottom } = one.place;
            if (one.left < left - 1 || one.top < top - 1 || one.right > right + 1 || one.bottom > bottom + 1)
                found.push(`${name}: cut off at the edge of ${one.canvas.className}: "${one.text}"`);
        }
        const written = inElements(root);
        for (const one of written) {
            const what = `"${one.text.trim().slice(0, 60)}" in .${one.element.getAttribute('class')}`;
            if (one.lost || one.isCut) found.push(`${name}: cut off: ${what}`);
            else if (one.left < place.left - 1 || one.right > place.right + 1
                || one.top < place.top - 1 || one.bottom > place.bottom + 1)
                found.push(`${name}: outside: ${what}`);
        }
        for (const field of fields(root)) found.push(`${name}: cut off in its field: .${field.className}`);
        const all = [...drawn, ...written.filter(one => !one.lost)];
        for (let i = 0; i < all.length; i++) for (let j = 0; j < i; j++) {
            const [a, b] = [all[i], all[j]];
            if (a.element && a.element === b.element) continue;
            const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
            const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
            if (across > 1 && down > 1)
                found.push(`${name}: ${[b, a].map(({ text }) => `"${text.trim()}"`).join(' and ')} `
                    + `overlap by ${across.toFixed(0)} x ${down.toFixed(0)} px`);
        }
    }
    return [...new Set(found)];
}"""
)

_FAINT = (
    "selector => {"
    + _COMMON
    + """
    const luminance = (r, g, b) => {
        const linear = v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
        return 0.2126 * linear(r / 255) + 0.7152 * linear(g / 255) + 0.0722 * linear(b / 255);
    };
    const pen = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    const rgba = color => {
        pen.clearRect(0, 0, 1, 1);
        pen.fillStyle = color;
        pen.fillRect(0, 0, 1, 1);
        return pen.getImageData(0, 0, 1, 1).data;
    };
    let measured = 0;
    const found = new Set();
    for (const root of document.querySelectorAll(selector)) {
        const page = rgba(getComputedStyle(root).backgroundColor);
        for (const { text, color, alpha, behind } of onCanvas(root)) {
            if (!behind) continue;
            measured++;
            const ink = rgba(color);
            const ratios = [];
            for (let i = 0; i < behind.length; i += 4) {
                const share = behind[i + 3] / 255;
                const under = [0, 1, 2].map(c => behind[i + c] * share + page[c] * (1 - share));
                const cover = (ink[3] / 255) * alpha;
                const over = [0, 1, 2].map(c => ink[c] * cover + under[c] * (1 - cover));
                const [a, b] = [luminance(...over), luminance(...under)].sort((x, y) => y - x);
                ratios.push((a + 0.05) / (b + 0.05));
            }
            const ratio = ratios.sort((x, y) => x - y)[ratios.length >> 1];
            if (ratio < 4.495) found.add(`${nameOf(root)}: ${ratio.toFixed(2)} : 1 "${text}" on a canvas`);
        }
    }
    return [measured, [...found]];
}"""
)


def draw_all(page: Any, behind: bool = False) -> None:
    """Have all be drawn that is out of sight, too; `behind`: and what lies behind each text be noted."""
    page.evaluate(
        """behind => new Promise(done => {
            globalThis[Symbol.for('vaewidgets.draw.all')] = true;
            globalThis.notesBehind = behind;
            document.documentElement.classList.toggle('drawn-again'); // they look at the theme
            let frames = 6;
            const next = () => --frames ? requestAnimationFrame(next) : done();
            requestAnimationFrame(next);
        })""",
        behind,
    )


def misplaced(page: Any, selector: str = ".vw-root") -> list[str]:
    """What overlaps, is cut off or stands outside of its widget, one line each."""
    found: list[str] = page.evaluate(_MISPLACED, selector)
    return found


def faint_on_canvas(page: Any, selector: str = ".vw-root") -> tuple[int, list[str]]:
    """How many texts on canvases were measured, and those whose contrast is under 4.5 : 1, one line each."""
    measured, found = page.evaluate(_FAINT, selector)
    return measured, found
