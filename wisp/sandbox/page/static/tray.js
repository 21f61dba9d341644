// What is sent along with the next message: the message that it replies to, and files.

import { byId, focusOn, h } from "./dom.js";
import { icon } from "./icons.js";
import { reason } from "./link.js";
import { bytes, shownName } from "./names.js";

/** @import { Message } from "./frames.js" */

const MOST_FILES = 10;
const NO_PERMISSION = "You do not have permission to upload files in this channel.";

/** @typedef {{name: string, size: number, uploading: Promise<string>, failed?: boolean}} Upload */
/**
 * `self`: it is the person's own message, whose author is not pinged.
 * @typedef {{message: Message, ping: boolean, self: boolean}} Answer
 */
/** @typedef {{files: Upload[], reply: Answer | null}} Contents */

export class Tray {
  /**
   * @param {object} parts
   * @param {(file: File) => Promise<string>} parts.upload resolves to the key of the file
   * @param {(problem: string) => void} parts.complain says why a file cannot be sent
   * @param {() => void} parts.back returns the keyboard to the text box
   * @param {(id: string | null) => void} parts.replies tells which message is being replied to
   */
  constructor({ upload, complain, back, replies }) {
    this.box = byId("tray");
    this.upload = upload;
    this.complain = complain;
    this.back = back;
    this.replies = replies;
    /** @type {Upload[]} */
    this.files = [];
    /** @type {Answer | null} */
    this.reply = null;
    this.allowed = false;
    this.picker = this.filePicker();
    this.opener = h(
      "button",
      { type: "button", class: "tool", "aria-label": "Upload files", onclick: () => this.picker.click() },
      icon("attach"),
    );
    this.allow(false);
    this.box.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      this.drop();
      this.back();
    });
  }

  filePicker() {
    const picker = h("input", {
      type: "file",
      multiple: true,
      class: "unseen",
      tabindex: "-1",
      "aria-label": "Files to send",
      onchange: () => {
        this.add([...(picker.files ?? [])]);
        picker.value = "";
      },
    });
    return picker;
  }

  get empty() {
    return !this.files.length;
  }

  /** Whether files may be sent here. @param {boolean} on */
  allow(on) {
    this.allowed = on;
    this.opener.disabled = !on;
    this.opener.title = on ? "Upload files" : NO_PERMISSION;
  }

  /** @param {File[]} files */
  add(files) {
    if (!files.length) return;
    if (!this.allowed) {
      this.complain(NO_PERMISSION);
      return;
    }
    if (this.files.length + files.length > MOST_FILES) {
      this.complain(`Too many uploads! You can only upload ${MOST_FILES} files at a time!`);
      return;
    }
    this.complain("");
    for (const file of files) this.begin({ name: file.name, size: file.size, uploading: this.upload(file) });
    this.draw();
    this.back();
  }

  /** @param {Upload} entry */
  async begin(entry) {
    this.files.push(entry);
    try {
      await entry.uploading;
    } catch (error) {
      entry.failed = true;
      this.remove(entry);
      this.complain(reason(error));
    }
  }

  /** @param {Upload} entry */
  remove(entry) {
    this.files = this.files.filter((one) => one !== entry);
    this.draw();
  }

  /**
   * Set the message that is being replied to. Its author is pinged, unless it is the person's own.
   * @param {Message} message
   * @param {{self?: boolean}} [options]
   */
  answer(message, { self = false } = {}) {
    this.reply = { message, ping: !self, self };
    this.draw();
    this.back();
  }

  /**
   * End the reply, if it is one to one of these messages (null: to any); whether there was one.
   * @param {string[] | null} ids
   */
  drop(ids = null) {
    if (!this.reply || (ids && !ids.includes(this.reply.message.id))) return false;
    this.reply = null;
    this.draw();
    return true;
  }

  /** Take everything out; `put` puts it back if it could not be sent. @returns {Contents} */
  take() {
    const taken = { files: this.files, reply: this.reply };
    this.files = [];
    this.reply = null;
    this.draw();
    return taken;
  }

  /** @param {Contents} contents */
  put({ files, reply }) {
    this.files = files.filter(({ failed }) => !failed);
    this.reply = reply;
    this.draw();
  }

  draw() {
    const focused = document.activeElement;
    const key = this.box.contains(focused) ? focused?.getAttribute("data-key") : null;
    this.box.replaceChildren(
      ...(this.reply ? [this.replyBar(this.reply)] : []),
      ...(this.files.length ? [this.fileList()] : []),
    );
    this.box.hidden = !this.box.children.length;
    this.replies(this.reply?.message.id ?? null);
    if (!key) return;
    const same = this.box.querySelector(`[data-key="${key}"]`);
    if (same) focusOn(same);
    else this.back();
  }

  /** @param {Answer} reply */
  replyBar(reply) {
    const name = shownName(reply.message.author);
    const end = () => {
      this.drop();
      this.back();
    };
    return h(
      "div",
      { class: "reply-bar", role: "group", "aria-label": `Replying to ${name}` },
      h("span", { class: "reply-to" }, "Replying to ", h("b", {}, name)),
      !reply.self && this.pingSwitch(reply, name),
      h(
        "button",
        { type: "button", class: "tool", "data-key": "drop", "aria-label": "Do not reply", onclick: end },
        icon("close"),
      ),
    );
  }

  /** @param {Answer} reply @param {string} name */
  pingSwitch(reply, name) {
    const { ping } = reply;
    const attributes = {
      type: "button",
      role: "switch",
      class: ping ? "ping on" : "ping",
      "data-key": "ping",
      "aria-checked": String(ping),
      "aria-label": `Ping ${name}`,
      title: ping ? "Turn the ping off" : "Turn the ping on",
      onclick: () => {
        reply.ping = !ping;
        this.draw();
      },
    };
    return h("button", attributes, ping ? "@ ON" : "@ OFF");
  }

  fileList() {
    const attributes = { class: "uploads scroll", "aria-label": "Files to send with the message" };
    return h("ul", attributes, ...this.files.map((entry) => this.fileCard(entry)));
  }

  /** @param {Upload} entry */
  fileCard(entry) {
    const remove = () => {
      this.remove(entry);
      this.back();
    };
    return h(
      "li",
      { class: "upload" },
      icon("file"),
      h(
        "span",
        { class: "upload-text" },
        h("span", { class: "upload-name" }, entry.name),
        h("span", { class: "muted" }, bytes(entry.size)),
      ),
      h(
        "button",
        { type: "button", class: "tool", "aria-label": `Remove ${entry.name}`, onclick: remove },
        icon("close"),
      ),
    );
  }
}
