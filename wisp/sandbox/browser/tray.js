// What goes along with the next message: the message that it replies to, and the files that wait to be sent.

import { byId, bytes, h, icon } from "./dom.js";

const MOST_FILES = 10;

export class Tray {
  // `upload` gives a file's key, `complain` says why one cannot be sent, `back` returns the keyboard to the box, and
  // `replies` is told the id of the message that is replied to, null where there is none.
  constructor({ upload, complain, back, replies }) {
    this.box = byId("tray");
    this.upload = upload;
    this.complain = complain;
    this.back = back;
    this.replies = replies;
    this.files = [];
    this.reply = null;
    this.picker = h("input", {
      type: "file",
      multiple: true,
      class: "unseen",
      tabindex: "-1",
      "aria-label": "Files to send",
      onchange: () => {
        this.add([...this.picker.files]);
        this.picker.value = "";
      },
    });
    this.box.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      this.drop();
      this.back();
    });
    this.opener = h(
      "button",
      {
        type: "button",
        class: "tool",
        "aria-label": "Upload files",
        title: "Upload files",
        onclick: () => this.picker.click(),
      },
      icon("attach"),
    );
  }

  get empty() {
    return !this.files.length;
  }

  // Whether files may be sent here.
  allow(on) {
    this.opener.disabled = !on;
    this.opener.title = on ? "Upload files" : "You do not have permission to upload files in this channel.";
    this.allowed = on;
  }

  add(files) {
    if (!files.length) return;
    if (!this.allowed) {
      this.complain("You do not have permission to upload files in this channel.");
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

  async begin(entry) {
    this.files.push(entry);
    try {
      await entry.uploading;
    } catch (error) {
      entry.failed = true;
      this.remove(entry);
      this.complain(error.message);
    }
  }

  remove(entry) {
    this.files = this.files.filter((one) => one !== entry);
    this.draw();
  }

  // The message that is replied to; its author hears of it unless `ping` is off. Nobody pings themselves.
  answer(message, { ping = true, self = false } = {}) {
    this.reply = { message, ping: ping && !self, self };
    this.draw();
    this.back();
  }

  // The message that is replied to is gone, or nobody wants to reply any more.
  drop(ids = null) {
    if (!this.reply || (ids && !ids.includes(this.reply.message.id))) return false;
    this.reply = null;
    this.draw();
    return true;
  }

  // Everything leaves: what it was, to be put back where it could not be sent.
  take() {
    const taken = { files: this.files, reply: this.reply };
    this.files = [];
    this.reply = null;
    this.draw();
    return taken;
  }

  put({ files, reply }) {
    this.files = files.filter(({ failed }) => !failed);
    this.reply = reply;
    this.draw();
  }

  draw() {
    const kept = this.box.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    this.box.replaceChildren(...[this.reply && this.replyBar(), this.files.length && this.fileList()].filter(Boolean));
    this.box.hidden = !this.box.children.length;
    this.replies(this.reply?.message.id ?? null);
    if (kept) (this.box.querySelector(`[data-key="${kept}"]`) ?? { focus: this.back }).focus();
  }

  replyBar() {
    const { message, ping, self } = this.reply;
    const name = message.author.nick || message.author.name;
    const toggle = () => {
      this.reply.ping = !this.reply.ping;
      this.draw();
    };
    return h(
      "div",
      { class: "reply-bar", role: "group", "aria-label": `Replying to ${name}` },
      h("span", { class: "reply-to" }, "Replying to ", h("b", {}, name)),
      !self &&
        h(
          "button",
          {
            type: "button",
            role: "switch",
            class: ping ? "ping on" : "ping",
            "data-key": "ping",
            "aria-checked": String(ping),
            "aria-label": `Ping ${name}`,
            title: ping ? "Turn the ping off" : "Turn the ping on",
            onclick: toggle,
          },
          ping ? "@ ON" : "@ OFF",
        ),
      h(
        "button",
        {
          type: "button",
          class: "tool",
          "data-key": "drop",
          "aria-label": "Do not reply",
          onclick: () => {
            this.drop();
            this.back();
          },
        },
        icon("close"),
      ),
    );
  }

  fileList() {
    const card = (entry) =>
      h(
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
          {
            type: "button",
            class: "tool",
            "aria-label": `Remove ${entry.name}`,
            onclick: () => {
              this.remove(entry);
              this.back();
            },
          },
          icon("close"),
        ),
      );
    return h(
      "ul",
      { class: "uploads scroll", "aria-label": "Files to send with the message" },
      ...this.files.map(card),
    );
  }
}
