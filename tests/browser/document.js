// As much of a document as the page's pure functions use: elements that can be built, and read as text.

class Node {
  constructor() {
    this.children = [];
  }

  append(...nodes) {
    for (const node of nodes) this.children.push(...(node instanceof Fragment ? node.children : [node]));
  }

  get textContent() {
    return this.children.map((child) => (typeof child === "string" ? child : child.textContent)).join("");
  }

  set textContent(text) {
    this.children = [text];
  }

  /** The text between the tags, as HTML. */
  get html() {
    return this.children.map((child) => (typeof child === "string" ? child : child.outer)).join("");
  }
}

class Fragment extends Node {}

class Element extends Node {
  constructor(tag) {
    super();
    this.tag = tag;
    this.attributes = new Map();
    this.dataset = {};
    this.style = { setProperty() {} };
    this.log = [];
  }

  get lastElementChild() {
    return this.children.filter((child) => child instanceof Element).at(-1) ?? null;
  }

  set className(value) {
    this.attributes.set("class", value);
  }

  set value(value) {
    this.log.push(`value=${value}`);
  }

  set checked(value) {
    this.log.push(`checked=${value}`);
  }

  setAttribute(name, value) {
    this.log.push(`${name}=${value}`);
    this.attributes.set(name, String(value));
  }

  addEventListener(name) {
    this.log.push(`on${name}`);
  }

  querySelectorAll(selector) {
    const name = selector.slice(1);
    const inner = this.children.filter((child) => child instanceof Element);
    const found = inner.filter((child) => child.attributes.get("class") === name);
    return [...found, ...inner.flatMap((child) => child.querySelectorAll(selector))];
  }

  replaceWith(text) {
    this.children = [text];
  }

  get outer() {
    return `<${this.tag}>${this.html}</${this.tag}>`;
  }
}

globalThis.HTMLElement = Element;
globalThis.location = { origin: "http://127.0.0.1:1" };
globalThis.document = {
  activeElement: null,
  createElement: (tag) => new Element(tag),
  createElementNS: (_, tag) => new Element(tag),
  createDocumentFragment: () => new Fragment(),
};
