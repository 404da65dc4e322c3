/**
 * What the views and the session agree on. The session owns the state; views read it, and call commands.
 *
 * A state is never changed in place: a new one is made, so that `session.state !== before` means "draw again".
 * Names in snake_case are the service's own (docs/reference/api.md). Every `url` is absolute, and http or https or empty.
 *
 * Changes: 2: `Entry.press`.
 */

export type Screen = "home" | "conversation" | "article" | "requests";

/** Who has the conversation; exactly one at a time. */
export type Owner = "bot" | "queue" | "agent" | "expert" | "nobody";

export type Press =
  | "person"
  | "helped"
  | "not_helped"
  | "choice"
  | "none_of_these"
  | "audience"
  | "no_need"
  | "ask_meanwhile"
  | "skip";

/** Something to press instead of typing; the label is the service's. */
export interface Button {
  readonly press: Press;
  readonly index: number;
  readonly label: string;
}

export type DetailKind = "urgent" | "emergency" | "crisis" | "phone" | "email" | "hours";

/** A line such as a phone number, with its label. */
export interface ContactLine {
  readonly kind: DetailKind;
  readonly label: string;
  readonly value: string;
}

/** An article that may fit. */
export interface Hit {
  readonly article_id: string;
  readonly lang: string;
  readonly section_id: string;
  readonly title: string;
  readonly url: string;
  readonly score: number;
}

export interface Notice {
  readonly text: string;
  /** Of the privacy notice; may be empty. */
  readonly url: string;
}

/** A question that may be this customer's, with the article that answers it. */
export interface Question {
  readonly text: string;
  readonly article_id: string;
  readonly lang: string;
}

/** A quotation; `html` is the service's own safe HTML. */
export interface Answer {
  readonly text: string;
  readonly html: string;
  readonly article_id: string;
  readonly section_id: string;
  readonly lang: string;
  readonly title: string;
  readonly url: string;
}

/** An article that a person sent. */
export interface ArticleCard {
  readonly article_id: string;
  readonly lang: string;
  readonly section_id: string;
  readonly title: string;
  readonly url: string;
}

export type Outcome = "answered" | "clarified" | "no_answer" | "handed_off" | "small_talk" | "notice";

/** The bot's reply beside its words, which are `Entry.text`. */
export interface BotReply {
  /** Of the customer's message that it answers. */
  readonly sequence: number;
  /** As the API names it; see "Outcomes and reasons". */
  readonly outcome: Outcome;
  readonly reason: string;
  /** 0 to 1, or null where nothing was searched. */
  readonly confidence: number | null;
  readonly choices_confidence: number | null;
  /** Of the question, as detected. */
  readonly language: string;
  readonly answer: Answer | null;
  /** Further articles with an answer, choices with `clarified`, else the nearest ones. */
  readonly hits: readonly Hit[];
  /** False: the section quoted goes on at the answer's url. */
  readonly complete: boolean;
  /** As they came with the reply; those that can still be pressed are `State.buttons`. */
  readonly buttons: readonly Button[];
  readonly details: readonly ContactLine[];
}

/** One thing that was said. `key` never changes, also when the entry is acknowledged or read from the service. */
export interface Entry {
  readonly key: string;
  readonly author: "customer" | "bot" | "person" | "service";
  /** Of the person. */
  readonly name?: string | undefined;
  /** Plain text. */
  readonly text: string;
  /** Language of the text, where it may differ from the interface's. */
  readonly lang?: string | undefined;
  /** ISO 8601. */
  readonly at: string;
  /** The customer's own; "read": a person has seen it; "failed": `retry` sends it again. */
  readonly state?: "queued" | "sending" | "sent" | "read" | "failed" | undefined;
  readonly reply?: BotReply | undefined;
  readonly article?: ArticleCard | undefined;
  /** The button that the customer pressed; `text` is then its label, and empty where only the view has words for it. */
  readonly press?: Press | undefined;
}

export interface CallView {
  readonly phone: string;
  readonly wished: string;
}

