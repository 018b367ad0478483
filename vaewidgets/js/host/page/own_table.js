/** A table of numbers, an image a row, with a label in front or under a name. No DOM. */

const LABEL = /^(label|class|target|y|digit)$/i;

/**
 * @param {string} text
 * @param {{file: string, wanted: number, most: number}} opts
 *   wanted: numbers of one image of the page; most: rows to take
 * @returns {{values: Uint8Array, n: number, columns: number, names: string[], notes: string[]}}
 *   values: (n, columns), 0…255; names: a label a row, or none at all
 */
export function readTable(text, { file, wanted, most }) {
  const lines = text.split(/\r?\n/).filter((line) => line.trim());
  if (!lines.length) throw new Error(`${file} is empty; expected a row of numbers for each image.`);
  const mark = ["\t", ";", ","].find((one) => lines[0].includes(one)) ?? /\s+/;
  const cells = (/** @type {string} */ line) =>
    line
      .trim()
      .split(mark)
      .map((cell) => cell.trim().replace(/^"(.*)"$/, "$1"));
  const first = cells(lines[0]);
  const header = first.some((cell) => cell === "" || Number.isNaN(Number(cell))) ? first : null;
  const rows = lines.slice(header ? 1 : 0);
  if (!rows.length)
    throw new Error(`${file} has a header and no rows; expected a row of numbers for each image.`);
  const width = cells(rows[0]).length;
  const at = labelColumn(header, width, wanted);
  const columns = width - (at === null ? 0 : 1);
  if (columns !== wanted && Math.round(Math.sqrt(columns)) ** 2 !== columns) {
    throw new Error(
      `${file} has ${width} columns; expected ${wanted} pixels (and a label), or those of a square image.`,
    );
  }
  const n = Math.min(rows.length, most);
  const notes =
    n < rows.length
      ? [`The first ${most.toLocaleString("en")} of ${rows.length.toLocaleString("en")} rows were taken.`]
      : [];
  const numbers = new Float32Array(n * columns);
  const names = /** @type {string[]} */ ([]);
  for (let row = 0; row < n; row++) {
    const found = cells(rows[row]);
    const line = row + (header ? 2 : 1);
    if (found.length !== width)
      throw new Error(`${file}, line ${line}: ${found.length} columns; the first row has ${width}.`);
    if (at !== null) names.push(found.splice(at, 1)[0]);
    found.forEach((cell, i) => {
      const value = cell === "" ? Number.NaN : Number(cell);
      if (!(value >= 0 && value < Number.POSITIVE_INFINITY)) {
        throw new Error(
          `${file}, line ${line}: ${JSON.stringify(cell.slice(0, 20))} is no number of 0 or above.`,
        );
      }
      numbers[row * columns + i] = value;
    });
  }
  return { ...scaled(numbers, notes), n, columns, names, notes };
}

/** Which column holds labels, or null. @param {string[] | null} header @param {number} width @param {number} wanted */
function labelColumn(header, width, wanted) {
  const named = header?.findIndex((name) => LABEL.test(name)) ?? -1;
  if (named >= 0) return named;
  const isSquare = (/** @type {number} */ n) => Math.round(Math.sqrt(n)) ** 2 === n;
  return width - 1 === wanted || (width !== wanted && !isSquare(width) && isSquare(width - 1)) ? 0 : null;
}

/** Numbers as bytes: 255 is white, whatever the table's largest is. @param {Float32Array} numbers @param {string[]} notes */
function scaled(numbers, notes) {
  const largest = numbers.reduce((most, value) => Math.max(most, value), 0);
  const white = largest <= 1 ? 1 : largest > 128 && largest <= 255 ? 255 : largest;
  if (white !== 1 && white !== 255) notes.push(`The largest number, ${white}, was taken as white.`);
  return { values: Uint8Array.from(numbers, (value) => Math.round((255 * value) / white)) };
}
