// The camera as a gun: a small panel with what the camera sees, and each code that it reads once.
//
// Pages import this file only when somebody starts the camera; the decoder (a megabyte, kept by the browser for good) comes
// after that, and only where the browser has none of its own. What was read goes to `onCode` as plain text: the page takes
// it the way it takes a gun's. The picture never leaves the browser. No camera is a sentence that says what to do instead.

import { t } from './words.js';

const FORMATS = ['qr_code', 'code_128', 'ean_13', 'ean_8', 'upc_a'];
const LOOK_EVERY_MS = 120;
// A code that stays before the camera is one scan. It counts again after it was away for so long.
const AWAY_MS = 2000;
const CHOSEN = 'jishan.camera';
const INSTEAD = t`请改用“拍照”，或直接输入卡号。`;
const TROUBLES = {
  insecure: t`这个网址不是https，浏览器不让网页用摄像头。${INSTEAD}`,
  NotAllowedError: t`浏览器没有允许用摄像头：请在地址栏旁的网站设置里允许，再按一次。不行的话，${INSTEAD}`,
  NotFoundError: t`没有找到摄像头。${INSTEAD}`,
  NotReadableError: t`摄像头正被别的程序占着：请关掉那个程序，再按一次。不行的话，${INSTEAD}`,
  decoder: t`扫码部件没有下载成功，请过一会儿再按一次。不行的话，${INSTEAD}`,
  absent: t`这个程序没有带上扫码部件，摄像头暂时不能用。${INSTEAD}`,
  other: t`摄像头没有打开。${INSTEAD}`,
};

let opened = null; // One camera at a time: the panel that is open, or nothing.

const remembered = () => { try { return localStorage.getItem(CHOSEN) || ''; } catch (error) { return ''; } };
const remember = (id) => { try { localStorage.setItem(CHOSEN, id); } catch (error) { /* A private window keeps nothing. */ } };

function make(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text) element.textContent = text;
  return element;
}

class Trouble extends Error {
  constructor(kind) { super(TROUBLES[kind] || TROUBLES.other); }
}

// The browser's own detector where it reads all our formats and works; on a phone without Google's services it may only say so.
async function nativeDetector() {
  const Detector = window.BarcodeDetector;
  if (!Detector) return null;
  try {
    const known = await Detector.getSupportedFormats();
    if (!FORMATS.every((format) => known.includes(format))) return null;
    const detector = new Detector({ formats: FORMATS });
    await detector.detect(document.createElement('canvas'));
    return detector;
  } catch (error) { return null; }
}

async function ourDetector(folder) {
  if (!folder) throw new Trouble('absent');
  try {
    const { BarcodeDetector, prepareZXingModule } = await import(`${folder}ponyfill.js`);
    await prepareZXingModule({ overrides: { locateFile: (file) => folder + file }, fireImmediately: true });
    return new BarcodeDetector({ formats: FORMATS });
  } catch (error) { throw new Trouble('decoder'); }
}

// The camera that was chosen last; else, or when it is gone, the one on the back.
async function streamOf(id) {
  if (!navigator.mediaDevices || !navigator.mediaDevices.getUserMedia) throw new Trouble('insecure');
  const size = { width: { ideal: 1280 }, height: { ideal: 720 } };
  const ask = (which) => navigator.mediaDevices.getUserMedia({ audio: false, video: Object.assign(which, size) });
  try {
    return await (id ? ask({ deviceId: { exact: id } }) : ask({ facingMode: { ideal: 'environment' } }));
  } catch (error) {
    if (id && /Overconstrained|NotFound/.test(error.name)) { remember(''); return streamOf(''); }
    throw new Trouble(error.name);
  }
}

class Viewfinder {
  constructor({ decoder, place, onCode, onClose }) {
    Object.assign(this, { decoder, onCode, onClose, seen: new Map(), running: false, stream: null, turn: 0 });
    this.panel = make('section', 'panel viewfinder');
    this.panel.setAttribute('aria-label', t`摄像头扫码`);
    this.video = make('video');
    Object.assign(this.video, { muted: true, playsInline: true, autoplay: true });
    this.video.setAttribute('aria-hidden', 'true');
    this.words = make('p', 'muted', t`正在打开摄像头…`);
    this.words.setAttribute('role', 'status');
    this.row = make('p', 'row');
    this.button(t`关闭`, () => this.close());
    const side = make('div'), view = make('div', 'view');
    view.append(this.video);
    side.append(this.words, this.row);
    this.panel.append(view, side);
    place.after(this.panel);
    this.onKey = (event) => {
      if (event.key !== 'Escape') return;
      event.stopImmediatePropagation();
      event.preventDefault();
      this.close();
    };
    this.onHide = () => { if (document.hidden) this.close(); };
    document.addEventListener('keydown', this.onKey, true);
    document.addEventListener('visibilitychange', this.onHide);
    window.addEventListener('pagehide', this.onHide);
  }