/** Where the current matter's request to people stands. */
export interface Standing {
  readonly owner: Owner;
  readonly state: "open" | "resolved" | "withdrawn" | "unreachable" | "abandoned";
  readonly question: string;
  readonly asked_at: string;
  readonly waiting_since: string;
  readonly ended_at: string | null;
  /** In the customer's language; may be empty. */
  readonly team: string;
  /** Name of the person who has it; empty while it waits. */
  readonly agent: string;
  /** Whether there are people that requests get through to. */
  readonly staffed: boolean;
  /** Whether somebody who could take it is there now. */
  readonly live: boolean;
  /** In the queue, from 1; 0 once somebody has it, or it has ended. */
  readonly place: number;
  readonly reply_by: string | null;
  /** A phrase, such as: huomenna klo 8.00; may be empty. */
  readonly reply_by_words: string;
  readonly delivered: boolean;
  readonly answered: boolean;
  /** Whether people's messages also come by e-mail while the page is closed. */
  readonly mail: boolean;
  /** Whether there is an address for a later reply. */
  readonly reachable: boolean;
  readonly call: CallView | null;
  /** Absolute address of the request's own page; empty without one. */
  readonly status_url: string;
}

export interface ArticleSection {
  readonly section_id: string;
  readonly heading_path: readonly string[];
  readonly text: string;
  /** The service's own safe HTML. */
  readonly html: string;
  readonly url: string;
}

export interface Translation {
  readonly lang: string;
  readonly title: string;
  readonly url: string;
}

/** The article that is open; while it loads, and when it cannot be had, `sections` is empty. */
export interface ArticleView {
  readonly lang: string;
  readonly id: string;
  readonly status: "loading" | "ready" | "missing" | "failed";
  readonly title: string;
  readonly summary: string;
  /** Day of the last change, as in 2026-11-01. */
  readonly updated: string | null;
  readonly url: string;
  readonly sections: readonly ArticleSection[];
  readonly translations: readonly Translation[];
}

export interface State {
  readonly open: boolean;
  readonly screen: Screen;
  readonly lang: string;
  /** Whether there is a conversation, here or in another tab. */
  readonly started: boolean;
  /** "idle": nothing was called yet; "offline": no network; "down": the service does not answer as it should. */
  readonly connection: "idle" | "online" | "offline" | "down";
  readonly entries: readonly Entry[];
  /** What may be pressed now; empty while a reply is awaited. */
  readonly buttons: readonly Button[];
  /** A reply of the bot is awaited. */
  readonly busy: boolean;
  readonly standing: Standing | null;
  /** Name of the person who is writing now; null for nobody. */
  readonly typing: string | null;
  /** Entries of others that came while the conversation was not in sight. */
  readonly unread: number;
  readonly csat: "none" | "ask" | "sent";
  /** What the customer is writing; kept in this tab. */
  readonly draft: string;
  /** For the page and the language. */
  readonly suggestions: readonly Question[];
  /** Null: nothing was searched; empty: nothing was found. */
  readonly searchResults: readonly Hit[] | null;
  readonly article: ArticleView | null;
  /** What the customer is to read before writing; null where there is nothing. */
  readonly notice: Notice | null;
  /** Other ways to reach people; known once the chat was opened. */
  readonly contact: readonly ContactLine[];
  /** The last conversation's time was over: a new one begins with the next message, and the draft is kept. */
  readonly expired: boolean;
  /**
   * What went wrong with the last command, or null: a problem's short name ("rate-limited", "conversation-full",
   * "not-open", "invalid-request" ...), "network" or "timeout". Never a sentence: the view has the words.
   */
  readonly error: string | null;
}

export interface Commands {
  open(): void;
  close(): void;
  go(screen: Screen): void;
  ask(text: string): void;
  press(button: Button): void;
  person(): void;
  draft(text: string): void;
  /** An empty text clears the results; calls are spaced out by the session. */
  search(text: string): void;
  openArticle(lang: string, id: string): void;
  feedback(helped: boolean): void;
  contact(email: string, phone: string): void;
  callback(phone: string, wished: string): void;
  noNeed(): void;
  /** `score` from 1 to 5. */
  rate(score: number, comment: string): void;
  /** Ends the matter at the service, and forgets the conversation in this browser. */
  deleteConversation(): void;
  newConversation(): void;
  setLanguage(lang: string): void;
  /** The customer is writing; may be called at every key. */
  typing(): void;
  /** The conversation's newest entry is in sight. */
  seen(): void;
  /** Try at once what waits or has failed. */
  retry(): void;
}

export interface Session {
  readonly state: State;
  readonly commands: Commands;
  /** Called after each change of state; returns what ends it. */
  subscribe(listener: () => void): () => void;
  start(): void;
  stop(): void;
}

export interface Config {
  /** Address of the service, such as https://help.example; empty for the page's own. */
  readonly server: string;
  readonly siteKey: string;
  readonly lang: string;
  /** Address of the page. */
  readonly page: string;
  /** Where the token is kept: for this tab, or for this browser. */
  readonly store: "session" | "local";
}
