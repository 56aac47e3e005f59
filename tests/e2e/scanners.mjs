// Three readers of codes that share no line with what draws them: zbar and ZXing in this process, and the program's own
// `jishan card decode`. Each answers with the texts that it saw, one for each place where it saw one.

import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { ZBarConfigType, ZBarScanner, ZBarSymbolType, scanGrayBuffer } from "@undecaf/zbar-wasm";

/** QR codes and bars, by zbar, as many small programs for scanning have it. */
export async function byZbar({ width, height, data }) {
  // A scanner that is used again says what it saw on the picture before, too.
  const scanner = await ZBarScanner.create();
  // Whatever else zbar knows, it sees in the lines of a table now and then.
  scanner.setConfig(ZBarSymbolType.ZBAR_NONE, ZBarConfigType.ZBAR_CFG_ENABLE, 0);
  for (const kind of ["ZBAR_QRCODE", "ZBAR_CODE128", "ZBAR_EAN13"]) {
    scanner.setConfig(ZBarSymbolType[kind], ZBarConfigType.ZBAR_CFG_ENABLE, 1);
  }
  const grey = data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength);
  const seen = await scanGrayBuffer(grey, width, height, scanner);
  const texts = seen.map((symbol) => symbol.decode());
  scanner.destroy();
  return texts;
}

// ZXing comes with barcode-detector, which the camera's page has from the root's packages.
const ZXING = new URL("../../node_modules/zxing-wasm/dist/", import.meta.url);
let zxing;
async function zxingOfTheCamera() {
  const wasm = new URL("reader/zxing_reader.wasm", ZXING);
  if (!existsSync(wasm)) throw new Error("The camera's decoder is not there; bin/test fetches it, and npm ci in the root does");
  const reader = await import(new URL("es/reader/index.js", ZXING));
  const wasmBinary = new Uint8Array(readFileSync(wasm)).buffer;
  await reader.prepareZXingModule({ overrides: { wasmBinary }, fireImmediately: true });
  return reader;
}

/** QR codes and bars, by ZXing as the camera's page has it. */
export async function byZxing({ width, height, data }) {
  zxing ??= zxingOfTheCamera();
  const rgba = new Uint8ClampedArray(4 * data.length).fill(255);
  data.forEach((grey, dot) => rgba.fill(grey, 4 * dot, 4 * dot + 3));
  const formats = ["QRCode", "Code128", "EAN-13"];
  const seen = await (await zxing).readBarcodes({ width, height, data: rgba }, { formats, maxNumberOfSymbols: 255 });
  return seen.filter((symbol) => symbol.isValid).map((symbol) => symbol.text);
}

/** QR codes, by the program's own reader. It says each text once, and ends with 1 when there is none. */
export function byProgram(file) {
  return new Promise((resolve, reject) => {
    execFile(process.env.JISHAN_BIN, ["card", "decode", file], (error, out) => {
      if (error && error.code !== 1) reject(error);
      else resolve(out.split("\n").filter(Boolean));
    });
  });
}
