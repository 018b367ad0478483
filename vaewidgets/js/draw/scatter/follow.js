/** The scatter's camera: it follows the cloud until somebody chooses a view, and flies from one place to the next. */
import { easeOut } from "../../host/painter.js";
import { between, fit, steady } from "../../maths/camera.js";

/**
 * @typedef {import("../../maths/camera.js").Camera} Camera
 * @typedef {import("../../maths/camera.js").Extent} Extent
 * @typedef {import("../pen.js").Box} Box
 */

const FLIGHT_MS = 350;

export function createFollow() {
  /** @type {Camera} */
  let camera = { cx: 0, cy: 0, scale: 60 };
  /** Where it goes, and how far it has come. @type {{from: Camera, to: Camera, start: number} | null} */
  let flight = null;
  let own = false;
  /** @type {Extent | null} */
  let held = null;

  /** @param {Box} box @param {boolean} jump @param {number} now */
  function go(box, jump, now) {
    if (!held) return;
    const to = fit(held, box);
    if (jump) camera = to;
    flight = jump ? null : { from: camera, to, start: now };
  }

  return {
    get camera() {
      return camera;
    },
    /** Whether somebody chose the view. */
    get own() {
      return own;
    },
    get moving() {
      return flight !== null;
    },
    /** Show all of this. @param {Extent} content @param {Box | null} box null: not known yet @param {boolean} jump @param {number} now */
    aim(content, box, jump, now) {
      const next = steady(held, content);
      if (next === held && !jump) return;
      held = next;
      if (!own && box) go(box, jump, now);
    },
    /** The box has another size. @param {Box} box */
    resize(box) {
      if (!own) go(box, true, 0);
    },
    /** @param {number} now */
    advance(now) {
      if (!flight) return;
      const t = Math.min((now - flight.start) / FLIGHT_MS, 1);
      camera = between(flight.from, flight.to, easeOut(Math.max(t, 0)));
      if (t >= 1) flight = null;
    },
    /** Somebody chose this view. @param {Camera} next */
    choose(next) {
      own = true;
      flight = null;
      camera = next;
    },
    /** Follow again. @param {Box} box @param {boolean} jump */
    reset(box, jump) {
      own = false;
      go(box, jump, performance.now());
    },
  };
}
