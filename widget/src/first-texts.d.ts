/** Made by the build (vite.config.js) from texts/*.json. */
declare module "virtual:first-texts" {
  /** By language: the few texts that are needed at once, and the version of the whole file. */
  const first: Readonly<Record<string, { readonly version: string; readonly texts: Readonly<Record<string, string>> }>>;
  export default first;
}
