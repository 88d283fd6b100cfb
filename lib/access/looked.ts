/** What a comparison looked at, and what it could not. */
export class Looked {
  readonly asked: string[] = [];
  readonly unread: string[] = [];
}
