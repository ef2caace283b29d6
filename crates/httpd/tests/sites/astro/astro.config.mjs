// A field guide: pages from a collection, images in other formats, links that are fetched ahead
// and followed without a new page, a feed, and the search of Pagefind.
import { defineConfig } from "astro/config";

export default defineConfig({
  site: "https://trees.example",
  prefetch: { prefetchAll: true, defaultStrategy: "viewport" },
  build: { inlineStylesheets: "never" },
  vite: { build: { assetsInlineLimit: 0 } },
});
