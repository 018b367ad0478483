/**
 * Short codes of answers: a number of a known range, a mark of the question, and a letter against mistypes.
 * vaewidgets/widgets/prediction/answer_codes.py does the same, and makes the marks. No DOM.
 */

const LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/** Odd weights: one wrong letter is always noticed. @param {string} letters */
function check(letters) {
  const sum = [...letters].reduce((all, letter, i) => all + (2 * i + 1) * LETTERS.indexOf(letter), 0);
  return LETTERS[sum % 32];
}

/** How many letters a number below `size` takes. @param {number} size */
export function lengthOf(size) {
  let length = 1;
  while (32 ** length < size) length++;
  return length;
}

/** @param {string} mark @param {number} number from 0 to `size` − 1 @param {number} size */
export function codeOf(mark, number, size) {
  let letters = "";
  let rest = number;
  for (let i = lengthOf(size); i > 0; i--) {
    letters = LETTERS[rest % 32] + letters;
    rest = Math.floor(rest / 32);
  }
  return `${mark}-${letters}${check(mark + letters)}`;
}

/** @param {string} text what may be mistaken for another letter is taken for what it must be */
export const plainCode = (text) =>
  text.replace(/[\s-]/g, "").replace(/[il]/gi, "1").replace(/o/gi, "0").toUpperCase();

/**
 * @param {string} mark @param {string} code @param {number} size
 * @returns {number | null} null where it is mistyped, cut off, or of another question
 */
export function readCode(mark, code, size) {
  const plain = plainCode(code);
  if (plain.length !== mark.length + lengthOf(size) + 1) return null;
  if ([...plain].some((letter) => !LETTERS.includes(letter))) return null;
  if (plain.slice(0, 2) !== mark || plain.at(-1) !== check(plain.slice(0, -1))) return null;
  const number = [...plain.slice(2, -1)].reduce((all, letter) => 32 * all + LETTERS.indexOf(letter), 0);
  return number < size ? number : null;
}
