import assert from "node:assert/strict";
import { test } from "node:test";
import "./document.js";

const { entered, entries, matching, optionLimits, optionStarts, optionTitle } = await import(
  "../../wisp/sandbox/page/static/commands.js"
);
const { booleans, matchingChoices, offeredValues } = await import("../../wisp/sandbox/page/static/values.js");
const { OptionType } = await import("../../wisp/sandbox/page/static/discord.js");

const { SUB_COMMAND, SUB_COMMAND_GROUP, STRING, BOOLEAN } = OptionType;
const text = { type: STRING, name: "text", description: "What" };
const COMMANDS = [
  { name: "say", description: "Say it", options: [text] },
  { name: "hello", description: "Say hello" },
  {
    name: "admin",
    description: "Of admins",
    options: [
      { type: SUB_COMMAND, name: "say", description: "Say it to all", options: [text] },
      {
        type: SUB_COMMAND_GROUP,
        name: "role",
        description: "Roles",
        options: [{ type: SUB_COMMAND, name: "add", description: "Add one" }],
      },
    ],
  },
];
const ALL = entries(COMMANDS);
const names = (found) => found.map(({ name }) => name);

test("subcommands are typed by their full names, and what holds them is not", () => {
  assert.deepEqual(names(ALL), ["/say", "/hello", "/admin say", "/admin role add"]);
  assert.deepEqual(ALL[2], {
    words: ["admin", "say"],
    name: "/admin say",
    description: "Say it to all",
    options: [text],
  });
  assert.deepEqual(ALL[1].options, []);
});

test("a command is entered once a space stands behind its whole name", () => {
  assert.equal(entered(ALL, "/say"), undefined);
  assert.equal(entered(ALL, "/sayx "), undefined);
  assert.equal(entered(ALL, "/say text:x").name, "/say");
  assert.equal(entered(ALL, "/admin say ").name, "/admin say");
});

test("of a command and another that begins with its name, the longer one is entered", () => {
  const all = [{ name: "/a" }, { name: "/a b" }];
  assert.equal(entered(all, "/a b c").name, "/a b");
  assert.equal(entered(all, "/a c").name, "/a");
});

test("commands that begin with what is typed stand before others that contain it", () => {
  assert.deepEqual(names(matching(ALL, "SAY")), ["/say", "/admin say"]);
  assert.deepEqual(names(matching([ALL[2], ALL[0]], "say")), ["/say", "/admin say"]);
  assert.deepEqual(names(matching(ALL, "nothing")), []);
});

const starts = (typed, known = ["days", "kind"]) =>
  optionStarts(typed, (name) => known.includes(name)).map(({ at, name, last }) => [at, name, last]);

test("an option begins with its name and a colon, at the beginning of a word", () => {
  assert.deepEqual(starts("days:"), [[0, "days", true]]);
  assert.deepEqual(starts("saw days:"), [[4, "days", true]]);
  assert.deepEqual(starts('saw days:3 kind:"a b"'), [
    [4, "days", false],
    [11, "kind", false],
  ]);
});

test("no option begins within a word, with another name, or without a colon", () => {
  for (const typed of ["", "days", "xdays:", "note:", "saw:days:", '"days:', "http://a days"]) {
    assert.deepEqual(starts(typed), [], typed);
  }
});

test("the limits of an option are given in words", () => {
  assert.equal(optionLimits({}), "");
  assert.equal(optionLimits({ min_value: 0, max_value: 5 }), "0 to 5");
  assert.equal(optionLimits({ min_value: 1 }), "at least 1");
  assert.equal(optionLimits({ max_value: 0 }), "at most 0");
  assert.equal(optionLimits({ min_length: 2, max_length: 9 }), "2 to 9 characters");
  assert.equal(optionLimits({ max_value: 5, min_length: 2 }), "at most 5, at least 2 characters");
});

test("the title of an option says what it is, and that it is optional", () => {
  assert.equal(optionTitle({ ...text, max_length: 9 }).textContent, "text Whatat most 9 charactersoptional");
  assert.equal(optionTitle({ ...text, required: true }).textContent, "text What");
});

test("choices are found by any part of their names and sent by their values", () => {
  const choices = [
    { name: "Red apple", value: 1 },
    { name: "Pear", value: 2.5 },
  ];
  assert.deepEqual(matchingChoices(choices, "APP"), [{ label: "Red apple", text: "Red apple", sent: "1" }]);
  assert.equal(matchingChoices(choices, "").length, 2);
  assert.equal(offeredValues(null, { ...text, choices }, "pear")[0].sent, "2.5");
});

test("true and false are offered for booleans, and nothing for texts", () => {
  assert.deepEqual(booleans("T"), [{ label: "True", text: "True", sent: "true" }]);
  assert.equal(offeredValues(null, { ...text, type: BOOLEAN }, "").length, 2);
  assert.deepEqual(offeredValues(null, text, ""), []);
});

test("channels are offered in the types that an option takes", () => {
  const channels = [
    { id: "1", name: "general", kind: 0 },
    { id: "2", name: "loud", kind: 2 },
  ];
  const view = { guild: { channels, roles: [] }, members: [] };
  const option = { ...text, type: OptionType.CHANNEL };
  assert.equal(offeredValues(view, option, "").length, 2);
  assert.deepEqual(
    offeredValues(view, { ...option, channel_types: [2] }, "").map(({ label }) => label),
    ["#loud"],
  );
});
