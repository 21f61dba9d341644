import assert from "node:assert/strict";
import { test } from "node:test";
import "./document.js";

const { now, setNow, stampElement, timeElement, written } = await import("../../wisp/sandbox/page/static/times.js");

const NOON = Date.UTC(2026, 0, 15, 12) / 1000;
const plain = (text) => text.replace(/\s/g, " ");

test("the page has the sandbox's time", () => {
  setNow(NOON);
  assert.ok(Math.abs(now() - NOON * 1000) < 1000);
});

test("relative moments are given in the largest unit that fits", () => {
  setNow(NOON);
  const at = (seconds) => written(now() + seconds * 1000, "R");
  assert.deepEqual([0, 5, -100, 2 * 3600, -86400, 86400 * 8, -86400 * 61, 86400 * 800].map(at), [
    "now",
    "in 5 seconds",
    "1 minute ago",
    "in 2 hours",
    "yesterday",
    "next week",
    "2 months ago",
    "in 2 years",
  ]);
});

test("an unknown style is the usual one", () => {
  assert.equal(written(NOON * 1000, "x"), written(NOON * 1000, "f"));
});

test("messages of today and yesterday are stamped without a date", () => {
  setNow(NOON);
  const time = written(NOON * 1000, "t");
  assert.equal(plain(stampElement(NOON * 1000).textContent), plain(time));
  assert.equal(plain(stampElement((NOON - 86400) * 1000).textContent), `Yesterday at ${plain(time)}`);
  assert.match(stampElement((NOON - 3 * 86400) * 1000).textContent, /26/);
});

test("a moment that no calendar has makes no element", () => {
  assert.equal(timeElement(1e13, "f"), null);
  assert.equal(timeElement(Number.NaN, "f"), null);
  assert.equal(timeElement(0, "R").dataset.ticks, "0");
});
