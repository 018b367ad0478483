/**
 * Style sheets that no host's rule wins over. JupyterLab says `.jp-ThemedContainer button {…}`, which counts more than
 * `.vw-handle {…}`; marimo and sites of documentation have the like. Each of our selectors therefore gets a condition
 * that every element meets and that counts as two ids. Among our own rules nothing changes.
 */

/** No element has two ids. */
const ALWAYS = ":not(#v#w)";

/** Parts of a list of selectors. @param {string} list @returns {string[]} */
function parts(list) {
  let depth = 0;
  let part = "";
  const found = [];
  for (const sign of list) {
    if (sign === "(" || sign === "[") depth++;
    else if (sign === ")" || sign === "]") depth--;
    if (sign === "," && !depth) {
      found.push(part);
      part = "";
    } else part += sign;
  }
  return [...found, part];
}

/** @param {string} selector */
function raised(selector) {
  const bare = selector.trim();
  // Two of the pseudo-elements are written with one colon, too.
  return bare.replace(/(?:::[\w-]+|:before|:after)?$/, (element) => ALWAYS + element);
}

/**
 * @param {string} css as esbuild writes it: no comments, no nested rules, no braces in texts
 * @returns {string}
 */
export function raise(css) {
  let out = "";
  let from = 0;
  let keyframes = 0; // how deep in one: its selectors are moments
  for (let at = 0; at < css.length; at++) {
    if (css[at] === "}") {
      keyframes = Math.max(keyframes - 1, 0);
    } else if (css[at] === ";") {
      // a declaration, or a rule without a block
    } else if (css[at] === "{") {
      const prelude = css.slice(from, at);
      if (keyframes || prelude.trim().startsWith("@keyframes")) keyframes++;
      const isSelector = !keyframes && !prelude.trim().startsWith("@");
      out += `${isSelector ? parts(prelude).map(raised).join(",") : prelude}{`;
      from = at + 1;
      continue;
    } else continue;
    out += css.slice(from, at + 1);
    from = at + 1;
  }
  return out + css.slice(from);
}
