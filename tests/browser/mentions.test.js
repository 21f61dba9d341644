import assert from "node:assert/strict";
import { test } from "node:test";
import "./document.js";

const { candidates, mentioned, readable } = await import("../../wisp/sandbox/page/static/mentions.js");
const { OptionType } = await import("../../wisp/sandbox/page/static/discord.js");

const PICKED = new Map([
  ["@bob", "<@1>"],
  ["@bobby", "<@2>"],
  ["@red", "<@6>"],
  ["@red team", "<@&3>"],
  ["#general", "<#4>"],
  ["@c++", "<@5>"],
]);

for (const [text, expected] of [
  ["@bob", "<@1>"],
  ["hi @bob!", "hi <@1>!"],
  ["(@bob), @bobby and @bob's", "(<@1>), <@2> and <@1>'s"],
  ["@bob.", "<@1>."],
  ["@bob @bob", "<@1> <@1>"],
  ["the @red team, in #general", "the <@&3>, in <#4>"],
  ["@red teams", "<@6> teams"],
  ["@c++ and @c", "<@5> and @c"],
  ["ada@bobmail.com", "ada@bobmail.com"],
  ["ada@bob", "ada@bob"],
  ["@bobbin, @bob_b, @bob2, @bobé", "@bobbin, @bob_b, @bob2, @bobé"],
  ["@bob.smith and @bob-smith", "@bob.smith and @bob-smith"],
  ["#general-chat", "#general-chat"],
]) {
  test(`${JSON.stringify(text)} is sent as ${JSON.stringify(expected)}`, () => {
    assert.equal(mentioned(text, PICKED), expected);
  });
}

test("a text without names stays as it is", () => {
  assert.equal(mentioned("@bob", new Map()), "@bob");
});

const NAMES = { "@1": "bob", "@2": "bob", "@&3": "@everyone", "#4": "general", "@5": "bobby", "#6": null };

test("mentions are read by their names and written back as they were", () => {
  const { text, written } = readable("<@1> and <@!5>, <@&3> in <#4>", NAMES);
  assert.equal(text, "@bob and @bobby, @everyone in #general");
  assert.equal(mentioned(text, written), "<@1> and <@!5>, <@&3> in <#4>");
});

test("mentions of what has no name here stay as they are", () => {
  assert.equal(readable("<@9> <#6> <@1>", NAMES).text, "<@9> <#6> @bob");
});

test("of two users of one name only the first is read by it", () => {
  assert.equal(readable("<@1> <@2>", NAMES).text, "@bob <@2>");
});

for (const content of ["x<@1>y", "<@1>mail", "<@1><@5>", "@bob is not <@1>", "<@1>.de"]) {
  test(`${content} stays as it is, as it could not be told apart when it is read back`, () => {
    assert.equal(readable(content, NAMES).text, content);
  });
}

test("whatever is read is written back as it was", () => {
  const parts = ["<@1>", "<@2>", "<@!5>", "<@&3>", "<#4>", "<#6>", "@bob", "bob", ".", " ", "-", "é", "@"];
  let seed = 1;
  const next = (below) => {
    seed = (seed * 48271) % 2147483647;
    return seed % below;
  };
  let named = 0;
  for (let round = 0; round < 5000; round += 1) {
    const content = Array.from({ length: next(6) }, () => parts[next(parts.length)]).join("");
    const { text, written } = readable(content, NAMES);
    named += written.size;
    assert.equal(mentioned(text, written), content);
  }
  assert.ok(named > 1000);
});

const BOB = { id: "1", name: "bob", bot: false, nick: "Robert" };
const OTHER_BOB = { id: "2", name: "bob", bot: false, nick: null };
const ADA = { id: "3", name: "ada", bot: false, nick: "Countess" };
const WISP = { id: "4", name: "wisp", bot: true, nick: null };
const GUILD = {
  channels: [{ id: "5", name: "general", kind: 0 }],
  roles: [{ id: "6", name: "@everyone" }],
};
const view = { guild: GUILD, members: [BOB, OTHER_BOB, ADA, WISP] };
const written = (type, typed) => candidates(view, type, typed).map(({ text, sent, hint }) => [text, sent, hint]);

test("users are found by name and nickname, and told apart by id if they have one name", () => {
  assert.deepEqual(written(OptionType.USER, "@o"), [
    ["<@1>", "<@1>", "1"],
    ["<@2>", "<@2>", "2"],
    ["@ada", "<@3>", "ada"],
  ]);
  assert.deepEqual(written(OptionType.USER, "WISP"), [["@wisp", "<@4>", "APP"]]);
});

test("roles and channels are found for their types of option only", () => {
  assert.deepEqual(written(OptionType.ROLE, ""), [["@everyone", "<@&6>", "role"]]);
  assert.deepEqual(written(OptionType.CHANNEL, "#gen"), [["#general", "<#5>", ""]]);
  assert.equal(written(OptionType.MENTIONABLE, "").length, 5);
  assert.deepEqual(written(OptionType.STRING, ""), []);
});
