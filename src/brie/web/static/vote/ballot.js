"use strict";
// A ballot that was sent as a file: shows one pair after another, keeps what was chosen in this browser,
// and saves it as CSV. It knows texts and letters, and asks nobody for anything.
{
  const data = JSON.parse(document.getElementById("data").textContent);
  const at = (id) => document.getElementById(id);
  const place = "ballot-" + data.ballot;
  const unread = 300; // milliseconds in which nobody reads a pair: a second tap belongs to the one before
  const fresh = () => ({ name: "", votes: {}, order: [], skipped: [], back: 0 });

  const kept = () => {
    try {
      return { ...fresh(), ...JSON.parse(localStorage.getItem(place) ?? "{}") };
    } catch {
      return fresh();
    }
  };
  let state = kept();
  let shown = -unread;

  const keep = () => {
    try {
      localStorage.setItem(place, JSON.stringify(state));
    } catch {
      // Without storage the votes last as long as the page is open.
    }
  };

  const current = () => {
    if (state.back) return state.order[state.order.length - state.back];
    const open = data.pairs.map((pair) => pair.id).filter((id) => !(id in state.votes));
    return open.find((id) => !state.skipped.includes(id)) ?? state.skipped.find((id) => open.includes(id));
  };

  const screen = (name) => {
    for (const id of ["start", "vote", "end"]) at(id).hidden = id !== name;
    at("top").hidden = name !== "vote";
    window.scrollTo(0, 0);
  };

  const text = (element, words) => {
    element.textContent = words;
  };

  const count = () => Object.keys(state.votes).length;

  const fill = (pair) => {
    text(at("prompt"), pair.prompt);
    at("earlier").hidden = !pair.earlier.length;
    at("earlier").open = false;
    at("turns").replaceChildren(...pair.earlier.flatMap((turn) => {
      const role = document.createElement("p");
      const words = document.createElement("div");
      role.className = "role";
      words.className = "text";
      words.dir = "auto";
      text(role, turn.role);
      text(words, turn.text);
      return [role, words];
    }));
    document.querySelectorAll("#ballot .answer").forEach((section, index) => {
      const answer = pair.answers[index];
      text(section.querySelector(".letter"), answer.letter);
      text(section.querySelector(".text"), answer.text.trim() ? answer.text : "(an empty answer)");
      const hint = section.querySelector(".hint");
      text(hint, answer.remark);
      hint.hidden = !answer.remark;
      const button = document.querySelector(`[data-place="${index}"]`);
      const key = document.createElement("kbd");
      text(key, answer.letter);
      button.replaceChildren(`${answer.letter} is better `, key);
      button.dataset.choice = answer.letter;
      button.dataset.key = answer.letter.toLowerCase();
    });
  };

  const show = () => {
    const pair = data.pairs.find((one) => one.id === current());
    if (!pair) return finish();
    screen("vote");
    fill(pair);
    const earlier = state.votes[pair.id];
    at("notice").hidden = !earlier;
    text(at("notice"), earlier
      ? `You chose ${earlier.choice} here. A new choice replaces it; Skip withdraws it.` : "");
    at("comment").value = earlier?.comment ?? "";
    at("extra").open = Boolean(earlier?.comment);
    text(at("who"), state.name);
    at("bar").value = count();
    text(at("count"), `${count()} of ${data.pairs.length}`);
    at("undo").disabled = state.back >= state.order.length;
    shown = performance.now();
  };

  const leave = (id) => {
    state.order = state.order.filter((one) => one !== id);
    state.skipped = state.skipped.filter((one) => one !== id);
    state.back = 0;
  };

  const choose = (choice) => {
    const id = current();
    if (!id) return;
    leave(id);
    if (choice === "skip") {
      delete state.votes[id];
      state.skipped.push(id);
    } else {
      state.votes[id] = { choice, comment: at("comment").value.trim() };
      state.order.push(id);
    }
    keep();
    show();
  };

  const cell = (words) => `"${String(words).replaceAll('"', '""')}"`;
  const table = () => [
    ["voter", "ballot", "pair", "choice", "comment"],
    ...data.pairs.filter((pair) => pair.id in state.votes).map((pair) => [
      state.name, data.ballot, pair.id, state.votes[pair.id].choice, state.votes[pair.id].comment,
    ]),
  ].map((row) => row.map(cell).join(",")).join("\r\n") + "\r\n";

  const finish = () => {
    screen("end");
    const all = count() === data.pairs.length;
    text(at("end-title"), all ? "That was the last one" : "Stopped here");
    text(at("end-words"), `Thank you. You have voted on ${count()} of ${data.pairs.length} pairs.`);
    at("save").disabled = !count();
    at("on").hidden = all;
    at("copy").value = table();
    at("end-title").focus();
  };

  const save = () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([table()], { type: "text/csv" }));
    link.download = `votes-${state.name.replace(/[^\p{L}\p{N}]+/gu, "-")}.csv`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  };

  at("name-form").addEventListener("submit", (event) => {
    event.preventDefault();
    state.name = at("name").value.trim().replace(/\s+/g, " ");
    keep();
    show();
  });
  at("ballot").addEventListener("submit", (event) => event.preventDefault());
  at("ballot").addEventListener("click", (event) => {
    const button = event.target.closest("button[data-choice]");
    const tapped = event.detail > 0; // a key clicks without one, and repeats nothing
    if (button && !(tapped && performance.now() - shown < unread)) choose(button.dataset.choice);
  });
  at("undo").addEventListener("click", () => {
    state.back = Math.min(state.back + 1, state.order.length);
    keep();
    show();
  });
  at("stop").addEventListener("click", finish);
  at("on").addEventListener("click", show);
  at("save").addEventListener("click", save);
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || at("vote").hidden) return;
    if (event.target instanceof Element && event.target.closest("input, select, textarea")) return;
    const button = document.querySelector(`button[data-key="${CSS.escape(event.key.toLowerCase())}"]`);
    if (button && !button.disabled) {
      event.preventDefault();
      button.click();
    }
  });

  if (state.name) show();
}
