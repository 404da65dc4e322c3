/** Made by the build (vite.config.js) from texts/*.json. */
declare module "virtual:first-texts" {
  /** By language: the few texts that are needed at once, and as `version` that of the whole file. */
  const first: Readonly<Record<string, Readonly<Record<string, string>>>>;
  export default first;
}
