import { defineCollection, z } from "astro:content";
import { glob } from "astro/loaders";

export const collections = {
  trees: defineCollection({
    loader: glob({ pattern: "*.md", base: "src/content/trees" }),
    schema: z.object({ title: z.string(), latin: z.string(), found: z.date() }),
  }),
};
