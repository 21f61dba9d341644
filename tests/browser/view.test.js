import assert from "node:assert/strict";
import { test } from "node:test";
import "./document.js";

const { View } = await import("../../wisp/sandbox/page/static/view.js");
const { Redrawn } = await import("../../wisp/sandbox/page/static/redraw.js");
const { joins } = await import("../../wisp/sandbox/page/static/conversation.js");
const { lengthProblem } = await import("../../wisp/sandbox/page/static/dialogs.js");
const { MessageType, Permission } = await import("../../wisp/sandbox/page/static/discord.js");

const ADA = { id: "1", name: "ada", bot: false, nick: "Countess", roles: ["10"] };
const WISP = { id: "2", name: "wisp", bot: true, nick: null, roles: [] };
const GUILD = {
  members: [ADA, WISP],
  roles: [{ id: "10", name: "mods", color: 255, position: 1 }],
  channels: [{ id: "20", name: "general" }],
};

function viewOf(place) {
  const view = new View();
  view.place = { me: ADA, bot: WISP, people: [ADA, { id: "3", name: "cy", bot: false }], guild: GUILD, ...place };
  return view;
}

test("nothing is known of the place before the sandbox says what it is", () => {
  const view = new View();
  assert.equal(view.known, false);
  assert.throws(() => view.place, /has not said yet/);
  view.place = {};
  assert.equal(view.known, true);
});

test("a person has the permissions that the sandbox says", () => {
  const view = viewOf({ permissions: String(Permission.CREATE_PUBLIC_THREADS | Permission.ADD_REACTIONS) });
  assert.equal(view.may(Permission.CREATE_PUBLIC_THREADS), true);
  assert.equal(view.may(Permission.ADD_REACTIONS), true);
  assert.equal(view.may(Permission.SEND_MESSAGES), false);
});

test("users, roles and channels are named by id", () => {
  const view = viewOf({});
  assert.deepEqual(
    ["1", "2", "3", "10", "20", "99"].map((id) => view.nameOf(id)),
    ["@Countess", "@wisp", "@cy", "@mods", "#general", null],
  );
  assert.deepEqual([view.colourOf("1"), view.colourOf("2"), view.colourOf("3")], ["#0000ff", null, null]);
});

test("in direct messages there are the person and the bot", () => {
  const view = viewOf({ guild: null });
  assert.deepEqual(view.members, [ADA, WISP]);
  assert.equal(view.member("1"), undefined);
  assert.equal(view.nameOf("20"), null);
});

test("a part of the page is drawn anew only if what it shows has changed", () => {
  let drawn = 0;
  const part = new Redrawn({ contains: () => false }, () => {
    drawn += 1;
  });
  const members = [{ name: "ada" }];
  for (const shown of [
    [members, 1],
    [members, 1],
    [[{ name: "ada" }], 1],
    [[{ name: "bob" }], 1],
    [members, 2],
  ]) {
    part.show(...shown);
  }
  assert.equal(drawn, 3);
});

const message = (change) => ({
  author: ADA,
  kind: MessageType.DEFAULT,
  moment: 100,
  reply: null,
  used: null,
  private: false,
  ...change,
});

test("a message joins its author's last one within seven minutes", () => {
  assert.equal(joins(message({}), message({ moment: 100 + 7 * 60 - 1 })), true);
  assert.equal(joins(message({}), message({ moment: 100 + 7 * 60 })), false);
  assert.equal(joins(undefined, message({})), false);
});

test("a message with another author, or with something above it, has its own header", () => {
  for (const change of [
    { author: WISP },
    { author: { ...ADA, name: "another name of the webhook" } },
    { reply: { id: "1" } },
    { used: { command: "hello" } },
    { private: true },
    { kind: MessageType.USER_JOIN },
  ]) {
    assert.equal(joins(message({}), message(change)), false, JSON.stringify(change));
  }
  assert.equal(joins(message({ kind: MessageType.USER_JOIN }), message({})), false);
});

test("a form says which texts are missing or too short", () => {
  const required = { least: 3, required: true };
  const optional = { least: 3, required: false };
  assert.equal(lengthProblem("", required), "This is a required field");
  assert.equal(lengthProblem("ab", required), "Must be at least 3 characters in length.");
  assert.equal(lengthProblem("abc", required), "");
  assert.equal(lengthProblem("", optional), "");
  assert.equal(lengthProblem("ab", optional), "Must be at least 3 characters in length.");
});
