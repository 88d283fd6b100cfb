/** What a comparison looked at, and what it could not. */
export class Looked {
  readonly asked: string[] = [];
  readonly unread: string[] = [];
  /** What could have checked the rest, and did not. */
  readonly notRead: string[] = [];
}
