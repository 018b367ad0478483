/** Written by `python -m vaewidgets.contract.typescript` from vaewidgets/contract. */

/** Keys of the view that all widgets of one run on a page share. @type {string[]} */
export const SHARED = ["hover", "selected", "classes", "color", "time"];
