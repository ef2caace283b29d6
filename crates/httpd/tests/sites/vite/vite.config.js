// An application of one page: routes in the browser, chunks that are loaded late, a worker,
// WebAssembly, a font, images and data.
import { defineConfig } from "vite";

// (module (func (export "seconds") (param f64) (result f64)
//   local.get 0  f64.const 299792.458  f64.div))
const WASM = Buffer.from(
  "0061736d01000000" + // magic, version
    "010601" + "60017c017c" + // a type: f64 to f64
    "03020100" + // a function of that type
    "070b0107" + "7365636f6e6473" + "0000" + // exported as "seconds"
    "0a10010e00" + "2000" + "44b6f3fdd4414c1241" + "a3" + "0b", // its code
  "hex",
);

/** Makes light.wasm, for want of a compiler to it. */
const light = {
  name: "light",
  generateBundle() {
    this.emitFile({ type: "asset", fileName: "light.wasm", source: WASM });
  },
};

export default defineConfig({
  plugins: [light],
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: { assetsInlineLimit: 0, sourcemap: true },
});
