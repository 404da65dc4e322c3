import { createHash } from "node:crypto";
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

/** What is said before the texts of a language have come: the bundle carries no more of them. */
const FIRST = ["title", "open", "close", "unread.one", "unread.other", "error_other", "retry"];
const LANGUAGES = ["fi", "sv", "en"];

const firstTexts = {
  name: "first-texts",
  resolveId: (id) => (id === "virtual:first-texts" ? `\0${id}` : null),
  load(id) {
    if (id !== "\0virtual:first-texts") return null;
    const found = LANGUAGES.map((lang) => {
      const file = readFileSync(new URL(`texts/${lang}.json`, import.meta.url));
      const texts = JSON.parse(file.toString("utf-8"));
      const version = createHash("sha256").update(file).digest("hex").slice(0, 8);
      return [lang, { ...Object.fromEntries(FIRST.map((key) => [key, texts[key]])), version }];
    });
    return `export default ${JSON.stringify(Object.fromEntries(found))}`;
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
  plugins: [ownPolicyName, firstTexts, noIndents],
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
