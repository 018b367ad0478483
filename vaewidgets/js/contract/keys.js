/** Written by `python -m vaewidgets.contract.typescript`; change vaewidgets/contract/keys.py instead. */

/** Keys of the view that all widgets of one run share. */
export const SHARED = ["hover", "selected", "classes", "color", "time"];
