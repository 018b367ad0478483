/** Whose turn it is, and what they see and press: one screen a phase of the card game. */
import { createPress } from "../../host/controls.js";
import { h, setText } from "../../host/dom.js";
import * as rules from "./game.js";

/** @typedef {import("./game.js").Game} Game */

/** @param {number} card @param {string} [className] */
const cardFace = (card, className = "") => h("span", `vw-card-face ${className}`, { text: String(card) });

/**
 * @param {HTMLElement} el
 * @param {(next: Game) => void} onPlay
 */
export function createTurns(el, onPlay) {
  let drawn = "";
  /** @type {Game} */
  let game = rules.newGame();
  /** Two keys may fall between two repaints: the second goes on from the first. @param {Game} next */
  const play = (next) => {
    game = next;
    onPlay(next);
  };
  /** @type {(() => void)[]} */
  let refresh = [];

  /** A new screen only when the turn changes: typing must not lose its place. @param {Game} now */
  function update(now) {
    game = now;
    const key = JSON.stringify([
      now.phase,
      now.guesses.length,
      now.bottleneck,
      now.bits,
      now.cards,
      now.rounds.length,
      now.encoder,
      now.decoder,
      now.seed,
      now.swapped,
    ]);
    if (key !== drawn) {
      const hadFocus = drawn !== "" && el.contains(document.activeElement);
      drawn = key;
      refresh = [];
      el.replaceChildren(...screen());
      if (hadFocus) /** @type {HTMLElement | null} */ (el.querySelector(".vw-first"))?.focus();
    }
    for (const one of refresh) one();
  }

  /** @returns {Node[]} */
  function screen() {
    if (game.phase === "encode") return encode();
    if (game.phase === "pass") return pass();
    if (game.phase === "summary") return summary();
    return decode();
  }

  /** @param {string} text */
  const title = (text) => h("p", "vw-game-title", { text });
  /** @param {string} name @param {string} text @param {() => Game} next */
  const press = (name, text, next) => {
    const holder = h("div", "vw-game-press");
    const button = createPress(holder, { name, text, main: true, onPress: () => play(next()) });
    return { holder, button };
  };

  function encode() {
    const length = rules.codeLength(game);
    const bits = game.bottleneck === "bits";
    const table = h("div", "vw-game-codes");
    table.style.setProperty("--vw-code-columns", String(length));
    table.append(h("span", "vw-note", { text: "card" }));
    for (let i = 0; i < length; i++) {
      const property = h("input", "vw-number vw-property", {
        type: "text",
        maxlength: 40,
        placeholder: bits ? `bit ${i + 1} says …` : "a property …",
        "aria-label": `what ${bits ? "bit" : "number"} ${i + 1} stands for`,
      });
      property.value = game.properties[i] ?? "";
      property.addEventListener("input", () => {
        const properties = [...game.properties];
        properties[i] = property.value.slice(0, 40);
        play({ ...game, properties });
      });
      table.append(property);
    }
    game.cards.forEach((card, row) => {
      const known = game.codes.find(([other]) => other === card)?.[1] ?? [];
      const inputs = Array.from({ length }, (_, i) => {
        const input = h("input", `vw-number vw-code-input${row === 0 && i === 0 ? " vw-first" : ""}`, {
          type: "text",
          inputmode: bits ? "numeric" : "decimal",
          maxlength: bits ? 1 : 6,
          "aria-label": `card ${card}, ${bits ? "bit" : "number"} ${i + 1}`,
        });
        input.value = known[i] === undefined ? "" : String(known[i]);
        return input;
      });
      for (const input of inputs) {
        input.addEventListener("input", () => {
          const code = inputs.map(({ value }) =>
            value.trim() === "" ? Number.NaN : Number(value.replace(",", ".").replace("−", "-")),
          );
          inputs.forEach((one, i) => {
            const fits = bits ? [0, 1].includes(code[i]) : Math.abs(code[i]) <= rules.MOST_NUMBER;
            one.setAttribute("aria-invalid", String(one.value !== "" && !fits));
          });
          play(rules.write(game, card, code));
        });
      }
      table.append(cardFace(card), ...inputs);
    });
    const { holder, button } = press("hand-over", "", () => rules.handOver(game));
    const hint = h("p", "vw-note", { role: "status" });
    refresh.push(() => {
      const missing = game.cards.filter((card) => !game.codes.some(([other]) => other === card));
      button.update({
        text: game.decoder === "person" ? "done: pass the screen" : "done: let the learner guess",
        disabled: missing.length > 0,
      });
      setText(
        hint,
        missing.length ? `${missing.length} cards to write${bits ? "; a bit is 0 or 1" : ""}` : "",
      );
    });
    const least = rules.leastShared(game);
    const rule = bits
      ? `Only ${2 ** game.bits} codes for ${game.cards.length} cards: ${least ? `at least ${least} must share one, and there the guess is random.` : "enough."}`
      : `Pick ${length === 1 ? "one property" : "two properties"} of the digits; keep ${length === 1 ? "it" : "them"} to yourself.`;
    return [
      title("Encoder: write each card in numbers."),
      h("p", "vw-note", { text: rule }),
      table,
      holder,
      hint,
    ];
  }

  function pass() {
    const { holder, button } = press("begin", "I am the decoder", () => rules.beginDecoding(game));
    button.button.classList.add("vw-first");
    return [
      h("div", "vw-game-pass", {}, [
        title("Now pass the screen to the decoder."),
        h("p", "vw-note", { text: "The codes are hidden." }),
        holder,
      ]),
    ];
  }

  function decode() {
    const shown = game.phase === "shown";
    const at = shown ? game.guesses.length - 1 : game.guesses.length;
    const code = h("p", "vw-game-code", { text: rules.codeText(game, rules.currentCode(game)) });
    const cards = h("div", "vw-game-hand", { role: "group", "aria-label": "your guess" });
    game.cards.forEach((card, i) => {
      const button = h("button", `vw-card${i === 0 && !shown ? " vw-first" : ""}`, {
        type: "button",
        "data-card": card,
        text: String(card),
      });
      button.disabled = shown;
      if (shown && card === game.order[at]) button.classList.add("is-true");
      if (shown && card === game.guesses[at]) button.classList.add("is-guess");
      button.addEventListener("click", () => play(rules.guess(game, card)));
      cards.append(button);
    });
    const parts = [
      title(shown ? "" : `Decoder: which card is this? (${at + 1} of ${game.order.length})`),
      code,
      cards,
    ];
    if (shown) {
      const right = game.guesses[at] === game.order[at];
      setText(parts[0], right ? `Right: a ${game.order[at]}.` : `Wrong: it was a ${game.order[at]}.`);
      parts[0].setAttribute("role", "status");
      const last = at === game.order.length - 1;
      const { holder, button } = press("proceed", last ? "end of the round" : "next card", () =>
        rules.proceed(game),
      );
      button.button.classList.add("vw-first");
      parts.push(holder);
    }
    return parts;
  }

  function summary() {
    const round = game.rounds[game.rounds.length - 1];
    const loss = rules.wrong(round);
    const least = rules.leastShared(round);
    const rows = h("div", "vw-game-result");
    round.order.forEach((card, i) => {
      const code = round.codes.find(([other]) => other === card)?.[1] ?? [];
      const said = round.guesses[i];
      rows.append(
        cardFace(card, "is-small"),
        h("span", "", { text: `→ ${rules.codeText(round, code)} →` }),
        cardFace(said, `is-small ${said === card ? "" : "is-wrong"}`),
        h("span", "vw-note", { text: said === card ? "" : "wrong" }),
      );
    });
    const names = game.properties.filter(Boolean);
    const told =
      game.encoder === "person" && names.length ? `The encoder's features: ${names.join(", ")}.` : "";
    const bound = least ? " Where cards share a code, the guess is random." : "";
    const text = `Round ${game.rounds.length}: loss ${loss} of ${round.order.length}.${loss === 0 ? " Nothing was lost." : bound}`;
    const { holder, button } = press("proceed", "next round", () => rules.proceed(game));
    button.button.classList.add("vw-first");
    const heading = title(text);
    heading.setAttribute("role", "status");
    return [heading, rows, h("p", "vw-note", { text: told }), holder];
  }

  return {
    update,
    destroy() {
      el.replaceChildren();
    },
  };
}
