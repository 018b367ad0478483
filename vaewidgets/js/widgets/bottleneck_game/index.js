/**
 * BottleneckGame: one writes a card as numbers, the other reads the card from them.
 *
 * View: game, the whole state of widgets/bottleneck_game/game.js.
 * Handle: see host/widget.js; score, wrong guesses by round; phase; code, what the decoder sees.
 * Controls: .vw-bottleneck, .vw-cards, .vw-encoder, .vw-decoder; .vw-code-input, .vw-hand-over, .vw-begin, .vw-card
 * (with data-card), .vw-proceed, .vw-book-text, .vw-take, .vw-restart.
 */

import { createPress, createSegments } from "../../host/controls.js";
import { h, OWN_KEYS, setText, show } from "../../host/dom.js";
import { defineWidget } from "../../host/widget.js";
import { createCodeSpace } from "./code_space.js";
import * as rules from "./game.js";
import help from "./help.json" with { type: "json" };
import { createTurns } from "./turns.js";

/** @typedef {import("./game.js").Game} Game */

export default defineWidget({
  name: "bottleneck-game",
  label: "Encoder and decoder, a card game",
  help,
  build({ shell, view }) {
    const settings = h("div", "vw-game-settings");
    const act = h("div", "vw-game-act", OWN_KEYS);
    const score = h("div", "vw-game-score", { role: "img" });
    const scoreTitle = h("p", "vw-knobs-title");
    const mistakes = h("p", "vw-note");
    const main = h("div", "vw-concept-main", {}, [act]);
    const side = h("div", "vw-concept-side");
    shell.body.append(settings, h("div", "vw-concept", {}, [main, side]));
    const spaceTitle = h("p", "vw-knobs-title");
    side.append(spaceTitle);
    const space = createCodeSpace(side, { theme: shell.theme });
    side.append(scoreTitle, score, mistakes);

    /** @returns {Game} */
    const game = () => view.get("game") ?? rules.newGame();
    const play = (/** @type {Game} */ next) => view.set("game", next);
    const turns = createTurns(act, play);

    /** @param {string} name @param {string} label @param {Record<string, string>} choices @param {(value: string) => Partial<Game>} settingsOf */
    const setting = (name, label, choices, settingsOf) => {
      const wrap = h("div", "vw-control", {}, [h("span", "vw-control-label", { text: label })]);
      settings.append(wrap);
      return createSegments(wrap, {
        name,
        label,
        choices: Object.entries(choices).map(([value, text]) => ({ value, text })),
        onChange: (value) => play(rules.change(game(), settingsOf(value))),
      });
    };
    const segments = {
      bottleneck: setting(
        "bottleneck",
        "code",
        { two: "two numbers", one: "one number", bits: "binary numbers" },
        (value) => ({
          bottleneck: /** @type {Game["bottleneck"]} */ (value),
        }),
      ),
      cards: setting("cards", "cards", { five: "five", nine: "nine" }, (value) => ({
        cards: value === "five" ? rules.FIVE : rules.NINE,
      })),
      encoder: setting("encoder", "encoder", { person: "you", optimal: "an optimal coder" }, (value) => ({
        encoder: /** @type {Game["encoder"]} */ (value),
      })),
      decoder: setting("decoder", "decoder", { person: "you", learner: "a learner" }, (value) => ({
        decoder: /** @type {Game["decoder"]} */ (value),
      })),
    };

    // What groups swap: the decoder's codebook, as a line of text.
    const text = h("textarea", "vw-number vw-book-text", {
      rows: 2,
      "aria-label": "codebook as text",
      maxlength: 2000,
    });
    const said = h("p", "vw-note", { role: "status" });
    const line = h("div", "vw-code-line");
    const take = createPress(line, {
      name: "take",
      text: "use this one",
      title: "the decoder then uses another group's codebook",
      onPress() {
        const { game: next, fault } = rules.takeBook(game(), text.value);
        setText(said, fault ?? "The decoder now uses this codebook.");
        if (!fault) play(next);
      },
    });
    const restart = createPress(line, {
      name: "restart",
      text: "new game",
      onPress() {
        const { bottleneck, bits, cards, encoder, decoder, seed } = game();
        setText(said, "");
        play(rules.newGame({ bottleneck, bits, cards, encoder, decoder, seed: (seed + 1) % 1000 }));
      },
    });
    line.prepend(text);
    side.append(
      h("p", "vw-knobs-title", { text: "the decoder's codebook: swap it with another group" }),
      line,
      said,
    );
    let bookShown = "";

    return {
      update() {
        const now = game();
        // A model in the encoder's seat has nothing to wait for.
        if (now.phase === "encode" && now.encoder === "optimal") return play(rules.startRound(now));
        segments.bottleneck.update({ value: now.bottleneck });
        segments.cards.update({
          value:
            now.cards.length === rules.FIVE.length
              ? "five"
              : now.cards.length === rules.NINE.length
                ? "nine"
                : "",
        });
        segments.encoder.update({ value: now.encoder });
        segments.decoder.update({ value: now.decoder });
        turns.update(now);
        const encoding = now.phase === "encode";
        const over = now.phase === "summary";
        setText(
          spaceTitle,
          encoding
            ? "your codes, hidden from the decoder"
            : over
              ? "the codes of this round"
              : "what the decoder has seen so far",
        );
        const latest = new Map(now.book.map(([code, card]) => [card, code]));
        space.update({
          bottleneck: now.bottleneck,
          bits: now.bits,
          placed:
            encoding || over
              ? now.codes.map(([card, code]) => ({ card, code }))
              : [...latest].map(([card, code]) => ({ card, code })),
          asked: now.phase === "decode" ? rules.currentCode(now) : null,
        });
        showScore(now);
        const book = rules.bookText(now);
        if (book !== bookShown) {
          bookShown = book;
          text.value = now.book.length ? book : "";
          text.placeholder = "none yet: play a round";
        }
      },
      caption: () =>
        "A game for two at one screen: the encoder turns each card into numbers, the decoder sees only these and guesses the card. A wrong guess costs 1.",
      handle: {
        get score() {
          return game().rounds.map(rules.wrong);
        },
        get phase() {
          return game().phase;
        },
        get code() {
          return rules.currentCode(game());
        },
      },
      destroy() {
        turns.destroy();
        space.destroy();
        take.destroy();
        restart.destroy();
        for (const one of Object.values(segments)) one.destroy();
      },
    };

    /** A column a round. @param {Game} now */
    function showScore(now) {
      const rounds = now.rounds.slice(-16);
      const first = now.rounds.length - rounds.length;
      const most = Math.max(...rounds.map(({ cards }) => cards.length), 1);
      setText(scoreTitle, rounds.length ? "loss by round: wrong guesses" : "");
      show(score, rounds.length > 0);
      score.replaceChildren(
        ...rounds.map((round, i) => {
          const loss = rules.wrong(round);
          const bar = h("div", "vw-game-bar");
          bar.style.height = `${(4.5 * loss) / most}em`;
          return h("div", `vw-game-round${round.swapped ? " is-swapped" : ""}`, {}, [
            h("span", "vw-game-loss", { text: String(loss) }),
            bar,
            h("span", "vw-note", { text: `${first + i + 1}${round.swapped ? " ⇄" : ""}` }),
          ]);
        }),
      );
      score.setAttribute("aria-label", `wrong guesses by round: ${now.rounds.map(rules.wrong).join(", ")}`);
      const found = rules.confusions(now.rounds).slice(0, 6);
      setText(
        mistakes,
        found.length
          ? `confused: ${found.map(({ card, guess, count }) => `${card} taken for ${guess}${count > 1 ? ` (${count === 2 ? "twice" : `${count} times`})` : ""}`).join(", ")}`
          : "",
      );
    }
  },
});
