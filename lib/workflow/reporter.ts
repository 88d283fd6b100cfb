/** Where steps tell people what happens. Scripts decide what it looks like; data never goes through here. */
export interface Reporter {
  /** A step, or a part of one, begins. */
  heading(text: string): void;
  /** Something a person should know, one line. */
  note(text: string): void;
  /** Something a person should look at. */
  warn(text: string): void;
  /** A block to be read as it is, such as a plan. */
  block(text: string): void;
  /** A state that replaces the one before it on a terminal, and is thinned out elsewhere. */
  progress(text: string): void;
  /** True where a person sees the progress move, so that it may cost a few requests. Default false. */
  readonly watched?: boolean;
}
