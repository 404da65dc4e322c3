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

export default defineConfig({
  plugins: [ownPolicyName],
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
