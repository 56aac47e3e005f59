// Reads a household's page to whoever would rather listen, with the browser's own voice: what is on the page, from top to
// bottom, when asked and not before. Without a voice, as without this file, the button stays hidden.

import { t } from "./words.js";

const button = document.querySelector("[data-read]");
const chinese = document.documentElement.lang.startsWith("zh");
const language = chinese ? "zh-CN" : "en";

// What people press or fill in is not read, nor what nobody sees.
const SILENT = "button, .button, input, select, textarea, nav, script, style, svg, img, .hush, .skip, .crumbs, [hidden], [aria-hidden=true]";
// The longest that is said in one breath: some browsers fall silent in the middle of a long one.
const BREATH = 120;

/** What is on the page, a piece for each line that stands by itself. */
function pieces(root) {
  const said = [];
  let line = "";
  const end = () => {
    if (/[\p{L}\p{N}]/u.test(line)) said.push(line.replace(/\s+/g, " ").trim());
    line = "";
  };
  const walk = (node) => {
    if (node.nodeType === Node.TEXT_NODE) {
      line += node.textContent;
      return;
    }
    if (node.nodeType !== Node.ELEMENT_NODE || node.matches(SILENT)) return;
    const { display, visibility } = getComputedStyle(node);
    if (display === "none" || visibility !== "visible") return;
    const stands = !display.startsWith("inline");
    if (stands || node.nodeName === "BR") end();
    // Where the page says little, it may say more to whoever listens.
    if (chinese && node.dataset.aloud) line += node.dataset.aloud;
    else if (node.nodeName !== "DETAILS" || node.open) node.childNodes.forEach(walk);
    else node.querySelectorAll(":scope > summary").forEach(walk);
    if (stands) end();
    else line += " ";
  };
  walk(root);
  end();
  return said;
}

const DIGITS = [...t`零一二三四五六七八九`];
/** A number that is no amount, digit by digit. */
const spelled = (number) => [...number].map((one) => (/\d/.test(one) ? DIGITS[one] : one)).join(" ");

/** A text as people say it: signs between and before numbers in words, long numbers digit by digit. */
function spoken(text) {
  return text
    .replace(/\b[A-Z]\d+(-[A-Z]?\d+)+\b/g, (code) => code.split("-").map(spelled).join(t`杠`))
    .replace(/\b(\d{4})-(\d{2})-(\d{2})\b/g, (_, year, month, day) => t`${year}年${Number(month)}月${Number(day)}日`)
    .replace(/\b0\d{2,3}-\d{7,8}\b|\b\d{7,}\b/g, (number) => spelled(number.replace("-", "")))
    .replace(/\b(\d{1,2}):(\d{2})\b/g, (_, hour, minute) => (minute === "00" ? t`${Number(hour)}点` : t`${Number(hour)}点${Number(minute)}分`))
    .replace(/(\d[^\s，。]{0,3}?)\s*[—–~～]+\s*(?=\d)/g, (_, from) => t`${from}到`)
    .replace(/(\d+)-(?=\d)/g, (_, number) => t`${number}杠`)
    .replace(/[−－-](?=\d)/g, () => t`减`)
    .replace(/[+＋](?=\d)/g, () => t`加`)
    .replace(/\s*[×✕](?=\s*\d)/g, () => t`，数量`)
    .replace(/(\d+(?:\.\d+)?)[%％]/g, (_, number) => t`百分之${number}`)
    .replace(/[·|｜]/g, "，");
}

/** In breaths, cut where a sentence or a part of one ends. */
function breaths(text) {
  const parts = text.match(/(?:[^。！？；!?;.]|\.(?=\S))+[。！？；!?;.]*/g) || [text];
  return parts.flatMap((part) => (part.length > BREATH ? part.match(/[^，,：:]+[，,：:]*/g) || [part] : [part]));
}

/** The voice that speaks the page's language, one on this machine first; without one the browser chooses. */
function voice() {
  const own = chinese ? /^(zh|cmn)/i : /^en/i;
  const known = speechSynthesis.getVoices().filter((one) => own.test(one.lang));
  const mandarin = known.filter((one) => !chinese || /CN|Hans|cmn/i.test(one.lang));
  const best = mandarin.length ? mandarin : known;
  return best.find((one) => one.localService) || best[0] || null;
}

if (button && "speechSynthesis" in window) {
  let round = 0, reading = false;
  const label = button.textContent;
  const rest = () => {
    round += 1;
    speechSynthesis.cancel();
    button.textContent = label;
    reading = false;
  };
  const read = () => {
    const texts = pieces(document.getElementById("page")).map(spoken).flatMap(breaths);
    const chosen = voice();
    const mine = (round += 1);
    speechSynthesis.cancel();
    button.textContent = t`停下，不读了`;
    reading = true;
    texts.forEach((text, at) => {
      const words = new SpeechSynthesisUtterance(text);
      words.lang = language;
      if (chosen) words.voice = chosen;
      words.rate = 0.85;
      const over = () => mine === round && rest();
      if (at === texts.length - 1) words.onend = over;
      words.onerror = over;
      speechSynthesis.speak(words);
    });
  };
  button.hidden = false;
  // Some browsers learn of their voices only when asked.
  speechSynthesis.getVoices();
  button.addEventListener("click", () => (reading ? rest() : read()));
  // Nobody is read to from a page that is gone.
  window.addEventListener("pagehide", rest);
}
