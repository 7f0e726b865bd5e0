"use strict";
// Finds comparisons by outcome, category, source, disagreement and words, and opens the one an address names.
// Without this script everything can be read: the comparisons are folded, not hidden.
{
  const form = document.getElementById("find");
  const section = document.getElementById("examples");
  const items = [...section.querySelectorAll("details.example")];
  const texts = new Map();
  const status = form.querySelector("[role=status]");
  const fields = ["words", "outcome", "category", "source", "divided"];
  const mark = "#examples?";

  const textOf = (item) => {
    if (!texts.has(item)) texts.set(item, item.textContent.toLowerCase());
    return texts.get(item);
  };

  const wanted = () => Object.fromEntries(fields.map((name) => {
    const field = form.elements[name];
    return [name, !field ? "" : field.type === "checkbox" ? (field.checked ? "yes" : "") : field.value];
  }));

  const fits = (item, want) =>
    ["outcome", "category", "source"].every((name) => !want[name] || item.dataset[name] === want[name])
    && (!want.divided || "divided" in item.dataset)
    && want.words.toLowerCase().split(/\s+/).every((word) => textOf(item).includes(word));

  const show = () => {
    const want = wanted();
    let shown = 0;
    for (const item of items) {
      item.hidden = !fits(item, want);
      shown += item.hidden ? 0 : 1;
    }
    for (const shelf of section.querySelectorAll(".shelf")) {
      shelf.hidden = !shelf.querySelector("details.example:not([hidden])");
    }
    status.textContent = `${shown.toLocaleString("en")} of ${items.length.toLocaleString("en")} comparisons`;
    return want;
  };

  const change = () => {
    const given = Object.entries(show()).filter(([, value]) => value);
    const address = given.length ? mark + new URLSearchParams(given) : "#examples";
    history.replaceState(null, "", address);
  };

  const follow = () => {
    const hash = location.hash;
    if (hash.startsWith(mark)) {
      const given = new URLSearchParams(hash.slice(mark.length));
      for (const name of fields) {
        const field = form.elements[name];
        if (field && field.type === "checkbox") field.checked = given.has(name);
        else if (field) field.value = given.get(name) ?? "";
      }
      show();
      section.scrollIntoView();
      return;
    }
    const item = items.find((one) => "#" + one.id === hash);
    if (!item) return;
    if (item.hidden) {
      form.reset();
      show();
    }
    item.open = true;
    item.scrollIntoView();
  };

  form.hidden = false;
  form.addEventListener("input", change);
  form.addEventListener("submit", (event) => event.preventDefault());
  window.addEventListener("hashchange", follow);
  show();
  follow();
}
