/** One tab's part in following a conversation: as the leader among tabs, or on its own. */

import { Follower, type Followed, type FollowEnvironment } from "./stream";
import type { Tabs } from "./tabs";

export class Following {
  #follower: Follower | null = null;
  #ended = false;
  #leave: (() => void) | null = null;

  constructor(
    readonly id: string,
    private readonly env: FollowEnvironment,
  ) {}

  begin(tabs: Tabs, followed: Followed): void {
    const follow = (onlyPolls: boolean): void => {
      if (!this.#ended) this.#follower = new Follower(followed, this.env, onlyPolls);
    };
    this.#leave = tabs.whenLeader(
      this.id,
      () => follow(false),
      () => follow(true),
    );
  }

  end(): void {
    this.#ended = true;
    this.#leave?.();
    this.#follower?.stop();
  }

  poke(): void {
    this.#follower?.poke();
  }
}
