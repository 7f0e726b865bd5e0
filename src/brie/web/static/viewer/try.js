// Asks both sides what was typed and shows the answers as they come; blind, takes one vote on them.
"use strict";
{
  const at = (id) => document.getElementById(id);
  const blind = at("try").dataset.blind === "yes";
  const places = [...document.querySelectorAll("#answers .answer")];
  const unread = 300; // milliseconds in which nobody reads two answers
  let asking = null;
  let pair = "";
  let ended = false;
  let whole = 0;

  const part = (place, name) => places[place].querySelector(name);
  const say = (words) => {
    at("state").textContent = words;
  };

  const send = (path, body, signal) => fetch(path, {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body), signal,
  });

  const clear = () => {
    pair = "";
    ended = false;
    for (const place of [0, 1]) {
      part(place, ".text").textContent = "";
      part(place, ".facts").textContent = "";
      if (!blind) continue;
      places[place].className = "answer";
      part(place, "h2").textContent = "";
      part(place, ".pin").textContent = "";
    }
    at("answers").hidden = false;
    if (blind) at("choices").hidden = at("told").hidden = true;
  };

  const show = (answers) => answers.forEach((answer, place) => {
    part(place, ".text").textContent = answer.text;
    part(place, ".facts").textContent = answer.thinking ? "thinking…" : answer.cut ?? "";
  });

  const end = (event) => {
    say("");
    for (const place of [0, 1]) {
      const text = part(place, ".text");
      if (!text.textContent.trim()) text.textContent = "(an empty answer)";
      if (event.facts) part(place, ".facts").textContent = event.facts[place];
    }
    if (event.same) say("Both answers are the same, letter for letter: there is nothing to vote on.");
    if (!event.vote) return;
    pair = event.vote;
    whole = performance.now();
    at("choices").hidden = false;
  };

  const hear = (event) => {
    if (event.heads && blind) event.heads.forEach((letter, place) => {
      part(place, "h2").textContent = letter;
      const button = document.querySelector(`#choices [data-place="${place}"]`);
      button.textContent = `${letter} is better`;
      button.dataset.choice = letter;
    });
    if (event.note) say(event.note);
    if (event.answers) {
      if (event.answers.some((answer) => answer.text)) say("");
      show(event.answers);
    }
    if (event.problem) say(event.problem);
    if (event.done) end(event);
    ended = Boolean(event.done || event.problem);
  };

  const read = async (answer) => {
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) {
        if (!ended) say("The viewer stopped before the answers were whole.");
        return;
      }
      const lines = (rest + value).split("\n");
      rest = lines.pop();
      lines.filter(Boolean).forEach((line) => hear(JSON.parse(line)));
    }
  };

  const ask = async () => {
    if (asking) return;
    asking = new AbortController();
    at("stop").hidden = false;
    clear();
    say("Asking…");
    try {
      const answer = await send("/try/ask", { prompt: at("prompt").value, blind }, asking.signal);
      if (answer.ok) await read(answer);
      else say("This cannot be asked: it is empty or too long.");
    } catch (error) {
      say(error.name === "AbortError" ? "Stopped." : "The viewer does not answer any more.");
    }
    asking = null;
    at("stop").hidden = true;
  };

  const vote = async (choice) => {
    if (!pair || performance.now() - whole < unread) return;
    const sent = pair;
    pair = "";
    at("choices").hidden = true;
    at("told").hidden = false;
    let answer;
    try {
      answer = await (await send("/try/vote", { vote: sent, choice })).json();
    } catch {
      answer = { problem: "The viewer does not answer any more; this vote may not be kept." };
    }
    if (answer.problem) {
      at("told").textContent = answer.problem;
      return;
    }
    at("told").textContent = answer.winner === "tie" ? "You voted tie." : `You preferred the ${answer.winner}.`;
    at("votes").textContent = `Votes (${answer.votes})`;
    answer.sides.forEach((side, place) => {
      places[place].classList.add(side.side);
      const letter = part(place, "h2").textContent;
      const name = document.createElement("small");
      name.textContent = `${side.side}: ${side.name}`;
      part(place, "h2").replaceChildren(`${letter} `, name);
      part(place, ".pin").textContent = `pin ${side.pin}, ${side.base}${side.step === null ? "" : `, step ${side.step}`}`;
    });
  };

  at("ask").addEventListener("submit", (event) => {
    event.preventDefault();
    ask();
  });
  at("prompt").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) at("ask").requestSubmit();
  });
  at("stop").addEventListener("click", () => asking?.abort());
  at("choices")?.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-choice]");
    if (button) vote(button.dataset.choice);
  });
}
