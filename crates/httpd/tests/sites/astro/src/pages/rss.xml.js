import rss from "@astrojs/rss";
import { getCollection } from "astro:content";

export async function GET({ site }) {
  const trees = await getCollection("trees");
  return rss({
    title: "Trees",
    description: "Trees as they are found.",
    site,
    items: trees.map(({ id, data }) => ({ title: data.title, pubDate: data.found, link: `/trees/${id}/` })),
  });
}
