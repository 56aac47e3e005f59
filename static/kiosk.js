// Turns the kiosk's screens. The next one is fetched first and then put in place, so that a television shows no white moment
// and keeps the last screen while the line is cut. Who asked for less motion turns by hand; without this file the browser's
// own clock turns.

const still = matchMedia('(prefers-reduced-motion: reduce)');
const screen = () => document.getElementById('kiosk');

async function turn() {
  const old = screen();
  if (!old.dataset.next || still.matches) return;
  const answer = await fetch(old.dataset.next, { credentials: 'same-origin' });
  if (answer.redirected || !answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
  const fresh = page.getElementById('kiosk');
  // Whoever has a link under the finger is not disturbed.
  if (!fresh || old.contains(document.activeElement)) return;
  old.replaceWith(document.adoptNode(fresh));
  document.title = page.title;
}

if (screen()) setInterval(() => turn().catch(() => {}), Number(screen().dataset.seconds) * 1000);
