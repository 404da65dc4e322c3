/** Gets the customer's messages to the service: in order, each once, and again until it is acknowledged or refused. */

import { troubled, type Access, type Api, type Reply, type Trouble } from "./api";
import type { Environment } from "./environment";
import type { Action, Outgoing } from "./state";
import { backoff } from "./stream";

export interface Sender {
  queue(): readonly Outgoing[];
  access(): Access | null;
  /** A new conversation, begun with a message in this language. */
  begin(lang: string): Promise<Access>;
  running(): boolean;
  do(action: Action): void;
  /** The service has taken the message. */
  sent(access: Access, id: string, reply: Reply): void;
  /** The service does not know the conversation any more. */
  lost(): void;
  unsent(trouble: Trouble): void;
  later(name: "send", ms: number, act: () => void): void;
}

export class Sending {
  #busy = false;
  #tries = 0;
  #losses = 0;

  constructor(
    private readonly api: Api,
    private readonly env: Environment,
    private readonly host: Sender,
  ) {}

  /** Whether something waits to be sent. */
  get waiting(): boolean {
    return this.#next() !== undefined;
  }

  /** Whatever kept messages back may be over. */
  refresh(): void {
    this.#tries = 0;
  }

  async send(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    try {
      for (let item = this.#next(); item && this.host.running(); item = this.#next()) {
        if (!(await this.#one(item))) return;
      }
    } finally {
      this.#busy = false;
    }
  }

  #next(): Outgoing | undefined {
    return this.host.queue().find((one) => one.state === "queued");
  }

  /** Whether to go on with the next one. */
  async #one(item: Outgoing): Promise<boolean> {
    const { id, text, press, index, lang } = item;
    this.host.do({ do: "mark", id, state: "sending" });
    try {
      const access = this.host.access() ?? (await this.host.begin(lang));
      const reply = await this.api.message(access, { client_message_id: id, text, press, index, lang });
      if (this.host.access()?.id !== access.id) return true; // deleted meanwhile
      this.#tries = this.#losses = 0;
      this.host.sent(access, id, reply);
      return true;
    } catch (error) {
      return this.#unsent(id, troubled(error));
    }
  }

  #unsent(id: string, trouble: Trouble): boolean {
    const { passing, lost, wait } = trouble;
    this.host.do({ do: "mark", id, state: passing || (lost && !this.#losses) ? "queued" : "failed" });
    if (lost && this.#losses++ === 0) {
      this.host.lost();
      return true;
    }
    this.host.unsent(trouble);
    if (!passing) return true; // refused: what comes after it may be fine
    this.#tries += 1;
    this.host.later("send", Math.max(wait ?? 0, backoff(this.#tries, this.env.random)), () => void this.send());
    return false;
  }
}