  button(text, act) {
    const button = make('button', 'button', text);
    button.type = 'button';
    button.addEventListener('click', act);
    this.row.append(button);
    return button;
  }

  async open() {
    try {
      await this.show(remembered());
      if (opened !== this) return;
      this.detector = (await nativeDetector()) || (await ourDetector(this.decoder));
      if (opened !== this) return;
      this.words.textContent = t`把码放进画面里。再扫同一件，先移开两秒。`;
      this.panel.dataset.ready = 'yes';
      this.look();
    } catch (error) {
      if (opened !== this) return;
      this.stop();
      this.panel.classList.add('failed');
      this.words.className = 'notice bad';
      this.words.textContent = error instanceof Trouble ? error.message : TROUBLES.other;
    }
  }

  async show(id) {
    this.stop();
    const stream = await streamOf(id);
    // Closed while the browser asked the person.
    if (opened !== this) { stream.getTracks().forEach((track) => track.stop()); return; }
    this.stream = stream;
    this.video.srcObject = stream;
    const [track] = stream.getVideoTracks();
    const { deviceId } = track.getSettings ? track.getSettings() : {};
    if (deviceId) remember(deviceId);
    track.addEventListener('ended', () => this.stream === stream && this.close());
    await this.video.play().catch(() => {});
    await this.offer(track, deviceId);
  }

  // A choice where there are several cameras, and the torch where the camera has one.
  async offer(track, current) {
    this.row.querySelectorAll('[data-extra]').forEach((extra) => extra.remove());
    const devices = await navigator.mediaDevices.enumerateDevices().catch(() => []);
    const cameras = devices.filter(({ kind }) => kind === 'videoinput');
    if (cameras.length > 1) {
      const next = cameras[(cameras.findIndex(({ deviceId }) => deviceId === current) + 1) % cameras.length];
      this.button(t`换摄像头（共${cameras.length}个）`, () => this.show(next.deviceId).catch((error) => { this.words.textContent = error.message; })).dataset.extra = '';
    }
    const can = track.getCapabilities ? track.getCapabilities() : {};
    if (!can.torch) return;
    const torch = this.button(t`开灯`, () => {
      const on = torch.getAttribute('aria-pressed') !== 'true';
      track.applyConstraints({ advanced: [{ torch: on }] }).then(() => {
        torch.setAttribute('aria-pressed', String(on));
        torch.textContent = on ? t`关灯` : t`开灯`;
      }, () => torch.remove());
    });
    torch.dataset.extra = '';
  }

  // Looks, and looks again some time after it has done so, so that a slow phone is never behind.
  async look() {
    const { video } = this;
    try {
      if (video.readyState >= 2 && video.videoWidth) this.take(await this.detector.detect(video));
    } catch (error) { /* A frame that cannot be read is followed by another. */ }
    if (opened === this) this.turn = setTimeout(() => this.look(), LOOK_EVERY_MS);
  }

  // Of several codes the one nearest the middle is meant; but a card has bars beside its square, and the square says more.
  take(codes) {
    if (opened !== this || !codes.length) return;
    const { videoWidth, videoHeight } = this.video, now = performance.now();
    const off = ({ boundingBox: box, format }) => (format === 'qr_code' ? 0 : videoWidth) + Math.hypot(box.x + box.width / 2 - videoWidth / 2, box.y + box.height / 2 - videoHeight / 2);
    const [{ rawValue }] = codes.slice().sort((one, other) => off(one) - off(other));
    const last = this.seen.get(rawValue);
    this.seen.set(rawValue, now);
    if (last === undefined || now - last > AWAY_MS) this.onCode(rawValue);
  }

  stop() {
    if (this.stream) this.stream.getTracks().forEach((track) => track.stop());
    this.stream = this.video.srcObject = null;
  }

  close() {
    if (opened === this) opened = null;
    clearTimeout(this.turn);
    this.stop();
    document.removeEventListener('keydown', this.onKey, true);
    document.removeEventListener('visibilitychange', this.onHide);
    window.removeEventListener('pagehide', this.onHide);
    this.panel.remove();
    if (this.onClose) this.onClose();
  }
}

// Opens the camera below `place`, or closes it if it is open. `decoder` is the folder of the decoder, '' if there is none.
export function toggle(options) {
  if (opened) { opened.close(); return; }
  opened = new Viewfinder(options);
  opened.open();
}
