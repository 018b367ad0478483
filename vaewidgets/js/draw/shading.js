/** A part of a plane that is shaded cell by cell, without steps between the cells. */

const INK = { light: [70, 84, 98], dark: [214, 224, 232] };

export function createShading() {
  const canvas = document.createElement("canvas");
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  let extent = /** @type {import("../maths/camera.js").Extent | null} */ (null);
  /** @type {ArrayLike<number>} */
  let shares = [];
  let inked = "";

  /** @param {"light"|"dark"} scheme */
  function ink(scheme) {
    if (inked === scheme) return;
    inked = scheme;
    const cells = Math.sqrt(shares.length);
    canvas.width = cells;
    canvas.height = cells;
    const image = context.createImageData(cells, cells);
    for (let c = 0; c < shares.length; c++) {
      const row = cells - 1 - Math.floor(c / cells);
      image.data.set([...INK[scheme], Math.round(255 * shares[c])], 4 * (row * cells + (c % cells)));
    }
    context.putImageData(image, 0, 0);
  }

  return {
    /**
     * @param {ArrayLike<number>} next how much ink, 0…1: of as many rows as columns, the lowest first
     * @param {import("../maths/camera.js").Extent} across what they cover
     */
    update(next, across) {
      [shares, extent, inked] = [next, across, ""];
    },
    /** @param {import("./pen.js").PlotPen} pen */
    draw(pen) {
      if (!extent || !shares.length) return;
      ink(pen.theme.scheme);
      const [left, top] = [pen.x(extent.x0), pen.y(extent.y1)];
      pen.context.imageSmoothingEnabled = true;
      pen.context.drawImage(canvas, left, top, pen.x(extent.x1) - left, pen.y(extent.y0) - top);
    },
  };
}
