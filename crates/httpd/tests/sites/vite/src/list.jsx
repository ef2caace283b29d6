import { useEffect, useState } from "preact/hooks";

import { load } from "./planets.js";

export default function List() {
  const [planets, setPlanets] = useState([]);
  useEffect(() => void load().then(setPlanets), []);
  return (
    <>
      <h1>Planets</h1>
      <ul>
        {planets.map(({ name }) => (
          <li key={name}>
            <a href={`/planets/${name.toLowerCase()}`}>{name}</a>
          </li>
        ))}
      </ul>
    </>
  );
}
