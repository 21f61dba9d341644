// The one websocket between page and sandbox: what is asked is answered under its number, the rest is pushed.

import { setNow } from "./times.js";

const LARGEST_FILE = 10 * 1024 * 1024;

export class Refused extends Error {}

export class Link {
  constructor({ opened, pushed, lost }) {
    this.handlers = { opened, pushed, lost };
    this.waiting = new Map();
    this.number = 0;
    this.delay = 500;
    this.open();
  }

  open() {
    const address = new URL("socket", location.href);
    address.protocol = "ws:";
    this.socket = new WebSocket(address);
    this.socket.onopen = () => {
      this.delay = 500;
      this.handlers.opened();
    };
    this.socket.onmessage = (event) => this.receive(JSON.parse(event.data));
    this.socket.onclose = () => {
      for (const { reject } of this.waiting.values()) reject(new Refused("the connection to the sandbox broke off"));
      this.waiting.clear();
      this.handlers.lost();
      setTimeout(() => this.open(), this.delay);
      this.delay = Math.min(5000, this.delay * 2);
    };
  }

  receive(frame) {
    setNow(frame.now);
    if (frame.push) {
      this.handlers.pushed(frame);
      return;
    }
    const asked = this.waiting.get(frame.re);
    this.waiting.delete(frame.re);
    if (!asked) return;
    if ("no" in frame) asked.reject(new Refused(frame.no));
    else asked.resolve(frame.ok);
  }

  ask(what, fields = {}) {
    return new Promise((resolve, reject) => {
      if (this.socket.readyState !== WebSocket.OPEN) {
        reject(new Refused("the sandbox is not connected"));
        return;
      }
      this.number += 1;
      this.waiting.set(this.number, { resolve, reject });
      this.socket.send(JSON.stringify({ do: what, n: this.number, ...fields }));
    });
  }

  async upload(file) {
    if (file.size > LARGEST_FILE)
      throw new Refused(`Your files are too powerful: ${file.name}. The max file size is 10 MB.`);
    const headers = { "X-Filename": encodeURIComponent(file.name), "Content-Type": "application/octet-stream" };
    const response = await fetch("upload", { method: "POST", body: file, headers });
    if (!response.ok) throw new Refused(await response.text());
    return (await response.json()).key;
  }
}
