// Three short sounds for the counter, made by an oscillator so that there is no file to load.
//
// A sound is never the only sign: counter.js shows a flash with words for each of them. Browsers keep audio locked until a
// person has acted, so the one AudioContext is made at the first gesture (a key of the gun counts) and kept.

let context = null;

// Each step is [hertz, seconds]. A scan is one short high tone, a redemption rises, a refusal is low and long.
const TONES = {
  scan: [[1480, 0.07]],
  ok: [[784, 0.1], [1047, 0.1], [1568, 0.2]],
  bad: [[233, 0.2], [0, 0.05], [185, 0.35]],
};

const GESTURES = ['pointerdown', 'touchend', 'keydown'];

function unlock() {
  const Context = window.AudioContext || window.webkitAudioContext;
  if (!Context) return;
  if (!context) context = new Context();
  if (context.state === 'suspended') context.resume().catch(() => {});
  if (context.state === 'running') GESTURES.forEach((type) => window.removeEventListener(type, unlock, true));
}

export function beep(kind) {
  if (!context || context.state !== 'running') return; // No gesture yet: browsers allow neither tone nor motor.
  // Only phones have a motor, and many browsers lack the function.
  if (navigator.vibrate) navigator.vibrate(kind === 'bad' ? [120, 60, 120] : 40);
  let at = context.currentTime;
  for (const [hertz, seconds] of TONES[kind] || []) {
    if (hertz) {
      const tone = context.createOscillator(), volume = context.createGain();
      tone.type = kind === 'bad' ? 'square' : 'sine';
      tone.frequency.value = hertz;
      // The volume fades in and out, because a tone cut off abruptly clicks.
      volume.gain.setValueAtTime(0.0001, at);
      volume.gain.linearRampToValueAtTime(kind === 'bad' ? 0.16 : 0.3, at + 0.012);
      volume.gain.linearRampToValueAtTime(0.0001, at + seconds);
      tone.connect(volume);
      volume.connect(context.destination);
      tone.start(at);
      tone.stop(at + seconds);
    }
    at += seconds;
  }
}

GESTURES.forEach((type) => window.addEventListener(type, unlock, true));
