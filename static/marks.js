// Saves a row of marks as it is left, so that nobody loses a floor. Without this each row has its button.

import { t } from "./words.js";

const fresh = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
const left = document.querySelector("[data-left]");

for (const form of document.querySelectorAll("form[data-row]")) {
  let waiting = Promise.resolve();
  form.addEventListener("change", () => {
    // What is written while a row is on its way goes after it, with a key of its own.
    waiting = waiting.then(() => save(form));
  });
}

async function save(form) {
  if (!form.reportValidity()) return;
  const fields = new FormData(form);
  fields.set("key", fresh());
  const row = form.closest("li");
  let answer;
  try {
    answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(fields), redirect: "manual" });
  } catch {
    row.classList.remove("done");
    row.classList.add("unsent");
    return;
  }
  // A redirect is the answer to what was done; anything else is shown as a page, with what is wrong in it.
  if (answer.type !== "opaqueredirect") {
    form.elements.key.value = fresh();
    form.submit();
    return;
  }
  row.classList.remove("unsent");
  const marks = Array.from(form.querySelectorAll("input.mark"));
  const entry = form.elements.entry;
  row.classList.toggle("done", marks.every((mark) => mark.value !== "") || (entry && entry.value !== "at_home"));
  const open = document.querySelectorAll(".mark-rows > li:not(.done)").length;
  left.textContent = open ? t`还有${open}户` : t`都打完了，请点下面的“看结果”。`;
}
