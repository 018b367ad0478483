/** The operations of a decoder or encoder, by torch's names. No DOM. */
import { convolutions } from "./convolution.js";
import { creation } from "./creation.js";
import { elementwise } from "./elementwise.js";
import { indexing } from "./indexing.js";
import { normalisation } from "./normalisation.js";
import { pooling } from "./pooling.js";
import { products } from "./products.js";
import { reductions } from "./reductions.js";
import { constantPad, resampling } from "./resampling.js";
import { views } from "./views.js";

/** @type {import("../builder.js").Operations} */
export const operations = {
  ...elementwise,
  ...reductions,
  ...products,
  ...convolutions,
  ...pooling,
  ...resampling,
  constant_pad_nd: constantPad,
  ...normalisation,
  ...indexing,
  ...views,
  ...creation,
};
