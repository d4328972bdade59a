// Where a page of these is, by its address as the server has it ("/programs/ID"). On a server that is the address; in a
// published folder it is a file, found from the page's own place in it. Scripts that lead to a page go through this.

export function placeOf(address) {
  const root = document.documentElement.dataset.root;
  if (root === undefined) return address;
  const [path, fragment] = address.split("#");
  const page = /\.[a-z]+$/.test(path) ? path : `${path.replace(/\/$/, "")}/index.html`;
  return `${root}${page}${fragment === undefined ? "" : `#${fragment}`}`;
}
