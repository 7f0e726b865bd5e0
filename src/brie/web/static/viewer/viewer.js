// Filters apply as they are chosen; "/" goes to the search field, arrows to the neighbours; a page that
// waits for something looks again after some seconds.
"use strict";

document.querySelectorAll("form[data-filter]").forEach((form) => {
  form.querySelectorAll("select").forEach((select) => {
    select.addEventListener("change", () => form.submit());
  });
  form.addEventListener("submit", () => dropEmpty(form));
});

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
  if (event.key === "/") {
    const search = document.querySelector("input[type=search]");
    if (search) {
      event.preventDefault();
      search.focus();
    }
    return;
  }
  const link = document.querySelector(`a[data-key="${CSS.escape(event.key)}"]`);
  if (link) link.click();
});

document.querySelectorAll("[data-again]").forEach((waiting) => {
  setTimeout(() => location.reload(), 1000 * Number(waiting.dataset.again));
});

function isTyping(element) {
  return element instanceof Element && element.closest("input, select, textarea") !== null;
}

function dropEmpty(form) {
  form.querySelectorAll("select, input").forEach((field) => {
    if (field.value === "") field.disabled = true;
  });
}
