"""Contrast of text with what lies behind it, as WCAG 2.2 defines it; also where axe leaves it undecided."""

from __future__ import annotations

from typing import Any

__all__ = ["too_faint"]

# 4.5 : 1, or 3 : 1 for large type (24 px, or 18.66 px bold); controls that are off are exempt.
_MEASURE = """selector => {
    const pen = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    const rgba = color => {
        pen.clearRect(0, 0, 1, 1);
        pen.fillStyle = color;
        pen.fillRect(0, 0, 1, 1);
        const [r, g, b, a] = pen.getImageData(0, 0, 1, 1).data;
        return [r, g, b, a / 255];
    };
    const over = (top, below) => below.map((v, i) => i === 3 ? 1 : top[i] * top[3] + v * (1 - top[3]));
    const behind = element => {
        const layers = [];
        for (let at = element; at; at = at.parentElement) {
            const color = rgba(getComputedStyle(at).backgroundColor);
            if (color[3] > 0) layers.push(color);
            if (color[3] === 1) break;
        }
        return layers.reduceRight((below, top) => over(top, below), [255, 255, 255, 1]);
    };
    const luminance = color => {
        const linear = v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
        const [r, g, b] = color.map(v => linear(v / 255));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const seen = element => {
        const box = element.getBoundingClientRect();
        return box.width > 1 && box.height > 1
            && element.checkVisibility({ visibilityProperty: true, opacityProperty: true });
    };
    const found = [];
    let measured = 0;
    for (const root of document.querySelectorAll(selector)) {
        for (const element of root.querySelectorAll('*')) {
            const own = [...element.childNodes].filter(node => node.nodeType === Node.TEXT_NODE);
            const text = own.map(node => node.data.trim()).join('');
            const off = element.closest(':disabled, [aria-disabled=true], [aria-hidden=true]');
            if (!text || off || !seen(element) || element instanceof SVGElement) continue;
            const style = getComputedStyle(element);
            let faded = 1;
            for (let at = element; at; at = at.parentElement) faded *= Number(getComputedStyle(at).opacity);
            const back = behind(element);
            const color = rgba(style.color);
            color[3] *= faded;
            const [a, b] = [luminance(over(color, back)), luminance(back)].sort((x, y) => y - x);
            const ratio = (a + 0.05) / (b + 0.05);
            const size = parseFloat(style.fontSize);
            const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
            measured++;
            if (ratio >= (large ? 3 : 4.5) - 0.005) continue;
            const what = `"${text.slice(0, 40)}" in .${element.className}`;
            found.push(`${root.classList[1]}: ${ratio.toFixed(2)} : 1 ${what}`);
        }
    }
    return [measured, found];
}"""


def too_faint(page: Any, selector: str) -> tuple[int, list[str]]:
    """How many elements with text were measured, and those whose contrast is under AA, one line each."""
    measured, found = page.evaluate(_MEASURE, selector)
    return measured, found
