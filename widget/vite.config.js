import { readFileSync } from "node:fs";
import { defineConfig } from "vite";

/** Hosts that enforce Trusted Types name each policy: ours must not be taken for their own Lit's. */
const ownPolicyName = {
  name: "own-trusted-types-policy",
  transform(code, id) {
    if (!/[\\/]lit-html[\\/]/.test(id) || !code.includes("createPolicy")) return null;
    const renamed = code.replace(/createPolicy\((["'])lit-html\1/, "createPolicy($1helppari-chat$1");
    if (renamed === code) this.error("lit-html creates its Trusted Types policy in another way now");
    return { code: renamed, map: null };
  },
};

/** Three languages have the same keys: they travel once. */
const textKeysOnce = {
  name: "text-keys-once",
  apply: "build",
  enforce: "pre",
  resolveId: (id) => (id === "virtual:text-keys" ? `\0${id}` : null),
  load(id) {
    const keys = () => Object.keys(JSON.parse(readFileSync(new URL("texts/fi.json", import.meta.url), "utf-8")));
    if (id === "\0virtual:text-keys") return `export default ${JSON.stringify(keys().join("|"))}.split("|")`;
    if (!/[\\/]widget[\\/]texts[\\/]\w+\.json$/.test(id)) return null;
    const texts = JSON.parse(readFileSync(id, "utf-8"));
    if (keys().join() !== Object.keys(texts).join()) this.error(`${id}: not the same keys as in fi.json`);
    const words = JSON.stringify(Object.values(texts).join("|"));
    const code = `import keys from "virtual:text-keys";
      export default Object.fromEntries(${words}.split("|").map((text, at) => [keys[at], text]));`;
    return { code, map: null, moduleType: "js" };
  },
};

/** What templates are indented by. Strings with a line break of their own have no two spaces after it. */
const noIndents = {
  name: "no-indents",
  generateBundle(_options, bundle) {
    for (const file of Object.values(bundle)) {
      if (file.type === "chunk") file.code = file.code.replace(/\n {2,}/g, " ");
    }
  },
};

export default defineConfig({
  plugins: [ownPolicyName, textKeysOnce, noIndents],
  define: { "process.env.NODE_ENV": '"production"' },
  build: {
    target: "es2022",
    outDir: "dist",
    emptyOutDir: true,
    sourcemap: false,
    reportCompressedSize: true,
    lib: {
      entry: "src/define.ts",
      name: "HelppariChat",
      formats: ["iife"],
      fileName: () => "helppari-chat.js",
    },
  },
  test: { environment: "node", include: ["tests/**/*.test.ts"] },
});
