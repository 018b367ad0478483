/**
 * The rules of the encoder–decoder card game: pure functions from one state to the next. No DOM.
 *
 * @typedef {"two"|"one"|"bits"} Bottleneck
 * @typedef {{bottleneck: Bottleneck, bits: number, cards: number[], codes: [number, number[]][], order: number[],
 *   guesses: number[], swapped: boolean}} Round  codes: card and its numbers
 * @typedef {{bottleneck: Bottleneck, bits: number, cards: number[], encoder: "person"|"optimal",
 *   decoder: "person"|"learner", phase: "encode"|"pass"|"decode"|"shown"|"summary", properties: string[],
 *   codes: [number, number[]][], order: number[], guesses: number[], book: [number[], number][],
 *   swapped: boolean, rounds: Round[], seed: number}} Game
 *   book: what the decoder was shown, a code and its card; swapped: the book is another group's
 */

import { uniforms } from "../../contract/random.js";
import { formatSetting } from "../../maths/format.js";
import { shuffled } from "../../maths/gaussian.js";

export const FIVE = [0, 1, 3, 7, 8];
export const NINE = [0, 1, 2, 3, 4, 5, 7, 8, 9];
export const MOST_NUMBER = 99;
const MOST_BOOK = 200;
const MOST_ROUNDS = 60;

/** How many numbers a code has. @param {Pick<Game, "bottleneck"|"bits">} game */
export function codeLength({ bottleneck, bits }) {
  return bottleneck === "two" ? 2 : bottleneck === "one" ? 1 : bits;
}

/** How many cards have to share the code of another one, at the least. @param {Pick<Game, "bottleneck"|"bits"|"cards">} game */
export function leastShared({ bottleneck, bits, cards }) {
  return bottleneck === "bits" ? Math.max(0, cards.length - 2 ** bits) : 0;
}

/** @param {Game|Round} game @param {number[]} code @returns {boolean} */
export function isCode(game, code) {
  const fits = (/** @type {number} */ value) =>
    game.bottleneck === "bits"
      ? value === 0 || value === 1
      : Number.isFinite(value) && Math.abs(value) <= MOST_NUMBER;
  return code.length === codeLength(game) && code.every(fits);
}

/** Wrong guesses of a round. @param {Pick<Round, "order"|"guesses">} round */
export function wrong({ order, guesses }) {
  return guesses.reduce((sum, guess, i) => sum + (guess === order[i] ? 0 : 1), 0);
}

/** A code for each card, all different while there are enough. @param {Game} game @returns {[number, number[]][]} */
export function optimalCodes({ bottleneck, bits, cards }) {
  return cards.map((card, i) => {
    if (bottleneck === "one") return [card, [i]];
    if (bottleneck === "two") return [card, [i % 3, Math.floor(i / 3)]];
    return [card, Array.from({ length: bits }, (_, bit) => (i >> (bits - 1 - bit)) & 1)];
  });
}

/**
 * The learner: the card of the nearest code it was shown; of several at one place, the one seen most, then last.
 * Without any, one by chance.
 * @param {Pick<Game, "book"|"cards">} game
 * @param {number[]} code
 * @param {() => number} next uniform numbers
 */
export function learnerGuess({ book, cards }, code, next) {
  let best = Number.POSITIVE_INFINITY;
  /** @type {Map<number, {count: number, last: number}>} */
  let near = new Map();
  book.forEach(([seen, card], i) => {
    if (seen.length !== code.length || !cards.includes(card)) return;
    const distance = seen.reduce((sum, value, k) => sum + (value - code[k]) ** 2, 0);
    if (distance > best) return;
    if (distance < best) near = new Map();
    best = distance;
    near.set(card, { count: (near.get(card)?.count ?? 0) + 1, last: i });
  });
  if (near.size === 0) return cards[Math.floor(next() * cards.length)];
  return [...near].sort(([, a], [, b]) => b.count - a.count || b.last - a.last)[0][0];
}

/** @param {Partial<Game>} [settings] @returns {Game} */
export function newGame(settings = {}) {
  return startRound({
    bottleneck: "two",
    bits: 2,
    cards: FIVE,
    encoder: "person",
    decoder: "person",
    seed: 0,
    ...settings,
    phase: "encode",
    properties: ["", ""],
    codes: [],
    order: [],
    guesses: [],
    book: [],
    swapped: false,
    rounds: [],
  });
}

/** Shuffle, and let a model in the encoder's seat write. @param {Game} game @returns {Game} */
export function startRound(game) {
  const order = shuffled(game.cards.length, uniforms(game.seed * 1000 + game.rounds.length)).map(
    (i) => game.cards[i],
  );
  const fresh = { ...game, order, guesses: [], phase: /** @type {Game["phase"]} */ ("encode") };
  if (game.encoder === "person") return fresh;
  return beginDecoding({ ...fresh, codes: optimalCodes(game) });
}

/** Turn what the game is played with; what was learnt stays where it still fits. @param {Game} game @param {Partial<Game>} settings */
export function change(game, settings) {
  const next = { ...game, ...settings };
  const other = codeLength(next) !== codeLength(game) || next.bottleneck !== game.bottleneck;
  const codes = other ? [] : game.codes.filter(([card]) => next.cards.includes(card));
  return startRound({ ...next, codes, book: other ? [] : game.book, swapped: other ? false : game.swapped });
}

