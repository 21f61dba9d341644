import assert from "node:assert/strict";
import { test } from "node:test";
import "./document.js";

const { flat, markdown } = await import("../../wisp/sandbox/page/static/markdown.js");

const html = (text, options) => markdown(text, options).html;

for (const [text, expected] of [
  ["plain", "plain"],
  ["a\nb", "a<br></br>b"],
  ["**b** *i* _i_ __u__ ~~s~~", "<strong>b</strong> <em>i</em> <em>i</em> <u>u</u> <s>s</s>"],
  ["***both***", "<strong><em>both</em></strong>"],
  ["**a *b* c**", "<strong>a <em>b</em> c</strong>"],
  ["||a||", "<span><span>a</span></span>"],
  ["snake_case_name and 2 * 3 * 4", "snake_case_name and 2 * 3 * 4"],
  ["**open", "**open"],
  ["x * a*, y_b_ c and _ d_", "x * a*, y_b_ c and _ d_"],
  ["\\*a\\* \\a", "*a* \\a"],
  ["`*a*` and ``b`c``", "<code>*a*</code> and <code>b`c</code>"],
  ["**a `b**` c**", "<strong>a <code>b**</code> c</strong>"],
  ["```js\nlet a;\n```", "<pre><code>let a;</code></pre>"],
  ["a\n```x```\nb", "a<pre><code>x</code></pre>b"],
  ["# A\n## B\n### C\n#### D", "<div>A</div><div>B</div><div>C</div>#### D"],
  ["-# small", "<small>small</small>"],
  ["> a\n> b\nc", "<blockquote>a<br></br>b</blockquote>c"],
  [">>> a\nb", "<blockquote>a<br></br>b</blockquote>"],
  ["- a\n- b", "<ul><li>a</li><li>b</li></ul>"],
  ["1. a\n2. b", "<ol><li>a</li><li>b</li></ol>"],
  ["- a\n  - b\n- c", "<ul><li>a<ul><li>b</li></ul></li><li>c</li></ul>"],
  ["- a\n1. b", "<ul><li>a</li></ul><ol><li>b</li></ol>"],
  ["https://a.b/c.", "<a>https://a.b/c</a>."],
  ["[label](https://a.b)", "<a>label</a>"],
  ["[label](javascript:alert(1))", "[label](javascript:alert(1))"],
  ["[label](https://[)", "[label](https://[)"],
  ["<https://a.b>", "<a>https://a.b</a>"],
  ["</hello:1> <:wave:1>", "<span>/hello</span> <span>:wave:</span>"],
]) {
  test(`${JSON.stringify(text)} is read as Discord reads it`, () => {
    assert.equal(html(text), expected);
  });
}

test("headings, lists and quotes of a plain text stay as they are written", () => {
  assert.equal(html("# a **b**", { plain: true }), "# a <strong>b</strong>");
});

const NAMES = { "@1": "bob", "@&2": "mods", "@&3": "@everyone", "#4": "general", "#5": null };

test("mentions are read by their names", () => {
  const text = "<@1> <@!1> <@&2> <@&3> <#4> <#5> <@9> <@&9>";
  assert.equal(
    markdown(text, { names: NAMES }).textContent,
    "@bob @bob @mods @everyone #general # No Access <@9> <@&9>",
  );
});

test("mentions of users and channels can be pressed, those of roles and of what is hidden cannot", () => {
  const tags = ["<@1>", "<#4>", "<@&2>", "<#5>", "<@9>"].map((text) => {
    return markdown(text, { names: NAMES, mention: () => {} }).children[0].tag;
  });
  assert.deepEqual(tags, ["button", "button", "span", "span", "span"]);
});

test("HTML of a bot is text", () => {
  assert.equal(markdown("<img src=x onerror=alert(1)>").children[0], "<img src=x onerror=alert(1)>");
});

test("a link has the address that is shown, and no other scheme", () => {
  const link = markdown("[a](https://a.b/c)").children[0];
  assert.equal(link.attributes.get("href"), "https://a.b/c");
  assert.equal(link.attributes.get("rel"), "noopener noreferrer nofollow");
});

test("a flat text has no marks and no line breaks, and hides what is spoiled", () => {
  assert.equal(flat("**a**\n# b ||secret|| <@1>", NAMES), "a # b █████ @bob");
});

test("a moment that no calendar has stays as it is written", () => {
  assert.equal(markdown("<t:9999999999999>").textContent, "<t:9999999999999>");
  assert.equal(markdown("<t:0>").children[0].tag, "time");
});

test("quotes in one another are read twelve deep, and what is deeper is text", () => {
  const quotes = (depth) => html(`${">>> ".repeat(depth)}**x**`);
  assert.equal(quotes(11).match(/<blockquote>/g).length, 11);
  assert.match(quotes(11), /<strong>x<\/strong>/);
  assert.equal(quotes(14).match(/<blockquote>/g).length, 12);
  assert.match(quotes(14), />>> >>> \*\*x\*\*/);
});

test("texts that are all marks are read in a bounded time", () => {
  for (const mark of [
    "*",
    "_",
    "~~",
    "||",
    "`",
    "[",
    "<",
    "> ",
    ">>> ",
    "- ",
    "**a ",
    "||a ",
    "*a ",
    " _a",
    "\\",
    "```",
  ]) {
    const begun = performance.now();
    markdown(mark.repeat(20_000));
    assert.ok(performance.now() - begun < 2000, mark);
  }
});
