// A worker: the third law. The squares of the periods are as the cubes of the distances.
const EARTH = 149598000;

onmessage = ({ data }) => {
  postMessage(data.map(({ name, distance }) => ({ name, year: (distance / EARTH) ** 1.5 })));
};