/** The encoder writes a card's numbers; what is no number yet is kept back. @param {Game} game @param {number} card @param {number[]} code @returns {Game} */
export function write(game, card, code) {
  const others = game.codes.filter(([other]) => other !== card);
  return { ...game, codes: isCode(game, code) ? [...others, [card, code]] : others };
}

/** Whether each card has its numbers. @param {Game} game */
export function isWritten(game) {
  return game.cards.every((card) => game.codes.some(([other]) => other === card));
}

/** @param {Game} game @returns {Game} */
export function handOver(game) {
  if (game.phase !== "encode" || !isWritten(game)) return game;
  return game.decoder === "person" ? { ...game, phase: "pass" } : beginDecoding(game);
}

/** @param {Game} game @returns {Game} */
export function beginDecoding(game) {
  if (game.decoder === "person") return { ...game, phase: "decode" };
  const next = uniforms(game.seed * 1000 + 500 + game.rounds.length);
  let state = game;
  while (state.guesses.length < state.order.length)
    state = show(state, learnerGuess(state, currentCode(state), next));
  return finish(state);
}

/** The numbers that the decoder looks at. @param {Game} game @returns {number[]} */
export function currentCode({ codes, order, guesses, phase }) {
  const at = phase === "shown" ? guesses.length - 1 : guesses.length;
  return codes.find(([card]) => card === order[at])?.[1] ?? [];
}

/** A guess falls, the card is shown and noted. @param {Game} game @param {number} card @returns {Game} */
function show(game, card) {
  const code = currentCode(game);
  const truth = game.order[game.guesses.length];
  return {
    ...game,
    guesses: [...game.guesses, card],
    book: /** @type {Game["book"]} */ ([...game.book, [code, truth]]).slice(-MOST_BOOK),
  };
}

/** @param {Game} game @param {number} card @returns {Game} */
export function guess(game, card) {
  if (game.phase !== "decode" || !game.cards.includes(card)) return game;
  return { ...show(game, card), phase: "shown" };
}

/** After a card was shown: the next one, or the end of the round. @param {Game} game @returns {Game} */
export function proceed(game) {
  if (game.phase === "summary") return startRound(game);
  if (game.phase !== "shown") return game;
  return game.guesses.length < game.order.length ? { ...game, phase: "decode" } : finish(game);
}

/** @param {Game} game @returns {Game} */
function finish(game) {
  const { bottleneck, bits, cards, codes, order, guesses, swapped } = game;
  const round = { bottleneck, bits, cards, codes, order, guesses, swapped };
  return { ...game, phase: "summary", rounds: [...game.rounds, round].slice(-MOST_ROUNDS), swapped };
}

/** What was taken for what, most often first. @param {Round[]} rounds @returns {{card: number, guess: number, count: number}[]} */
export function confusions(rounds) {
  /** @type {Map<string, {card: number, guess: number, count: number}>} */
  const found = new Map();
  for (const { order, guesses } of rounds) {
    guesses.forEach((said, i) => {
      if (said === order[i]) return;
      const key = `${order[i]} ${said}`;
      const entry = found.get(key) ?? { card: order[i], guess: said, count: 0 };
      entry.count++;
      found.set(key, entry);
    });
  }
  return [...found.values()].sort((a, b) => b.count - a.count || a.card - b.card || a.guess - b.guess);
}

/** "two: 0 = 1, 0; 3 = 0, 2": what the decoder knows, the last code of each card. @param {Game} game */
export function bookText(game) {
  const last = new Map(game.book.map(([code, card]) => [card, code]));
  const name = game.bottleneck === "bits" ? `bits${game.bits}` : game.bottleneck;
  const entries = [...last].sort(([a], [b]) => a - b).map(([card, code]) => `${card} = ${code.join(", ")}`);
  return `${name}: ${entries.join("; ")}`;
}

/**
 * Another group's codebook takes the place of the decoder's own.
 * @param {Game} game
 * @param {string} text as `bookText` writes it
 * @returns {{game: Game, fault: string|null}}
 */
export function takeBook(game, text) {
  const own = game.bottleneck === "bits" ? `bits${game.bits}` : game.bottleneck;
  const [name, list = ""] = text.slice(0, 2000).split(":");
  const example = `${own}: 0 = ${new Array(codeLength(game)).fill(1).join(", ")}; 3 = …`;
  if (name.trim() !== own)
    return { game, fault: `This is not a codebook for this game; expected “${example}”.` };
  /** @type {[number[], number][]} */
  const book = [];
  for (const entry of list.split(";").filter((part) => part.trim())) {
    const [card, code = ""] = entry.split("=");
    const numbers = code.split(",").map((part) => (part.trim() === "" ? Number.NaN : Number(part)));
    if (!NINE.includes(Number(card)) || card.trim() === "" || !isCode(game, numbers))
      return {
        game,
        fault: `“${entry.trim().slice(0, 40)}” is not a card with its numbers; expected “${example}”.`,
      };
    book.push([numbers, Number(card)]);
  }
  if (!book.length) return { game, fault: `This codebook is empty; expected “${example}”.` };
  return { game: startRound({ ...game, book, swapped: true }), fault: null };
}

/** "(1, 0)" or "01" @param {Pick<Game, "bottleneck">} game @param {number[]} code */
export function codeText(game, code) {
  if (game.bottleneck === "bits") return code.join("");
  const parts = code.map(formatSetting);
  return parts.length === 1 ? parts[0] : `(${parts.join(", ")})`;
}
