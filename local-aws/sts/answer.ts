import { elements, type Value } from '../iam/answer';

/** An error STS answers with. https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html#API_AssumeRole_Errors */
export class StsFault extends Error {
  override readonly name = 'StsFault';
  readonly code: string;
  readonly status: number;
  constructor(code: string, status: number, message: string) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

/** The elements of a result. */
export const stsAnswer = (result: { readonly [name: string]: Value }): string => elements(result);
