import assert from "node:assert/strict";
import { test } from "node:test";
import "./document.js";

const { ambiguousNames, bytes, colour, initials, roleColour, roleName, shownName } = await import(
  "../../wisp/sandbox/page/static/names.js"
);
const { ownFile, safeAddress, shortened } = await import("../../wisp/sandbox/page/static/links.js");
const { h } = await import("../../wisp/sandbox/page/static/dom.js");

test("a user has a nickname here or the own name, and a role one sign", () => {
  assert.equal(shownName({ name: "bob", nick: null }), "bob");
  assert.equal(shownName({ name: "bob", nick: "Robert" }), "Robert");
  assert.deepEqual([roleName({ name: "mods" }), roleName({ name: "@everyone" })], ["@mods", "@everyone"]);
});

test("ambiguous are the names that several users have", () => {
  const users = ["ada", "bob", "ada", "ada", "cy"].map((name) => ({ name }));
  assert.deepEqual([...ambiguousNames(users)], ["ada"]);
});

test("a server has up to three initials", () => {
  assert.equal(initials("The second place of Ada"), "Tsp");
  assert.equal(initials("🎉 party"), "🎉p");
});

test("colours are written with six digits, and black is none", () => {
  assert.deepEqual([colour(255), colour(0), colour(null)], ["#0000ff", null, null]);
});

test("a member has the colour of the highest role that has one", () => {
  const roles = [
    { color: 1, position: 1 },
    { color: 2, position: 2 },
    { color: 0, position: 3 },
  ];
  assert.equal(roleColour(roles), "#000002");
  assert.equal(roleColour([]), null);
});

test("sizes are given in the largest unit that fits", () => {
  assert.deepEqual([1, 1023, 1024, 1536, 1 << 20].map(bytes), ["1 byte", "1023 bytes", "1.0 KB", "1.5 KB", "1.0 MB"]);
});

test("only addresses of web pages are links", () => {
  for (const text of ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "nothing"]) {
    assert.equal(safeAddress(text), null, text);
  }
  assert.equal(safeAddress("https://a.b/").href, "https://a.b/");
});

test("only attachments of the sandbox are files that the page loads", () => {
  assert.equal(ownFile("http://localhost:9/attachments/1/a.png"), "http://127.0.0.1:1/attachments/1/a.png");
  for (const text of [
    "http://a.b/attachments/1/a.png",
    "http://localhost/api/v10/users",
    "http://localhost/x/attachments/1/a.png",
    "attachments/1/a.png",
  ]) {
    assert.equal(ownFile(text), null, text);
  }
});

test("a long address is shortened", () => {
  assert.equal(shortened("https://a.b/"), "a.b");
  assert.equal(shortened(`https://a.b/${"c".repeat(90)}`).length, 60);
});

test("an element has its value set after the type and the limits, in whatever order they are given", () => {
  const { log } = h("input", { value: "7", checked: false, type: "range", max: "9", oninput() {} });
  assert.deepEqual(log, ["type=range", "max=9", "oninput", "value=7", "checked=false"]);
});

test("attributes and children that are absent are left out", () => {
  const element = h("p", { id: null, title: undefined, hidden: false, inert: true }, null, ["a", false, ["b"]], 0);
  assert.deepEqual(element.log, ["inert="]);
  assert.deepEqual(element.children, ["a", "b", 0]);
});
