"""What of a widget moves or changes its size while its run trains, and while its controls are turned."""

from __future__ import annotations

from typing import Any

__all__ = ["moved_in_training", "moved_when_turned"]

# Begins a run. Places of all panels in their widgets at each frame of the browser until it is over: those
# that took more than one. Of widgets that stay as they were saved, and say so from the first step on, nothing
# is asked.
_TRAINING = """async () => {
    const explorer = document.querySelector('.vw-latent-explorer');
    const names = ['head', 'controls', 'stage', 'part-images', 'part-way', 'part-curves', 'part-bars',
        'legend', 'look', 'time', 'panel', 'bars'].map(name => `.vw-${name}`);
    const parts = [...document.querySelectorAll('.vw-root')].flatMap(root => {
        const inside = root === explorer ? names.map(name => root.querySelector(name))
            : root.querySelectorAll('.vw-body, .vw-body > *, .vw-body > * > *');
        // The numbers of the run before come last in the explorer: it alone may become longer.
        const all = root === explorer ? inside : [root, ...inside];
        return all.map(part => ({ root, part, seen: new Set() }));
    });
    const now = () => `${explorer.vaewidgets.frame.run.id} ${explorer.vaewidgets.status}`;
    const before = now();
    const buttons = explorer.querySelectorAll('.vw-toolbar :is(.vw-lead, .vw-main-button:not(.vw-plain))');
    [...buttons].find(button => button.checkVisibility()).click();
    for (;;) {
        const from = new Map(parts.map(({ root }) => [root, root.getBoundingClientRect()]));
        for (const { root, part, seen } of parts) {
            if (!part.isConnected || !part.checkVisibility()) continue;
            const { x, y, width, height } = part.getBoundingClientRect();
            const at = part === root ? [x, 0] : [x, y - from.get(root).y];
            seen.add([...at, width, height].map(Math.round).join());
        }
        if (now() !== before && explorer.vaewidgets.status === 'finished') break;
        await new Promise(requestAnimationFrame);
    }
    return parts.filter(({ root, seen }) => seen.size > 1 && !root.querySelector('.vw-thinned:not([hidden])'))
        .map(({ root, part, seen }) => [root.classList[1], part.className, ...seen]);
}"""

# Each control, and how often it is turned. What a widget says of it changes with each turn.
_CONTROLS = {
    "vw-annealing-schedule": {".vw-segment-input": 5},
    "vw-interpolation-strip": {
        ".vw-end-0 .vw-next": 4,
        ".vw-end-0 select": 4,
        ".vw-end-1 select": 7,
        ".vw-mode select": 2,
    },
    "vw-codebook-usage": {".vw-cells-canvas": 8},
    "vw-beta-axis": {".vw-beta .vw-slider": 7},
    "vw-elbo-microscope": {".vw-next": 3, ".vw-step": 3, ".vw-beta .vw-slider": 5, ".vw-samples input": 2},
    "vw-latent-arithmetic": {".vw-group-0 select": 5, ".vw-group-1 select": 7, ".vw-amount .vw-slider": 3},
    "vw-latent-geometry": {".vw-map-handle": 2, ".vw-uncertainty input": 2},
    "vw-learned-prior": {".vw-new-draw": 4, ".vw-fit": 1},
}
_TURNED = """async controls => {
    const frames = async count => { while (count--) await new Promise(requestAnimationFrame); };
    const say = (one, ...names) => {
        for (const name of names) one.dispatchEvent(new Event(name, { bubbles: true }));
    };
    const turn = (one, k, times) => {
        if (one.matches('select')) {
            one.selectedIndex = k % one.options.length;
            say(one, 'change');
        } else if (one.matches('[type=range]')) {
            one.value = +one.min + (k / (times - 1)) * (one.max - one.min);
            say(one, 'input', 'change');
        } else if (one.matches('canvas, .vw-map-handle')) {
            const key = ['ArrowRight', 'ArrowDown', 'ArrowLeft', 'ArrowUp'][k % 4];
            one.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
        } else one.click();
    };
    const found = [];
    for (const [name, acts] of Object.entries(controls)) {
        const root = document.querySelector(`.${name}`);
        const parts = [root, ...root.querySelectorAll('.vw-body, .vw-body > *, .vw-body > * > *')]
            .map(part => ({ part, seen: new Map() }));
        const said = new Set();
        const look = why => {
            const from = root.getBoundingClientRect();
            for (const { part, seen } of parts) {
                if (!part.isConnected || !part.checkVisibility()) continue;
                const { x, y, width, height } = part.getBoundingClientRect();
                const at = part === root ? 0 : y - from.y;
                const key = [x, at, width, height].map(Math.round).join();
                if (!seen.has(key)) seen.set(key, why);
            }
            said.add(root.textContent);
        };
        const settle = async why => {
            do {
                await frames(2);
                look(why);
            } while (root.vaewidgets.left > 0 || root.vaewidgets.pending);
        };
        await settle('before');
        for (const [selector, times] of Object.entries(acts)) for (let k = 0; k < times; k++) {
            const all = root.querySelectorAll(selector);
            turn(all[k % all.length], k, times);
            await settle(`${selector}, ${k}`);
        }
        if (said.size < 4) found.push([name, 'nothing was turned']);
        for (const { part, seen } of parts)
            if (seen.size > 1) found.push([name, part.className, ...[...seen].map(one => one.join(': '))]);
    }
    return found;
}"""


def moved_in_training(page: Any) -> list[list[str]]:
    """Have the explorer train a run to its end; each part that moved: its widget, its class, its places."""
    found: list[list[str]] = page.evaluate(_TRAINING)
    return found


def moved_when_turned(page: Any) -> list[list[str]]:
    """Turn the controls of the widgets whose words they change; as `moved_in_training`, with the turns."""
    found: list[list[str]] = page.evaluate(_TURNED, _CONTROLS)
    return found
