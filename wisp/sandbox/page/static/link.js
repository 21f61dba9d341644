// The one websocket between page and sandbox: each request is answered under its number, everything else is pushed.

import { setNow } from "./times.js";

const LARGEST_FILE = 10 * 1024 * 1024;

export class Refused extends Error {}

/** Why something failed, in words. @param {unknown} error */
export const reason = (error) => (error instanceof Error ? error.message : String(error));

export class Link {
  /** @param {{opened: () => void, pushed: (frame: any) => void, lost: () => void}} handlers */
  constructor(handlers) {
    this.handlers = handlers;
    /** @type {Map<number, {resolve: (value: any) => void, reject: (error: Error) => void}>} */
    this.waiting = new Map();
    this.number = 0;
    this.delay = 500;
    this.socket = this.open();
  }

  open() {
    const address = new URL("socket", location.href);
    address.protocol = "ws:";
    const socket = new WebSocket(address);
    socket.onopen = () => {
      this.delay = 500;
      this.handlers.opened();
    };
    socket.onmessage = (event) => this.receive(JSON.parse(event.data));
    socket.onclose = () => this.closed();
    return socket;
  }

  closed() {
    for (const { reject } of this.waiting.values()) reject(new Refused("the connection to the sandbox broke off"));
    this.waiting.clear();
    this.handlers.lost();
    setTimeout(() => {
      this.socket = this.open();
    }, this.delay);
    this.delay = Math.min(5000, this.delay * 2);
  }

  /** @param {{now: number, push?: string, re: number, ok?: any, no?: string}} frame */
  receive(frame) {
    setNow(frame.now);
    if (frame.push) {
      this.handlers.pushed(frame);
      return;
    }
    const asked = this.waiting.get(frame.re);
    this.waiting.delete(frame.re);
    if (!asked) return;
    if (frame.no === undefined) asked.resolve(frame.ok);
    else asked.reject(new Refused(frame.no));
  }

  /**
   * Ask the sandbox for an action. Rejects with Refused, in words for people, if the sandbox refuses it.
   * @param {string} what
   * @param {object} [fields]
   * @returns {Promise<any>}
   */
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

  /**
   * Upload a file; resolves to the key under which an action can name it.
   * @param {File} file
   * @returns {Promise<string>}
   */
  async upload(file) {
    if (file.size > LARGEST_FILE) {
      throw new Refused(`Your files are too powerful: ${file.name}. The max file size is 10 MB.`);
    }
    const headers = { "X-Filename": encodeURIComponent(file.name), "Content-Type": "application/octet-stream" };
    const response = await fetch("upload", { method: "POST", body: file, headers });
    if (!response.ok) throw new Refused(await response.text());
    return (await response.json()).key;
  }
}
